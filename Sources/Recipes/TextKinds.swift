import Diagnostics
import Yams

extension ValueKind<String> {
    /// Text that passes a check.
    private static func text(_ expected: String, where isPossible: @escaping @Sendable (String) -> Bool) -> Self {
        .init(expected: expected) { node throws(ValueProblem) in
            guard let text = node.scalar?.string, !node.isNull else { throw .wrongType(node) }
            guard isPossible(text) else { throw .impossible(node) }
            return text
        } encode: {
            .text($0)
        }
    }

    /// A name that can be part of a file name everywhere.
    static var name: Self {
        text("a name of 1 to 64 letters, digits, '-', '_' and '.', which starts with a letter or digit") { name in
            guard let first = name.first, (1...64).contains(name.count) else { return false }
            let isPlain: (Character) -> Bool = { $0.isASCII && ($0.isLetter || $0.isNumber) }
            return isPlain(first) && name.allSatisfy { isPlain($0) || "-_.".contains($0) }
        }
    }

    /// A path, or `cache:FILE` with a file inside the cache folder.
    static var path: Self {
        text("a path, or cache:FILE for a file in the cache folder") { path in
            guard !path.isEmpty, path.utf8.count <= 4096, !path.contains("\0") else { return false }
            guard let file = CacheFolder.fileName(in: path) else { return true }
            let parts = file.split(separator: "/", omittingEmptySubsequences: false)
            return parts.allSatisfy { !["", ".", ".."].contains($0) }
        }
    }

    /// A SHA-256 in hexadecimal digits.
    static var sha256: Self {
        text("a SHA-256 of 64 lowercase hexadecimal digits") { digest in
            digest.utf8.count == 64 && digest.allSatisfy { "0123456789abcdef".contains($0) }
        }
    }

    /// A prompt with one place for the text.
    static var prompt: Self {
        text("a prompt of at most 10000 characters that contains {text} once") { prompt in
            prompt.count <= 10_000 && prompt.split(separator: "{text}", omittingEmptySubsequences: false).count == 2
        }
    }
}

extension ValueKind<Recipe.Partition> {
    /// `iid`, `dirichlet(ALPHA)` or `one-label-per-device`.
    static var partition: Self {
        let expected = "iid, dirichlet(ALPHA) with ALPHA from 0.001 to 1000000, or one-label-per-device"
        return .init(expected: expected) { node throws(ValueProblem) in
            guard let text = node.scalar?.string, !node.isNull else { throw .wrongType(node) }
            guard let partition = Recipe.Partition(text) else {
                throw .impossible(node, nearest: nearestName(to: text, among: Recipe.Partition.forms))
            }
            return partition
        } encode: {
            .plain($0.description)
        }
    }
}

extension ValueKind<[Recipe.LabelWord]> {
    /// A map from class names to label words, in the order in which it is written.
    static var labelWords: Self {
        let expected =
            "a map of 2 to 1000 labels to different label words, such as {negative: \" bad\", positive: \" good\"}"
        return .init(expected: expected) { node throws(ValueProblem) in
            guard let mapping = node.mapping else { throw .wrongType(node) }
            var labels: [Recipe.LabelWord] = []
            for (key, value) in mapping {
                guard let label = key.scalar?.string else { throw .wrongType(key) }
                guard let word = value.scalar?.string, !value.isNull else { throw .wrongType(value) }
                guard !label.isEmpty else { throw .impossible(key) }
                guard !word.isEmpty, !labels.contains(where: { $0.word == word }) else { throw .impossible(value) }
                labels.append(.init(label: label, word: word))
            }
            guard (2...1000).contains(labels.count) else { throw .impossible(node) }
            return labels
        } encode: { labels in
            Node(labels.map { (.text($0.label), .text($0.word)) }, Tag(.map), .flow)
        }
    }
}
