/// Cuts text into the words of a pre-tokenizer, as ranges that cover it without gaps.
///
/// The pattern, tried in this order at every place, with `\p{L}` for letters and `\p{N}` for numbers:
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
struct WordScanner {
    private let scalars: [Unicode.Scalar]
    private let classes: [ScalarClass]
    private let digitsApart: Bool

    init(_ scalars: [Unicode.Scalar], _ rule: PreTokenizer) {
        self.scalars = scalars
        classes = scalars.map(ScalarClass.init)
        digitsApart = rule == .smollm
    }

    /// The words, as ranges of scalars.
    func words() -> [Range<Int>] {
        var words: [Range<Int>] = []
        var start = 0
        var segmentEnd = digitsApart ? 0 : scalars.count
        while start < scalars.count {
            var end: Int
            if digitsApart && classes[start].isDigit {
                end = start + 1
            } else {
                // The pattern sees only the text up to the next digit, so that spaces before one end a segment.
                if start >= segmentEnd { segmentEnd = run(from: start, to: scalars.count) { !$0.isDigit } }
                end = wordEnd(from: start, to: segmentEnd)
            }
            words.append(start..<end)
            start = end
        }
        return words
    }

    private func wordEnd(from start: Int, to end: Int) -> Int {
        if let contraction = contractionEnd(from: start, to: end) { return contraction }
        let body = scalars[start] == " " && start + 1 < end ? start + 1 : start
        switch classes[body] {
        case .letter: return run(from: body, to: end) { $0 == .letter }
        case .number: return run(from: body, to: end) { $0 == .number }
        case .other, .recentNumber: return run(from: body, to: end) { $0.isSign }
        case .space:
            let stop = run(from: start, to: end) { $0 == .space }
            // Before a word, the last space is left for that word.
            return stop == end || stop == start + 1 ? stop : stop - 1
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

    private func run(from start: Int, to end: Int, while belongs: (ScalarClass) -> Bool) -> Int {
        var stop = start
        while stop < end && belongs(classes[stop]) { stop += 1 }
        return stop
    }
}
