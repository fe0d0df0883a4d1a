import Datasets
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
        text("a name of 1 to 64 letters, digits, '-', '_' and '.', which starts with a letter or digit") {
            $0.isPlainName(longest: 64)
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

    /// Where a socket listens or connects.
    static var endpoint: Self {
        text("an endpoint such as tcp://host:7070, of at most 255 bytes") { endpoint in
            let parts = endpoint.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
            guard endpoint.utf8.count <= 255, parts.count == 3, parts[1].isEmpty, !parts[2].isEmpty else {
                return false
            }
            return ["tcp:", "ipc:"].contains(parts[0])
        }
    }

    /// A SHA-256 in hexadecimal digits.
    static var sha256: Self {
        text("a SHA-256 of 64 lowercase hexadecimal digits") { digest in
            digest.utf8.count == 64 && digest.allSatisfy { "0123456789abcdef".contains($0) }
        }
    }

    /// Text with places for fields.
    static var template: Self {
        text("text of at most 10000 characters with a field such as {text}, and braces doubled otherwise") { template in
            template.count <= 10_000 && (try? PromptTemplate(template)) != nil
        }
    }

    /// The name of a field of the data.
    static var fieldName: Self {
        text("a field's name of 1 to 256 characters") { (1...256).contains($0.count) }
    }

    /// What stands before a final answer.
    static var marker: Self {
        text("a text of 1 to 100 characters") { (1...100).contains($0.count) }
    }

    /// One of the names that are known.
    static func known(_ names: [String]) -> Self {
        .init(expected: "one of \(names.joined(separator: ", "))") { node throws(ValueProblem) in
            guard let name = node.scalar?.string, !node.isNull else { throw .wrongType(node) }
            guard names.contains(name) else {
                throw .impossible(node, nearest: nearestName(to: name, among: names))
            }
            return name
        } encode: {
            .text($0)
        }
    }
}

extension ValueKind<ClosedRange<Int>> {
    /// `FIRST-LAST`, both from 1.
    static var blocks: Self {
        .init(expected: "FIRST-LAST, blocks from 1 to 1000 such as 25-30") { node throws(ValueProblem) in
            guard let text = node.plainText else { throw .wrongType(node) }
            let ends = text.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count == 2, ends.allSatisfy(isWholeNumber) else { throw .wrongType(node) }
            guard let first = Int(ends[0]), let last = Int(ends[1]), first >= 1, first <= last, last <= 1000 else {
                throw .impossible(node)
            }
            return first...last
        } encode: {
            .plain("\($0.lowerBound)-\($0.upperBound)")
        }
    }
}

extension ValueKind<Datasets.Partition> {
    /// The same forms, as `Datasets` knows them.
    static var skew: Self {
        .init(expected: ValueKind<Recipe.Partition>.partition.expected) { node throws(ValueProblem) in
            try ValueKind<Recipe.Partition>.partition.decode(node).rule
        } encode: {
            ValueKind<Recipe.Partition>.partition.encode(Recipe.Partition($0))
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
