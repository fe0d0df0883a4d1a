/// Cuts text into the words of a pre-tokenizer, as ranges that cover it without gaps, in time linear in its length.
struct WordScanner {
    let scalars: [Unicode.Scalar]
    let classes: [ScalarClass]
    private let rule: PreTokenizer

    init(_ scalars: [Unicode.Scalar], _ rule: PreTokenizer) {
        self.scalars = scalars
        classes = scalars.map(ScalarClass.init)
        self.rule = rule
    }

    /// The words, as ranges of scalars.
    func words() -> [Range<Int>] {
        var words: [Range<Int>] = []
        let digitsApart = rule == .smollm
        var start = 0
        var segmentEnd = digitsApart ? 0 : scalars.count
        while start < scalars.count {
            var end: Int
            if digitsApart && classes[start].isDigit {
                end = start + 1
            } else {
                // The pattern sees only the text up to the next digit, so that spaces before one end a segment.
                if start >= segmentEnd { segmentEnd = run(from: start, to: scalars.count) { !$0.isDigit } }
                end = rule == .llama3 ? llama3WordEnd(from: start) : gpt2WordEnd(from: start, to: segmentEnd)
            }
            words.append(start..<end)
            start = end
        }
        return words
    }

    /// The end of a run of spaces as `\s+(?!\S)|\s+` matches it: before a word, the last space is left for that word.
    func spacesEnd(from start: Int, to end: Int) -> Int {
        let stop = run(from: start, to: end) { $0 == .space }
        return stop == end || stop == start + 1 ? stop : stop - 1
    }

    func run(from start: Int, to end: Int, while belongs: (ScalarClass) -> Bool) -> Int {
        var stop = start
        while stop < end && belongs(classes[stop]) { stop += 1 }
        return stop
    }
}
