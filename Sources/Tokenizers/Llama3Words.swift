extension WordScanner {
    /// The end of the word that begins at a place.
    ///
    /// The pattern, tried in this order, with `\p{L}` for letters and `\p{N}` for numbers:
    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
    func llama3WordEnd(from start: Int) -> Int {
        let end = scalars.count
        if let contraction = anyCaseContractionEnd(from: start) { return contraction }
        if let letters = lettersEnd(from: start) { return letters }
        if classes[start] == .number { return run(from: start, to: min(end, start + 3)) { $0 == .number } }
        let body = scalars[start] == " " && start + 1 < end ? start + 1 : start
        if classes[body].isSign {
            let signs = run(from: body, to: end) { $0.isSign }
            return scalars[signs...].firstIndex { !isLineBreak($0) } ?? end
        }
        let spaces = run(from: start, to: end) { $0 == .space }
        if let lastBreak = scalars[start..<spaces].lastIndex(where: isLineBreak) { return lastBreak + 1 }
        return spacesEnd(from: start, to: end)
    }

    /// Letters, and one character before them that is neither number nor line break.
    private func lettersEnd(from start: Int) -> Int? {
        let end = scalars.count
        if classes[start] == .letter { return run(from: start, to: end) { $0 == .letter } }
        guard classes[start] != .number, !isLineBreak(scalars[start]), start + 1 < end, classes[start + 1] == .letter
        else { return nil }
        return run(from: start + 1, to: end) { $0 == .letter }
    }

    private func anyCaseContractionEnd(from start: Int) -> Int? {
        guard scalars[start] == "'", start + 1 < scalars.count else { return nil }
        let third: Unicode.Scalar? = start + 2 < scalars.count ? scalars[start + 2] : nil
        switch scalars[start + 1] {
        // The long s is an s to a pattern that ignores case.
        case "s", "S", "\u{17F}", "t", "T", "m", "M", "d", "D": return start + 2
        case "r", "R", "v", "V": return third == "e" || third == "E" ? start + 3 : nil
        case "l", "L": return third == "l" || third == "L" ? start + 3 : nil
        default: return nil
        }
    }

    private func isLineBreak(_ scalar: Unicode.Scalar) -> Bool { scalar == "\r" || scalar == "\n" }
}
