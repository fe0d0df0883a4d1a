/// Where a tensor lies in a GGUF file, checked against the file's end and against its other tensors.
public struct GGUFTensor: Sendable, Equatable {
    /// The file's own name for it, such as `blk.0.attn_q.weight`.
    public let name: String
    /// Dimensions, outermost first.
    public let shape: [Int]
    /// How the weights are stored.
    public let format: BlockQuantization
    /// Bytes from the file's begin.
    let offset: Int
    let byteCount: Int

    /// Weights of one row, the innermost dimension.
    var columns: Int { shape[shape.count - 1] }

    /// The product of all dimensions but the innermost.
    var rows: Int { shape.dropLast().reduce(1, *) }

    var bytesPerRow: Int { columns / format.weightsPerBlock * format.bytesPerBlock }
}

extension GGUFReader {
    /// The tensors that the header announces, with offsets counted from the begin of the data.
    mutating func tensors(_ count: UInt64) throws(GGUFError) -> [GGUFTensor] {
        // A name's length, at least one dimension, the format and the offset.
        let minimumBytes: UInt64 = 8 + 4 + 8 + 4 + 8
        let left = UInt64(bytes.count - offset)
        guard count <= left / minimumBytes else {
            let (needed, overflow) = count.multipliedReportingOverflow(by: minimumBytes)
            throw .truncated(
                file: file, place: "the tensor list", missingBytes: (overflow ? UInt64.max : needed) - left)
        }
        var tensors: [GGUFTensor] = []
        var names: Set<String> = []
        for index in 0..<count {
            let tensor = try tensor("tensor \(index)")
            guard names.insert(tensor.name).inserted else {
                throw .malformed(file: file, place: "tensor \(tensor.name)", reason: "the name occurs twice")
            }
            tensors.append(tensor)
        }
        return tensors
    }

    private mutating func tensor(_ place: String) throws(GGUFError) -> GGUFTensor {
        let name = try string(for: place)
        let place = "tensor \(name)"
        try reserveTensor(name)
        let dimensions = try integer(UInt32.self, for: place)
        guard (1...4).contains(dimensions) else {
            throw .malformed(file: file, place: place, reason: "\(dimensions) dimensions where 1 to 4 are possible")
        }
        var shape: [Int] = []
        for _ in 0..<dimensions {
            let extent = try integer(UInt64.self, for: place)
            guard let extent = Int(exactly: extent), extent > 0 else {
                throw .malformed(file: file, place: place, reason: "a dimension is \(extent)")
            }
            // The file lists the innermost dimension first.
            shape.insert(extent, at: 0)
        }
        let number = try integer(UInt32.self, for: place)
        guard let format = BlockQuantization(rawValue: number) else {
            throw .unsupportedTensorType(file: file, tensor: name, type: number)
        }
        guard shape[shape.count - 1] % format.weightsPerBlock == 0 else {
            throw .malformed(
                file: file, place: place,
                reason: "rows of \(shape[shape.count - 1]) weights are no whole number of \(format) blocks")
        }
        let start = try integer(UInt64.self, for: place)
        guard let byteCount = byteCount(shape, format), let offset = Int(exactly: start) else {
            throw .malformed(file: file, place: place, reason: "its size or offset overflows")
        }
        return GGUFTensor(name: name, shape: shape, format: format, offset: offset, byteCount: byteCount)
    }
}

/// The bytes of a tensor, or nil when they do not fit an integer.
private func byteCount(_ shape: [Int], _ format: BlockQuantization) -> Int? {
    var product = 1
    for extent in shape {
        let (next, overflow) = product.multipliedReportingOverflow(by: extent)
        if overflow { return nil }
        product = next
    }
    let (bytes, overflow) = (product / format.weightsPerBlock).multipliedReportingOverflow(by: format.bytesPerBlock)
    return overflow ? nil : bytes
}
