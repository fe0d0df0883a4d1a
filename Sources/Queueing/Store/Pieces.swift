/// Bytes `range` of a whole that lies in pieces, one after another, copied to `target`.
///
/// - Precondition: the pieces hold the range, and `target` has its size.
func copyBytes(
    _ range: Range<Int>, of pieces: [UnsafeRawBufferPointer], to target: UnsafeMutableRawBufferPointer
) {
    var start = 0
    for piece in pieces {
        let part = range.clamped(to: start..<start + piece.count)
        if !part.isEmpty {
            UnsafeMutableRawBufferPointer(
                rebasing: target[part.lowerBound - range.lowerBound..<part.upperBound - range.lowerBound]
            )
            .copyMemory(
                from: UnsafeRawBufferPointer(rebasing: piece[part.lowerBound - start..<part.upperBound - start]))
        }
        start += piece.count
    }
}
