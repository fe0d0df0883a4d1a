import Checkpoints

/// A linear layer of a block that a low-rank adapter can stand beside.
public enum AdapterTarget: String, CaseIterable, Sendable, Codable {
    case q, k, v, o, gate, up, down

    /// The module's path inside a block, as hub checkpoints and PEFT name it.
    public var modulePath: String {
        switch self {
        case .q, .k, .v, .o: "self_attn.\(rawValue)_proj"
        case .gate, .up, .down: "mlp.\(rawValue)_proj"
        }
    }

    /// Input and output width of the layer.
    public func widths(in model: Hyperparameters) -> (input: Int, output: Int) {
        let keyValueWidth = model.keyValueHeads * model.headDimension
        let attentionWidth = model.heads * model.headDimension
        return switch self {
        case .q: (model.width, attentionWidth)
        case .k, .v: (model.width, keyValueWidth)
        case .o: (attentionWidth, model.width)
        case .gate, .up: (model.width, model.feedForwardWidth)
        case .down: (model.feedForwardWidth, model.width)
        }
    }

    /// The place in `allCases`, which orders the targets' columns in a block's low-rank projections.
    var index: Int {
        switch self {
        case .q: 0
        case .k: 1
        case .v: 2
        case .o: 3
        case .gate: 4
        case .up: 5
        case .down: 6
        }
    }
}
