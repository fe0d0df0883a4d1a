/// Ends a text where one of some strings begins, though the text comes in pieces.
public struct StopStrings: Sendable {
    private let strings: [String]
    /// What may turn out to be the begin of a stop string.
    private var held = ""

    /// Whether a stop string has come: there is no more text.
    public private(set) var hasStopped = false

    /// - Parameter strings: empty ones are left out.
    public init(_ strings: [String]) { self.strings = strings.filter { !$0.isEmpty } }

    /// The text that can be shown with this piece: up to a stop string, or to what may still become one.
    public mutating func append(_ piece: String) -> String {
        guard !hasStopped else { return "" }
        held += piece
        let first = strings.compactMap { held.firstRange(of: $0)?.lowerBound }.min()
        if let first {
            hasStopped = true
            return String(held[..<first])
        }
        let open = held.indices.first { start in strings.contains { $0.hasPrefix(held[start...]) } } ?? held.endIndex
        defer { held = String(held[open...]) }
        return String(held[..<open])
    }

    /// What was held back, at the end of the text.
    public mutating func finish() -> String {
        defer { held = "" }
        return hasStopped ? "" : held
    }
}
