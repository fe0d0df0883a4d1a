extension String {
    /// The text for a log or a terminal, whoever wrote it: characters that move the cursor, change colours or reorder
    /// what is read give way to `�`.
    public var printable: String {
        func isPlain(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
            default: true
            }
        }
        guard !unicodeScalars.allSatisfy(isPlain) else { return self }
        var text = String.UnicodeScalarView()
        for scalar in unicodeScalars { text.append(isPlain(scalar) ? scalar : "\u{FFFD}") }
        return String(text)
    }
}
