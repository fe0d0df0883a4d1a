extension GGUFFile {
    /// A whole number under a key, or nil when there is no such key.
    ///
    /// - Throws: `GGUFError.wrongValue` when the value is something else.
    func integer(_ key: String) throws(GGUFError) -> Int? {
        guard let value = metadata[key] else { return nil }
        guard let integer = value.integer else {
            throw .wrongValue(file: path, key: key, expected: "a whole number")
        }
        return integer
    }

    /// A number under a key, or nil when there is no such key.
    ///
    /// - Throws: `GGUFError.wrongValue` when the value is something else.
    func number(_ key: String) throws(GGUFError) -> Double? {
        guard let value = metadata[key] else { return nil }
        guard let number = value.number else { throw .wrongValue(file: path, key: key, expected: "a number") }
        return number
    }

    /// A text under a key, or nil when there is no such key.
    ///
    /// - Throws: `GGUFError.wrongValue` when the value is something else.
    func text(_ key: String) throws(GGUFError) -> String? {
        guard let value = metadata[key] else { return nil }
        guard case .text(let text) = value else { throw .wrongValue(file: path, key: key, expected: "a text") }
        return text
    }

    /// A list of one kind of value under a key, or nil when there is no such key.
    ///
    /// - Throws: `GGUFError.wrongValue` when it is no list or an element is something else.
    func list<Element>(
        _ key: String, of kind: String, _ element: (GGUFValue) -> Element?
    ) throws(GGUFError) -> [Element]? {
        guard let value = metadata[key] else { return nil }
        guard case .list(let values) = value else {
            throw .wrongValue(file: path, key: key, expected: "a list of \(kind)")
        }
        let elements = values.compactMap(element)
        guard elements.count == values.count else {
            throw .wrongValue(file: path, key: key, expected: "a list of \(kind)")
        }
        return elements
    }

    /// A value that must be there.
    ///
    /// - Throws: `GGUFError.missingKey`, or what the look-up throws.
    func required<Value>(
        _ key: String, _ look: (String) throws(GGUFError) -> Value?
    ) throws(GGUFError) -> Value {
        guard let value = try look(key) else { throw .missingKey(file: path, key: key) }
        return value
    }
}
