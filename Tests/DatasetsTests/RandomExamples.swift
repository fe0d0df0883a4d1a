import Datasets
import Foundation
import Randomness

/// Bytes that look like a data file often enough to reach every check of a reader.
func randomLines(seed: UInt64) -> Data {
    var generator = SeededGenerator(seed: seed, stream: "test/lines")
    let pieces =
        ["1", "\t", "\t", "\n", "\r\n", "-0.5", "word", " ", "\0", "é", "nan", ",", ",", "\"", "\"", "\r"]
        .map { Array($0.utf8) }
        + ["{\"a\": ", "{\"a\": 1}\n", "{\"b\": \"x\", \"a\": null}\n", "}", "[", "\\u00e9"].map { Array($0.utf8) }
        + [[0xFF], [0xC3]]
    let count = Int.random(in: 0...40, using: &generator)
    return Data((0..<count).flatMap { _ in pieces[Int.random(in: 0..<pieces.count, using: &generator)] })
}

/// An example of a class whose prompt is its text.
func example(line: Int, text: String, label: Int = 0, group: String? = nil) -> Example {
    Example(
        file: "f", line: line, text: text, prompt: FilledTemplate(body: text, ending: ""), label: label, group: group)
}

/// Examples of two classes in random order, of which some share their text.
func randomExamples(_ count: Int, seed: UInt64) -> [Example] {
    var generator = SeededGenerator(seed: seed, stream: "test/examples")
    return (1...count).map { line in
        let text = "sentence \(Int.random(in: 0..<count, using: &generator))"
        return example(line: line, text: text, label: Int.random(in: 0..<2, using: &generator))
    }
}

/// Random classes in `0..<classes`, each occurring at least `minimum` times.
func randomLabels(_ count: Int, classes: Int, minimum: Int, seed: UInt64) -> [Int] {
    var generator = SeededGenerator(seed: seed, stream: "test/labels")
    let certain = (0..<classes).flatMap { Array(repeating: $0, count: minimum) }
    let rest = (certain.count..<count).map { _ in Int.random(in: 0..<classes, using: &generator) }
    return (certain + rest).shuffled(using: &generator)
}
