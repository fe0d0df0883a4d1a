import Checkpoints
import Foundation

/// What was found in a file, in lines for people.
struct InspectionText {
    private let report: FileInspection
    private let listsTensors: Bool

    init(_ report: FileInspection, listsTensors: Bool) {
        self.report = report
        self.listsTensors = listsTensors
    }

    /// One fact per line: its name, then its value.
    var lines: [String] {
        var facts = [("kind", report.kind.words), ("path", report.path)]
        if let family = report.family { facts.append(("family", family)) }
        facts += report.sizes.map { ($0.name, $0.value) }
        facts += tensors + tokenizer + adapter + weights + checkpoint
        facts += report.notes.map { ("note", $0) }
        let width = facts.map(\.0.count).max() ?? 0
        return facts.map { "\($0.padding(toLength: width, withPad: " ", startingAt: 0))  \($1)" } + tensorLines
    }

    private var tensors: [(String, String)] {
        guard !report.tensors.isEmpty else { return [] }
        let types = report.bytesByType.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { "\($0.key) \(Figures.bytes(Double($0.value)))" }
        let counted = "\(Figures.count(report.tensors.count))\(listsTensors ? "" : " (--tensors lists them)")"
        return [
            ("parameters", "\(Figures.count(report.parameters)) (\(Figures.parameters(report.parameters)))"),
            ("stored as", types.joined(separator: ", ")), ("tensors", counted),
        ]
    }

    private var tokenizer: [(String, String)] {
        guard let tokenizer = report.tokenizer else { return [] }
        var parts = [tokenizer.model]
        if let rule = tokenizer.preTokenizer { parts.append("words cut as \(rule)") }
        if let tokens = tokenizer.tokens { parts.append(Figures.count(tokens, "token")) }
        parts.append(tokenizer.hasChatTemplate ? "with a chat template" : "without a chat template")
        return [("tokenizer", parts.joined(separator: ", "))]
    }

    private var adapter: [(String, String)] {
        guard let adapter = report.adapter else { return [] }
        let scale = adapter.isRankStabilised ? "alpha / √rank" : "alpha / rank"
        var facts = [
            ("rank", "\(adapter.rank)"), ("alpha", "\(adapter.alpha.formatted()) (the scale is \(scale))"),
            ("targets", adapter.targets.joined(separator: ", ")), ("blocks", Self.blocks(adapter.blocks)),
            ("trainables", Figures.count(adapter.trainables)),
        ]
        if !adapter.savedModules.isEmpty {
            facts.append(("saved modules", adapter.savedModules.joined(separator: ", ")))
        }
        if let model = adapter.baseModel { facts.append(("trained on", model)) }
        return facts
    }

    private var weights: [(String, String)] {
        guard let weights = report.trainedWeights else { return [] }
        let trainables = Figures.count(weights.trainables) + (weights.hasClassifier ? ", with a classifier" : "")
        return [("blocks", Self.blocks(weights.blocks)), ("trainables", trainables)]
    }

    private var checkpoint: [(String, String)] {
        var facts: [(String, String)] = []
        if let checkpoint = report.checkpoint {
            facts.append(
                (
                    "checkpoint",
                    "\(checkpoint.path): step \(Figures.count(checkpoint.step)), epoch \(checkpoint.epoch), "
                        + "\(checkpoint.method), seed \(checkpoint.seed), "
                        + "\(Figures.count(checkpoint.trainables)) trainables"
                ))
        }
        return facts + report.skipped.map { ("skipped", "\($0.path): \($0.reason)") }
    }

    private var tensorLines: [String] {
        guard listsTensors, !report.tensors.isEmpty else { return [] }
        let shapes = report.tensors.map { "[" + $0.shape.map(String.init).joined(separator: ", ") + "]" }
        let nameWidth = report.tensors.map(\.name.count).max() ?? 0, shapeWidth = shapes.map(\.count).max() ?? 0
        let rows = zip(report.tensors, shapes).map { tensor, shape in
            tensor.name.padding(toLength: nameWidth, withPad: " ", startingAt: 0) + "  "
                + shape.padding(toLength: shapeWidth, withPad: " ", startingAt: 0) + "  \(tensor.type)"
        }
        return [""] + rows
    }

    /// `1-3, 6 (counted from 1)`: as recipes count. The blocks come sorted, each once.
    private static func blocks(_ blocks: [Int]) -> String {
        var ranges: [ClosedRange<Int>] = []
        for block in blocks {
            if let last = ranges.last, last.upperBound + 1 == block {
                ranges[ranges.count - 1] = last.lowerBound...block
            } else {
                ranges.append(block...block)
            }
        }
        // Numbers come from a file, so that nothing may trap here.
        let shown = ranges.map { range in
            let first = range.lowerBound &+ 1, last = range.upperBound &+ 1
            return first == last ? "\(first)" : "\(first)-\(last)"
        }
        return "\(shown.joined(separator: ", ")) (counted from 1)"
    }
}

extension FileInspection.Kind {
    fileprivate var words: String {
        switch self {
        case .ggufModel: "a model in a GGUF file"
        case .ggufAdapter: "an adapter in a GGUF file"
        case .hubModel: "a model in a folder as the hub has it"
        case .peftAdapter: "an adapter in PEFT's format"
        case .trainedWeights: "weights that full fine-tuning changed"
        case .run: "a run's folder"
        case .runCheckpoint: "a run's checkpoint"
        case .safetensors: "a safetensors file"
        case .tokenizer: "a tokenizer"
        }
    }
}
