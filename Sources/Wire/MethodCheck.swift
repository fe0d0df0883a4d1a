/// Every check that the header of a method's message passes before anything of it is used. Whether its tensors are those
/// that somebody waits for, and finite, is for the program to say.
public struct MethodCheck: Sendable {
    private let limits: WireLimits

    /// - Parameter limits: how large a message may be.
    public init(limits: WireLimits = WireLimits()) { self.limits = limits }

    /// Words of 32 bits that the payload of a message has in all its parts.
    ///
    /// - Throws: the first check that failed.
    public func words(_ content: Body.MethodContent) throws(WireError) -> Int {
        try number(content.step, name: "step", least: 1)
        try number(content.version, name: "version", least: 0)
        try number(content.pair, name: "pair", least: 0)
        let most = max(content.tensors.count, content.scalars.count)
        guard most <= limits.methodTensors else { throw .tooManyTensors(count: most, limit: limits.methodTensors) }
        try unique(content.scalars.map(\.name))
        try unique(content.tensors.map(\.name))
        var sum = 0
        for tensor in content.tensors {
            try number(tensor.rows, name: "rows", least: 0)
            try number(tensor.columns, name: "columns", least: 0)
            // Two factors below 2^31: neither the product nor a sum that stays below the limit leaves an Int.
            sum += Int(tensor.rows) * (Int(tensor.columns) + (tensor.hasIndices ? 1 : 0))
            guard sum <= limits.methodBytes / 4 else {
                throw .messageTooLarge(bytes: 4 * min(sum, Int.max / 4), limit: limits.methodBytes)
            }
        }
        return sum
    }

    /// The lengths and targets of a message's samples.
    ///
    /// - Throws: the first check that failed.
    public func samples(_ samples: Body.MethodSamples) throws(WireError) -> (lengths: [Int], targets: [[Int32]]) {
        guard samples.sampleIDs.count == samples.lengths.count else {
            throw .countsDiffer(
                ids: samples.sampleIDs.count, lengths: samples.lengths.count,
                targetLengths: samples.targetLengths.count)
        }
        let check = ActivationCheck(
            limits: limits, run: "", width: 0, maximumCut: 0, targetLimit: Int(Int32.max), maximumLength: limits.tokens)
        return try check.check(
            Body.OrderedMicroBatch(
                number: 0, firstSequence: 0, lengths: samples.lengths, targetLengths: samples.targetLengths,
                targets: samples.targets))
    }

    private func number(_ value: UInt32, name: String, least: UInt32) throws(WireError) {
        guard (least...UInt32(Int32.max)).contains(value) else {
            throw .numberOutOfRange(name: name, value: UInt64(value))
        }
    }

    private func unique(_ names: [String]) throws(WireError) {
        var seen: Set<String> = []
        for name in names {
            guard seen.insert(name).inserted else { throw .nameRepeated(name) }
        }
    }
}
