/// Several reports of steps in a file: messages without run and sender, each behind its length in four bytes, the least
/// significant first.
public enum StepReportList {
    /// One after another.
    public static func encode(_ reports: [Body.StepReport]) -> [UInt8] {
        reports.flatMap { report in
            let message = Envelope(run: "", sender: "", body: .stepReport(report)).encode()
            return withUnsafeBytes(of: UInt32(message.count).littleEndian) { [UInt8]($0) } + message
        }
    }

    /// - Throws: `WireError` when the bytes are not whole reports.
    public static func decode(_ bytes: [UInt8]) throws(WireError) -> [Body.StepReport] {
        var reports: [Body.StepReport] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let message = rest.dropFirst(4), count = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            guard rest.count >= 4, count <= message.count else { throw .malformedHeader(bytes: rest.count) }
            let envelope = try Envelope.decode([UInt8](message.prefix(count)), limits: WireLimits())
            guard case .stepReport(let report) = envelope.body else {
                throw .unexpectedMessage(envelope.body.name)
            }
            reports.append(report)
            rest = message.dropFirst(count)
        }
        return reports
    }
}
