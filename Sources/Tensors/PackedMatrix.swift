import CProducts

/// A factor w of products with its transpose, laid out once as oneDNN's kernels read it: the bits that a product has with w
/// itself, without the time in which each product would lay it out anew. Nothing else can be read of it.
///
/// Written before anybody reads it and never again, so that any number of threads may read it.
public struct PackedMatrix: Sendable {
    /// Of w.
    public let rows: Int
    /// Numbers of one row of w.
    public let columns: Int
    private let isBrainFloat: Bool
    private let parts: [Part]

    /// Some columns of w, which are a product of their own.
    private struct Part: Sendable {
        let columns: Range<Int>
        let storage: Storage
    }

    /// Of floats; nil where products of such a shape do not go to oneDNN, or it packs nothing.
    init?(_ w: Matrix) {
        guard MatrixLibrary.chosen == .oneDNN, w.rows >= ProductShape.narrowest else { return nil }
        let half = w.columns / 2
        let isSplit = ProductShape.uncertainInner.contains(w.columns)
        let ranges = isSplit ? [0..<half, half..<w.columns] : [0..<w.columns]
        self.init(rows: w.rows, columns: w.columns, parts: ranges, isBrainFloat: false) { columns in
            (UnsafeRawPointer(w.base + columns.lowerBound), w.stride)
        }
    }

    /// Of bfloat16 numbers; nil where the processor does not multiply them, or oneDNN packs nothing.
    init?(_ w: BrainFloatMatrix) {
        guard BrainFloatMatrix.isMultiplied else { return nil }
        self.init(rows: w.rows, columns: w.columns, parts: [0..<w.columns], isBrainFloat: true) { _ in
            (UnsafeRawPointer(w.base), w.columns)
        }
    }

    /// - Parameter numbers: where some columns begin, and numbers from one row to the next.
    private init?(
        rows: Int, columns: Int, parts: [Range<Int>], isBrainFloat: Bool,
        numbers: (Range<Int>) -> (UnsafeRawPointer, Int)
    ) {
        self.rows = rows
        self.columns = columns
        self.isBrainFloat = isBrainFloat
        pf_product_begin()
        defer { pf_product_end() }
        var packed: [Part] = []
        for part in parts {
            let bytes = pf_onednn_packed_bytes(isBrainFloat, Int64(rows), Int64(part.count))
            guard bytes > 0 else { return nil }
            let storage = Storage(count: bytes / MemoryLayout<Float>.stride + 1)
            let (start, stride) = numbers(part)
            guard pf_onednn_pack(isBrainFloat, Int64(rows), Int64(part.count), start, Int64(stride), storage.base)
            else { return nil }
            packed.append(Part(columns: part, storage: storage))
        }
        self.parts = packed
    }

    /// result = a · selfᵀ + keep · result.
    func product(of a: Matrix, into result: Matrix, keep: Float) {
        guard !isBrainFloat else {
            return BrainFloatMatrix.round(a, into: result, keep: keep) { rounded, result in
                multiply(rounded, stride: columns, parts[0], into: result, keep: keep)
            }
        }
        pf_product_begin()
        defer { pf_product_end() }
        for (index, part) in parts.enumerated() {
            let keep = index == 0 ? keep : 1
            let isComputed = result.withWholeRows(of: a.columns(part.columns), keep: keep) { a, result in
                multiply(a.base, stride: a.stride, part, into: result, keep: keep)
            }
            precondition(isComputed, "the system has no memory left for a product")
        }
    }

    private func multiply(
        _ a: UnsafeRawPointer, stride: Int, _ part: Part, into result: Matrix, keep: Float
    ) -> Bool {
        pf_onednn_multiply_packed(
            isBrainFloat, Int64(result.rows), Int64(result.columns), Int64(part.columns.count), a, Int64(stride),
            part.storage.base, keep, result.base, Int64(result.stride))
    }
}
