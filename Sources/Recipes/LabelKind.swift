import Yams

extension ValueKind<[Recipe.Label]> {
    /// A map from class names to label words in the order in which it is written, a list of class names, or null.
    static var labels: Self {
        let expected = """
            a map of 2 to 1000 labels to different label words, such as {negative: " bad", positive: " good"}, \
            a list of labels, or null
            """
        return .init(expected: expected) { node throws(ValueProblem) in
            guard !node.isNull else { return [] }
            var labels: [Recipe.Label] = []
            if let mapping = node.mapping {
                for (key, value) in mapping {
                    guard let word = value.scalar?.string, !value.isNull else { throw .wrongType(value) }
                    guard !word.isEmpty, !labels.contains(where: { $0.word == word }) else { throw .impossible(value) }
                    labels.append(.init(name: try className(key, after: labels), word: word))
                }
            } else if let sequence = node.sequence {
                for element in sequence { labels.append(.init(name: try className(element, after: labels), word: nil)) }
            } else {
                throw .wrongType(node)
            }
            guard (2...1000).contains(labels.count) else { throw .impossible(node) }
            return labels
        } encode: { labels in
            guard !labels.isEmpty else { return .plain("null") }
            let words = labels.compactMap(\.word)
            guard words.count == labels.count else { return Node(labels.map { .text($0.name) }, Tag(.seq), .flow) }
            return Node(zip(labels, words).map { (.text($0.name), .text($1)) }, Tag(.map), .flow)
        }
    }
}

/// The name of a class that none before it has.
private func className(_ node: Node, after labels: [Recipe.Label]) throws(ValueProblem) -> String {
    guard let name = node.scalar?.string else { throw .wrongType(node) }
    guard !name.isEmpty, !labels.contains(where: { $0.name == name }) else { throw .impossible(node) }
    return name
}
