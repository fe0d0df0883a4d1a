import Models
import Tensors

/// Other workers that compute parts of a leader's steps. All of it is called on the thread that takes the steps.
public protocol StepSharing: Sendable {
    /// A step begins: gives some of its sums of gradients to others, never all of them.
    ///
    /// - Returns: the numbers of the sums that were given away.
    /// - Throws: what reading the micro-batches' activations throws.
    func begin(_ step: SharedStep) throws -> [Int]

    /// Waits for what was given away.
    ///
    /// - Parameter limit: what has not come then is computed here, to the same bits.
    func collect(_ step: Int, within limit: Duration) -> [SharedPart]

    /// The step was taken: whoever has the same parameters can take it too.
    ///
    /// - Parameter gradient: of the whole step; valid during the call.
    func ended(_ step: Int, gradient: Matrix)

    /// What trains is another process's now: whoever had the same parameters has others.
    func replaced()
}

/// A step, or a part of one, as others have to know it.
public struct SharedStep {
    /// From 1.
    public let step: Int
    /// In the order of their sequences.
    public let microBatches: [MicroBatch]
    /// Samples of the step before each micro-batch.
    public let firstSequences: [Int]
    /// Sums of gradients: micro-batch i adds to sum i modulo their number, after every smaller i of that sum.
    public let sums: Int
    /// Whether they are to stay apart, as they are added up with others of the step.
    public let keepsSums: Bool
    /// What the loss of a target counts in the gradient.
    public let lossScale: Float
    /// What trains and what the optimizer remembers, as they are before the step.
    public let state: [(name: String, values: TrainableParameters)]

    init(
        _ batch: StepBatch, step: Int, sums: Int, state: [(name: String, values: TrainableParameters)]
    ) {
        self.step = step
        microBatches = batch.microBatches
        firstSequences = batch.firstSequences
        self.sums = sums
        keepsSums = batch.isPart
        lossScale = batch.lossScale
        self.state = state
    }

    /// The micro-batches that add to some of the sums, in ascending order.
    public func microBatches(of sums: [Int]) -> [Int] {
        let chosen = Set(sums)
        return microBatches.indices.filter { chosen.contains($0 % self.sums) }
    }

    /// XXH64 of what trains before the step.
    public var digest: UInt64 { state[0].values.digest }
}

/// What others have computed of a step.
public struct SharedPart: Sendable {
    /// The sums of gradients that it has.
    public var sums: [(number: Int, values: Storage)]
    /// Of the micro-batches that add to them.
    public var results: [(microBatch: Int, result: MicroBatchPass.Result)]

    /// A part of a step.
    public init(sums: [(number: Int, values: Storage)], results: [(microBatch: Int, result: MicroBatchPass.Result)]) {
        self.sums = sums
        self.results = results
    }
}

/// Steps of which others compute a part, while this process does the rest.
struct SharedPasses: BatchPasses {
    let own: any BatchPasses
    let sharing: any StepSharing
    let step: Int
    let state: [(name: String, values: TrainableParameters)]

    /// A message on its way takes so long, however small the step.
    private static let leastPatience = Duration.milliseconds(200)

    func run(_ batch: StepBatch, sums: [TrainableParameters]) throws -> [MicroBatchPass.Result] {
        let shared = SharedStep(batch, step: step, sums: sums.count, state: state)
        let given = try sharing.begin(shared)
        guard !given.isEmpty else { return try own.run(batch, sums: sums) }
        var results: [MicroBatchPass.Result?] = batch.microBatches.map { _ in nil }
        func compute(_ numbers: [Int]) throws {
            let places = shared.microBatches(of: numbers)
            let found = try own.run(batch.part(places), sums: numbers.map { sums[$0] })
            for (place, result) in zip(places, found) { results[place] = result }
        }
        let start = ContinuousClock.now
        let kept = sums.indices.filter { !given.contains($0) }
        try compute(kept)
        // To wait as long as it would take to compute the rest here costs at most twice that, whatever happens there.
        let patience = (ContinuousClock.now - start) * given.count / kept.count
        var missing = Set(given)
        for part in sharing.collect(step, within: max(Self.leastPatience, patience)) {
            for (number, values) in part.sums where missing.remove(number) != nil {
                sums[number].flat.copy(from: values.matrix(rows: 1, columns: values.count))
            }
            for (place, result) in part.results { results[place] = result }
        }
        if !missing.isEmpty { try compute(missing.sorted()) }
        return results.compactMap(\.self)
    }
}
