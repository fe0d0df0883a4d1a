import Methods
import Recipes

/// The server's side of a method for one device, as far as the device can tell: it answers everything at once, and computes
/// nothing.
struct AnsweringServer {
    private let method: Recipe.Method
    private let steps: Int
    private let pairs: Int
    private var step = 1

    /// - Parameters:
    ///   - steps: of the device, after which it hears nothing more.
    ///   - pairs: directions of a step, for methods that probe.
    init(method: Recipe.Method, steps: Int, pairs: Int) {
        self.method = method
        self.steps = steps
        self.pairs = pairs
    }

    /// What a device hears first, unless it trains the whole model.
    var turn: MethodMessage { MethodMessage(.turn, step: step, version: 0) }

    /// What the device hears after it has sent a message.
    mutating func answers(to message: MethodMessage) -> [MethodMessage] {
        switch method {
        case .splitlora:
            // As large as the activations that it belongs to, and as good as any other.
            var gradient = message.tensors[0]
            gradient.name = "gradient"
            return [MethodMessage(.gradient, step: step, tensors: [gradient])] + nextTurn()
        case .hosl, .zo:
            guard let probe = message.probe else { return ended() }
            let loss = MethodMessage(
                .loss, step: step, version: 0, probe: probe, scalars: [ProbingSettings.Scalar.loss: 1])
            let isLast = method == .zo && probe == .init(pair: pairs, isPlus: false)
            return [loss] + (isLast ? ended() : [])
        case .splitfrozen, .fedlora, .soft, .central: return []
        }
    }

    private mutating func ended() -> [MethodMessage] {
        [MethodMessage(.stepped, step: step, version: 0)] + nextTurn()
    }

    private mutating func nextTurn() -> [MethodMessage] {
        step += 1
        return step <= steps ? [turn] : []
    }
}
