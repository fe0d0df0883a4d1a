/// Which blocks stand on which stage.
public struct Partition: Sendable, Equatable {
    /// How frozen blocks that the server runs are spread.
    public enum Placement: String, CaseIterable, Sendable {
        /// Every stage has a share of the frozen and one of the trainable blocks, so that every stage has F0 for its
        /// gaps. A micro-batch passes the stages twice.
        case interleaved
        /// All frozen blocks stand before all trainable ones.
        case contiguous
    }

    /// The blocks of a stage. Ranges count frozen blocks and trainable blocks apart, each from 0.
    public struct Stage: Sendable, Equatable {
        /// Frozen blocks.
        public var frozen: Range<Int>
        /// Trainable blocks.
        public var trainable: Range<Int>
    }

    /// The most blocks of a kind: with more, the search would take minutes.
    private static let maximumBlocks = 128

    /// From the first stage to the last; each has a block at least.
    public let stages: [Stage]
    /// What each stage's blocks cost together.
    public let costs: [StageCosts]
    /// No schedule takes a step of these stages in less, links aside; no other partition has a smaller bound.
    public let leastStepSeconds: Double

    /// Cuts blocks into stages, unevenly where their costs are uneven.
    ///
    /// For a step, stage s needs at least
    ///
    ///     max(m (F0 + F + B + W)ₛ + step,  Σ_{i<s} (F + B)ᵢ + m (F + B)ₛ)
    ///
    /// seconds: all its work; and all its F and B, which begin when the first micro-batch has come through the stages
    /// before, and after which the last gradient has to go back through them. The partition is one whose largest stage
    /// by this measure is smallest, found by dynamic programming over both rows of blocks. Among these, stages are as
    /// equal as possible in the sum of their squares.
    ///
    /// - Parameters:
    ///   - frozen: the costs of each frozen block that the server runs.
    ///   - trainable: the costs of each trainable block, as measured: the head is part of the last one, and the lowest
    ///     one hands no gradient down.
    ///   - tolerance: the share by which the largest stage may be larger than the smallest that is possible, for stages
    ///     that are more equal.
    /// - Throws: `ScheduleError.impossible` when there are fewer blocks than stages, or costs are none.
    public init(
        frozen: [StageCosts], trainable: [StageCosts], stages: Int, microBatches: Int,
        placement: Placement = .interleaved, tolerance: Double = 0
    ) throws(ScheduleError) {
        try Schedule.checkSize(stages: stages, microBatches: microBatches)
        guard !trainable.isEmpty, frozen.count + trainable.count >= stages else {
            throw .impossible(
                reason: "\(frozen.count) frozen and \(trainable.count) trainable blocks for \(stages) stages; "
                    + "every stage needs a block, and one must be trainable")
        }
        guard max(frozen.count, trainable.count) <= Self.maximumBlocks else {
            throw .impossible(reason: "more than \(Self.maximumBlocks) frozen or trainable blocks")
        }
        for block in frozen + trainable { try block.check() }
        let solver = PartitionSolver(
            frozen: frozen, trainable: trainable, stages: stages, microBatches: microBatches, placement: placement)
        (self.stages, leastStepSeconds) = solver.solve(tolerance: tolerance)
        costs = self.stages.map { stage in
            (frozen[stage.frozen] + trainable[stage.trainable]).reduce(StageCosts(), +)
        }
    }
}

extension Partition {
    /// Tolerances under which cuts are made: the bound does not see in which gaps an operation fits.
    private static let tolerances = [0, 0.03, 0.06, 0.1]

    /// The partition, of several with nearly the smallest bound, whose schedule has the shortest simulated step.
    ///
    /// - Parameters:
    ///   - links: what lies between stages; its stages are not used.
    ///   - schedule: makes the schedule for the stages' costs.
    /// - Throws: what the initializer throws, and what `schedule` throws for every partition.
    public static func simulated(
        frozen: [StageCosts], trainable: [StageCosts], stages: Int, microBatches: Int, placement: Placement,
        links: PipelineCosts, schedule: (PipelineCosts) throws(ScheduleError) -> Schedule
    ) throws(ScheduleError) -> (partition: Partition, schedule: Schedule) {
        var best: (partition: Partition, schedule: Schedule, seconds: Double)?
        var tried: [[Stage]] = []
        var refusal: ScheduleError?
        for tolerance in tolerances {
            let partition = try Partition(
                frozen: frozen, trainable: trainable, stages: stages, microBatches: microBatches,
                placement: placement, tolerance: tolerance)
            guard !tried.contains(partition.stages) else { continue }
            tried.append(partition.stages)
            var costs = links
            costs.stages = partition.costs
            do throws(ScheduleError) {
                let made = try schedule(costs)
                let seconds = try ScheduleFigures(made, costs: costs).stepSeconds
                if seconds < (best?.seconds ?? .infinity) { best = (partition, made, seconds) }
            } catch {
                refusal = refusal ?? error
            }
        }
        guard let best else { throw refusal ?? .impossible(reason: "no partition was tried") }
        return (best.partition, best.schedule)
    }
}

/// The dynamic programme over how many frozen and trainable blocks the first stages have.
private struct PartitionSolver {
    let stages: Int
    let placement: Partition.Placement
    private let microBatches: Double
    private let frozenCount: Int
    private let trainableCount: Int
    /// Sums over the blocks before each place.
    private let frozenWork: [Double]
    private let work: [Double]
    private let path: [Double]
    private let optimizer: [Double]

    init(
        frozen: [StageCosts], trainable: [StageCosts], stages: Int, microBatches: Int,
        placement: Partition.Placement
    ) {
        self.stages = stages
        self.placement = placement
        self.microBatches = Double(microBatches)
        frozenCount = frozen.count
        trainableCount = trainable.count
        frozenWork = Self.sums(frozen.map(\.microBatchSeconds))
        work = Self.sums(trainable.map(\.microBatchSeconds))
        path = Self.sums(trainable.map { $0.forward + $0.backwardInput })
        optimizer = Self.sums(trainable.map(\.optimizer))
    }

    /// How many frozen and trainable blocks come before a cut.
    private struct Cut {
        var frozen: Int
        var trainable: Int
    }

    func solve(tolerance: Double) -> (stages: [Partition.Stage], seconds: Double) {
        let (_, least) = fold { max($0, seconds($1, $2)) }
        // Rounding must not exclude the cuts that reached the least.
        let limit = least * (1 + 1e-12 + max(0, tolerance))
        let (cuts, _) = fold { sum, from, to in
            let seconds = seconds(from, to)
            return seconds > limit ? .infinity : sum + seconds * seconds
        }
        let parts = zip(cuts, cuts.dropFirst()).map { from, to in
            Partition.Stage(frozen: from.frozen..<to.frozen, trainable: from.trainable..<to.trainable)
        }
        return (parts, least)
    }

    /// The cuts of the smallest value that grows from stage to stage.
    private func fold(_ grow: (Double, Cut, Cut) -> Double) -> (cuts: [Cut], value: Double) {
        let width = trainableCount + 1
        let count = (frozenCount + 1) * width
        let cut = { (place: Int) in Cut(frozen: place / width, trainable: place % width) }
        var values = Array(repeating: Double.infinity, count: count)
        values[0] = 0
        var origins: [[Int]] = []
        for _ in 0..<stages {
            var next = Array(repeating: Double.infinity, count: count)
            var origin = Array(repeating: 0, count: count)
            for from in 0..<count where values[from] < .infinity {
                for to in targets(of: cut(from), width: width) {
                    let value = grow(values[from], cut(from), cut(to))
                    if value < next[to] { (next[to], origin[to]) = (value, from) }
                }
            }
            values = next
            origins.append(origin)
        }
        var place = count - 1
        var cuts = [cut(place)]
        for origin in origins.reversed() {
            place = origin[place]
            cuts.append(cut(place))
        }
        return (cuts.reversed(), values[count - 1])
    }

    /// Where a stage that begins at a cut may end.
    private func targets(of from: Cut, width: Int) -> [Int] {
        (from.frozen...frozenCount).flatMap { frozen in
            (from.trainable...trainableCount).compactMap { trainable in
                let isEmpty = frozen == from.frozen && trainable == from.trainable
                let isAllowed =
                    placement == .interleaved || trainable == from.trainable || frozen == frozenCount
                return isEmpty || !isAllowed ? nil : frozen * width + trainable
            }
        }
    }

    /// The least time of a step for a stage of the blocks between two cuts.
    private func seconds(_ from: Cut, _ to: Cut) -> Double {
        let frozen = frozenWork[to.frozen] - frozenWork[from.frozen]
        let own = microBatches * (frozen + work[to.trainable] - work[from.trainable])
        let step = own + optimizer[to.trainable] - optimizer[from.trainable]
        return max(step, path[from.trainable] + microBatches * (path[to.trainable] - path[from.trainable]))
    }

    private static func sums(_ values: [Double]) -> [Double] {
        values.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
    }
}
