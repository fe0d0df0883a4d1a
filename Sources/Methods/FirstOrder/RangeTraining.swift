import Models
import Tensors

/// First-order training of consecutive blocks on the calling thread: one batch's F, then B and W, then a step.
///
/// Both halves of a split model are this, and a whole model is too. It has one user at a time.
final class RangeTraining: @unchecked Sendable {
    let blocks: Range<Int>
    /// What trains.
    let parameters: TrainableParameters
    private let rule: LearningRule
    private let seed: UInt64
    private let pass: StagePass
    /// What the pass reads and adds to.
    private let passed: TrainableParameters
    private let sums: TrainableParameters
    private let gradient: TrainableParameters
    private var optimizer: any Optimizer
    private var updates = 0
    private var stream: (x_TD: Matrix, layout: SequenceLayout)?

    /// - Parameters:
    ///   - head: above the highest block; nil for a lower half.
    ///   - parameters: of all the blocks, and of a classifier.
    ///   - givesInputGradient: whether somebody below wants the gradient of the input.
    ///   - seed: decides which inputs of adapters are dropped.
    init(
        model: LanguageModel, head: OutputHead?, parameters: TrainableParameters, blocks: Range<Int>,
        givesInputGradient: Bool, rule: LearningRule, seed: UInt64
    ) {
        self.blocks = blocks
        self.parameters = parameters
        self.rule = rule
        self.seed = seed
        let layout = parameters.layout
        if givesInputGradient, blocks.lowerBound > 0 {
            // A pass ends at the lowest block that trains. One more that never trains makes it give the input's gradient.
            passed = TrainableParameters(
                layout: TrainableLayout(
                    model: layout.model, blocks: blocks.lowerBound - 1..<blocks.upperBound, form: layout.form,
                    classes: layout.classes))
            gradient = TrainableParameters(layout: layout)
        } else {
            passed = parameters
            gradient = TrainableParameters(layout: layout)
        }
        sums = passed === parameters ? gradient : TrainableParameters(layout: passed.layout)
        pass = StagePass(model: model, head: head, parameters: passed, blocks: blocks, memory: PassMemory())
        optimizer = rule.optimizer(layout)
        parametersChanged()
    }

    /// The parameters were written to by somebody else.
    func parametersChanged() {
        if passed !== parameters { own(of: passed).copy(from: parameters.flat) }
    }

    /// F: turns the input into the output, in place.
    ///
    /// - Parameters:
    ///   - targets: unused without a head.
    ///   - step: of the run, decides with the seed what is dropped.
    /// - Returns: loss and right predictions; nil without a head.
    func forward(_ x: Storage, lengths: [Int], targets: [[Int32]], step: Int) -> MicroBatchPass.Result? {
        forget()
        let layout = SequenceLayout(lengths: lengths)
        let x_TD = x.matrix(rows: layout.tokens, columns: parameters.layout.model.width)
        stream = (x_TD, layout)
        let rate = parameters.layout.lowRank?.dropout ?? 0
        return pass.forward(
            x_TD, layout: layout, targets: targets,
            dropout: rate > 0
                ? Dropout(rate: rate, seed: seed, step: step, firstSequence: 0, lengths: lengths) : nil)
    }

    /// B and W: adds the gradients of what trains; the gradient of the input takes the place of the output.
    ///
    /// - Parameters:
    ///   - lossScale: what the loss of a target counts.
    ///   - outputGradient: where there is no head.
    func backward(lossScale: Float = 1, outputGradient: Storage? = nil) {
        guard let stream else { preconditionFailure("B before F") }
        if let outputGradient {
            stream.x_TD.copy(from: outputGradient.matrix(rows: stream.x_TD.rows, columns: stream.x_TD.columns))
        }
        pass.backward(lossScale: lossScale, addTo: sums)
        self.stream = nil
    }

    /// Takes the optimizer's step with the summed gradients, which are zero afterwards.
    ///
    /// - Parameters:
    ///   - step: of the run; decides the rate.
    ///   - adding: adds to the gradient what does not come from the loss.
    /// - Throws: `TrainingError.diverged` when a gradient is not finite; the parameters are left as they were.
    func update(step: Int, adding: (TrainableParameters) -> Void = { _ in }) throws(TrainingError) {
        if sums !== gradient { gradient.flat.copy(from: own(of: sums)) }
        adding(gradient)
        updates += 1
        let norm = optimizer.update(
            parameters, gradients: gradient, step: updates, learningRate: rule.schedule.rate(step: step))
        sums.flat.fill(0)
        gradient.flat.fill(0)
        guard norm.isFinite else { throw .diverged(step: step, value: "gradient") }
        parametersChanged()
    }

    /// Forgets a batch between its F and B.
    private func forget() {
        pass.forget()
        stream = nil
    }

    /// The part of a wider layout that trains: lower blocks come first.
    private func own(of wider: TrainableParameters) -> Matrix {
        wider.flat.columns(wider.layout.count - parameters.layout.count..<wider.layout.count)
    }
}
