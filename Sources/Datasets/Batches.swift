/// Cuts sequences into batches, and batches into micro-batches.
public enum Batches {
    /// Consecutive pieces of `size` elements; the last piece keeps what is left.
    ///
    /// - Parameter size: at least one.
    public static func cut<Element>(_ elements: [Element], size: Int) -> [[Element]] {
        stride(from: 0, to: elements.count, by: size).map { start in
            Array(elements[start..<min(start + size, elements.count)])
        }
    }
}
