import Models
import Pipeline
import Tensors

/// What blocks cost on this machine, measured: what pipelines are cut by.
public struct BlockCosts {
    private let model: LanguageModel
    private let head: OutputHead
    private let parameters: TrainableParameters
    private let layout: SequenceLayout
    private let targets: [[Int32]]
    private let largest: (tokens: Int, targets: Int)
    private let memory = PassMemory()
    private let sums: TrainableParameters
    private let x_TD: Matrix

    /// Processor's times of which the shortest counts: whatever else the machine does makes them longer.
    private static let repetitions = 4

    /// - Parameters:
    ///   - lengths: tokens of the sequences of a usual micro-batch.
    ///   - targets: of each sequence.
    ///   - largest: tokens and targets of the largest micro-batch, whose bytes count.
    public init(
        model: LanguageModel, head: OutputHead, parameters: TrainableParameters, lengths: [Int], targets: Int,
        largest: (tokens: Int, targets: Int)
    ) {
        self.largest = largest
        self.model = model
        self.head = head
        self.parameters = parameters
        layout = SequenceLayout(lengths: lengths)
        self.targets = lengths.map { Array(repeating: 0, count: min($0, max(1, targets))) }
        sums = TrainableParameters(layout: parameters.layout)
        let width = model.hyperparameters.width
        x_TD = Storage(count: layout.tokens * width).matrix(rows: layout.tokens, columns: width)
    }

    /// The costs of each block of a range. Blocks of the same kind are measured once: frozen ones, the lowest that
    /// trains, those above, and the last one with the head. Takes the calling thread's time.
    public func measure(_ blocks: Range<Int>) -> [StageCosts] {
        let layers = model.hyperparameters.layers, lowest = parameters.layout.blocks.first ?? layers
        var known: [[Bool]: StageCosts] = [:]
        return blocks.map { block in
            let kind = [block < lowest, block == lowest, block == layers - 1]
            let costs = known[kind] ?? measure(block)
            known[kind] = costs
            return costs
        }
    }

    private func measure(_ block: Int) -> StageCosts {
        let sizes = model.hyperparameters, isLast = block == sizes.layers - 1
        let pass = StagePass(
            model: model, head: isLast ? head : nil, parameters: parameters, blocks: block..<block + 1, memory: memory)
        var best = StageCosts(forward: .infinity, backwardInput: .infinity, backwardWeights: .infinity)
        for _ in 0..<Self.repetitions {
            // Of the size that norms leave: no time depends on values, but for those that are none.
            for i in 0..<x_TD.count { x_TD.base[i] = Float(i % 13) / 6 - 1 }
            let times = [
                seconds { _ = pass.forward(x_TD, layout: layout, targets: targets, dropout: nil) },
                seconds { pass.backwardInput(lossScale: 1, addTo: sums) },
                seconds { pass.backwardWeights(addTo: sums) },
            ]
            best.forward = min(best.forward, times[0])
            best.backwardInput = min(best.backwardInput, times[1])
            best.backwardWeights = min(best.backwardWeights, times[2])
        }
        (best.activationBytes, best.weightStashBytes) = PassMemory.stageStash(
            parameters.layout, block: block, tokens: largest.tokens, targetCount: largest.targets,
            head: isLast ? head.outputs : nil)
        return best
    }

    private func seconds(_ body: () -> Void) -> Double {
        let start = ProcessorTime.now
        body()
        return (ProcessorTime.now - start) / .seconds(1)
    }
}
