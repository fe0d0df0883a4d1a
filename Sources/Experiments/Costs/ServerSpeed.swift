import Methods
import Models

/// How long the server takes, as measured on the machine that simulates it, on one core: seconds of a token in one block,
/// and of a target in the head. Measured once, so that all runs that are compared have the same server.
public struct ServerSpeed: Codable, Equatable, Sendable {
    /// F0, of a block without anything that trains.
    public var frozenForward: Double
    /// F.
    public var forward: Double
    /// B.
    public var backwardInput: Double
    /// W.
    public var backwardWeights: Double
    /// Logits and loss.
    public var headForward: Double
    /// Their gradient.
    public var headBackward: Double

    /// A server of a known speed.
    public init(
        frozenForward: Double, forward: Double, backwardInput: Double, backwardWeights: Double,
        headForward: Double = 0, headBackward: Double = 0
    ) {
        self.frozenForward = frozenForward
        self.forward = forward
        self.backwardInput = backwardInput
        self.backwardWeights = backwardWeights
        self.headForward = headForward
        self.headBackward = headBackward
    }

    /// Measures, in some seconds of the calling thread's time.
    ///
    /// - Parameters:
    ///   - lengths: tokens of the sequences of a usual batch.
    ///   - targets: of each sequence.
    ///   - form: of what trains.
    /// - Throws: what the model's source throws when weights cannot be read.
    public init(
        measuring model: LanguageModel, head: OutputHead, form: TrainableLayout.Form, classes: Int?, lengths: [Int],
        targets: Int
    ) throws {
        let layers = model.hyperparameters.layers
        let layout = TrainableLayout(
            model: model.hyperparameters, blocks: min(1, layers - 1)..<layers, form: form, classes: classes)
        let tokens = lengths.reduce(0, +), targetCount = lengths.reduce(0) { $0 + min($1, targets) }
        let costs = BlockCosts(
            model: model, head: head, parameters: try TrainableParameters(layout: layout, model: model, seed: 0),
            lengths: lengths, targets: targets, largest: (tokens, targetCount)
        ).measure(0..<layers)
        // Neither frozen, nor the lowest that trains, nor the one below the head, where there are so many.
        let usual = costs[min(2, layers - 1)], last = costs[layers - 1]
        self.init(
            frozenForward: costs[0].forward / Double(tokens), forward: usual.forward / Double(tokens),
            backwardInput: usual.backwardInput / Double(tokens),
            backwardWeights: usual.backwardWeights / Double(tokens),
            headForward: max(0, last.forward - usual.forward) / Double(targetCount),
            headBackward: max(0, last.backwardInput - usual.backwardInput) / Double(targetCount))
    }

    /// A server that is so many times as fast, such as one of several cores.
    public func times(_ factor: Double) -> ServerSpeed {
        ServerSpeed(
            frozenForward: frozenForward / factor, forward: forward / factor,
            backwardInput: backwardInput / factor, backwardWeights: backwardWeights / factor,
            headForward: headForward / factor, headBackward: headBackward / factor)
    }

    /// Seconds of a program's work. Parameters are moved and averaged in no time.
    ///
    /// - Parameter trained: the blocks in which something trains on the server.
    func seconds(_ work: MethodWork, trained: Range<Int>) -> Double {
        let tokens = Double(work.lengths.reduce(0, +)), targets = Double(work.targets)
        let training = Double(work.blocks.clamped(to: trained).count)
        switch work.kind {
        case .perturbation, .update: return 0
        case .forward:
            let frozen = Double(work.blocks.count) - training
            return tokens * (frozen * frozenForward + training * forward) + targets * headForward
        case .backward:
            return tokens * training * (backwardInput + backwardWeights) + targets * headBackward
        }
    }
}
