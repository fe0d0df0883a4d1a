import Models
import Randomness
import Tensors

/// A direction z ~ N(0, I) through everything that trains, which its name alone decides: it is drawn again wherever it is
/// needed and never stored.
///
/// Every block has a stream of its own, so that the direction of one block is drawn without those of others.
public struct RandomDirection: Sendable, Equatable {
    private let seed: UInt64
    private let name: String

    /// - Parameters:
    ///   - seed: of the run.
    ///   - device: whose step it is.
    ///   - step: of the run.
    ///   - pair: which of the step's directions, from 1.
    public init(seed: UInt64, device: Int, step: Int, pair: Int) {
        self.seed = seed
        name = "zeroth-order/device-\(device)/step-\(step)/pair-\(pair)"
    }

    /// Adds scale · z of a block to its parameters.
    ///
    /// - Parameter block: nil for what lies in no block: a classifier.
    func add(scale: Float, block: Int?, to parameters: Matrix) {
        var generator = SeededGenerator(seed: seed, stream: "\(name)/\(block.map { "block-\($0)" } ?? "head")")
        let base = parameters.base
        for i in stride(from: 0, to: parameters.count, by: 2) {
            let (first, second) = generator.normalPair()
            base[i] += scale * Float(first)
            if i + 1 < parameters.count { base[i + 1] += scale * Float(second) }
        }
    }

    /// Adds scale · z to everything.
    func add(scale: Float, to parameters: TrainableParameters) {
        for part in parameters.directionParts { add(scale: scale, block: part.block, to: part.values) }
    }
}

extension TrainableParameters {
    /// What trains, cut into the parts whose directions are drawn apart.
    var directionParts: [(block: Int?, values: Matrix)] {
        let size = (layout.count - (classifier_KD?.count ?? 0)) / max(1, layout.blocks.count)
        let blocks = layout.blocks.enumerated().map { place, block in
            (block: Int?.some(block), values: flat.columns(place * size..<(place + 1) * size))
        }
        let end = layout.blocks.count * size
        return blocks + (layout.classes == nil ? [] : [(nil, flat.columns(end..<layout.count))])
    }
}
