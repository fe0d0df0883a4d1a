import Tensors

/// Activations of a message, checked.
struct ReceivedBatch {
    /// The name of the tensor.
    static let name = "activations"

    let activations: Storage
    let lengths: [Int]
    let targets: [[Int32]]

    var layout: SequenceLayout { SequenceLayout(lengths: lengths) }
    var targetCount: Int { targets.reduce(0) { $0 + $1.count } }

    /// - Parameters:
    ///   - outputs: how many different targets there are.
    /// - Throws: `MethodError` for anything that the server could not compute with.
    init(_ message: MethodMessage, width: Int, outputs: Int) throws(MethodError) {
        guard let samples = message.samples, !samples.lengths.isEmpty, samples.ids.count == samples.lengths.count,
            samples.targets.count == samples.lengths.count,
            zip(samples.lengths, samples.targets).allSatisfy({ $0 > 0 && (1...$0).contains($1.count) }),
            samples.targets.joined().allSatisfy({ (0..<Int32(outputs)).contains($0) })
        else {
            throw .misshapen(name: "samples", expected: "of equal numbers, with targets below \(outputs)")
        }
        lengths = samples.lengths
        targets = samples.targets
        // No sum of a stranger's numbers may overflow: no text is longer than there are numbers.
        guard let tensor = message.tensors.first(where: { $0.name == Self.name }),
            lengths.allSatisfy({ $0 <= tensor.values.count })
        else { throw .misshapen(name: Self.name, expected: "there, with a row for each token") }
        activations = try tensor.storage(rows: lengths.reduce(0, +), columns: width)
    }
}

extension MessageTensor {
    /// The values in memory of their own.
    ///
    /// - Throws: `MethodError` for another shape, or a number that is not finite.
    func storage(rows: Int, columns: Int) throws(MethodError) -> Storage {
        guard self.rows == rows, self.columns == columns, values.count == rows * columns,
            indices.map({ $0.count == rows }) ?? true
        else { throw .misshapen(name: name, expected: "[\(rows), \(columns)]") }
        guard values.allSatisfy(\.isFinite) else { throw .notFinite(name: name) }
        let storage = Storage(count: values.count)
        storage.base.update(from: values, count: values.count)
        return storage
    }
}
