extension WordScanner {
    /// The end of the word that begins at a place, in text that ends before `end`.
    ///
    /// The pattern, tried in this order, with `\p{L}` for letters and `\p{N}` for numbers:
    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
    func gpt2WordEnd(from start: Int, to end: Int) -> Int {
        if let contraction = contractionEnd(from: start, to: end) { return contraction }
        let body = scalars[start] == " " && start + 1 < end ? start + 1 : start
        switch classes[body] {
        case .letter: return run(from: body, to: end) { $0 == .letter }
        case .number: return run(from: body, to: end) { $0 == .number }
        case .other, .recentNumber: return run(from: body, to: end) { $0.isSign }
        case .space: return spacesEnd(from: start, to: end)
        }
    }

    private func contractionEnd(from start: Int, to end: Int) -> Int? {
        guard scalars[start] == "'", start + 1 < end else { return nil }
        switch scalars[start + 1] {
        case "s", "t", "m", "d": return start + 2
        case "r", "v": return start + 2 < end && scalars[start + 2] == "e" ? start + 3 : nil
        case "l": return start + 2 < end && scalars[start + 2] == "l" ? start + 3 : nil
        default: return nil
        }
    }
}
