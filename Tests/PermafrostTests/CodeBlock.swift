import Foundation
import Testing

/// A fenced block of a page that a reader is to type.
struct CodeBlock: Sendable {
    /// The page from the repository's folder on.
    let page: String
    /// The line of the page at which the block begins, from 1.
    let line: Int
    /// What stands behind the fence: `sh` is shown, `sh run` is run by the tests as well.
    let info: String
    let text: String

    /// The blocks of commands on README.md and all pages of docs/, in their order.
    static func all(in root: URL) throws -> [CodeBlock] {
        let names = try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent("docs").path)
        let pages = names.filter { $0.hasSuffix(".md") }.sorted().map { "docs/\($0)" }
        return try (["README.md"] + pages).flatMap { page in
            blocks(of: try String(contentsOf: root.appendingPathComponent(page), encoding: .utf8), page: page)
        }
    }

    private static func blocks(of text: String, page: String) -> [CodeBlock] {
        var blocks: [CodeBlock] = []
        var open: (line: Int, info: String, lines: [String])?
        for (index, line) in text.components(separatedBy: "\n").enumerated() {
            guard line.hasPrefix("```") else {
                open?.lines.append(line)
                continue
            }
            if let block = open {
                blocks.append(
                    CodeBlock(
                        page: page, line: block.line, info: block.info, text: block.lines.joined(separator: "\n")))
                open = nil
            } else {
                open = (index + 1, String(line.dropFirst(3)), [])
            }
        }
        return blocks.filter { $0.info == "sh" || $0.info == "sh run" }
    }

    /// What the block gives to `permafrost`, command after command.
    var commands: [DocumentedCommand] {
        ShellText(text).commands.compactMap { words in
            let command = words.drop { $0.wholeMatch(of: #/[A-Z_]+=.*/#) != nil }
            guard let name = command.first, name.split(separator: "/").last == "permafrost" else { return nil }
            return DocumentedCommand(place: "\(page):\(line)", arguments: Array(command.dropFirst()))
        }
    }
}

/// A command that a page shows.
struct DocumentedCommand: Sendable, CustomTestStringConvertible {
    let place: String
    /// What follows `permafrost`.
    let arguments: [String]

    var testDescription: String { "\(place): permafrost \(arguments.joined(separator: " "))" }

    /// The recipe that it is about, if it is one of this repository.
    var recipe: String? { arguments.first { $0.wholeMatch(of: #/recipes/[a-z-]+\.yaml/#) != nil } }

    /// Its overrides of that recipe.
    var overrides: [String] { arguments.filter { $0.wholeMatch(of: #/[a-z][a-z0-9_.]*=.*/#) != nil } }
}
