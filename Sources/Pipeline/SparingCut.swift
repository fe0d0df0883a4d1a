/// The cut of trainable blocks into stages whose largest stash is as small as schedules of a kind allow.
///
/// It depends on bytes alone, not on measured times, so that a cap that is refused with this smallest one can be given
/// that, on any machine. Stages have no frozen blocks.
public struct SparingCut: Sendable, Equatable {
    /// The blocks of each stage.
    public let stages: [Range<Int>]
    /// The most bytes that can lie in any stage's stash.
    public let stashBytes: Int

    /// Cuts blocks by dynamic programming over where each stage ends.
    ///
    /// - Parameters:
    ///   - blocks: of each trainable block, the bytes that it leaves for B and for W.
    ///   - microBatches: of one step. With fewer, no kind stashes more.
    /// - Throws: `ScheduleError.impossible` when there are fewer blocks than stages, or none.
    public init(
        _ kind: ScheduleKind, blocks: [StageCosts], stages count: Int, microBatches: Int
    ) throws(ScheduleError) {
        try Schedule.checkSize(stages: count, microBatches: microBatches)
        guard blocks.count >= count else {
            throw .impossible(reason: "\(blocks.count) trainable blocks for \(count) stages; every stage needs a block")
        }
        let held = Array(repeating: StageBlocks(frozen: false, trainable: true), count: count)
        let schedule = Schedule.sparing(kind, blocks: held, microBatches: microBatches)
        // Of the first blocks on the stages so far: the smallest largest stash, and where the last of them begins.
        var best: [(bytes: Int, begin: Int)?] = [(0, 0)] + blocks.map { _ in nil }
        var begins: [[Int]] = []
        for stage in schedule.stages {
            let stash = StageStash(stage.step.map(\.kind), fusesBackward: schedule.fusesBackward, blocks: blocks)
            best = (0...blocks.count).map { end in
                var chosen: (bytes: Int, begin: Int)?
                for begin in 0..<end {
                    guard let before = best[begin] else { continue }
                    let bytes = max(before.bytes, stash.bytes(begin..<end))
                    if bytes < chosen?.bytes ?? .max { chosen = (bytes, begin) }
                }
                return chosen
            }
            begins.append(best.map { $0?.begin ?? 0 })
        }
        var end = blocks.count, ranges: [Range<Int>] = []
        for begin in begins.reversed() {
            ranges.insert(begin[end]..<end, at: 0)
            end = begin[end]
        }
        self.stages = ranges
        stashBytes = best[blocks.count]?.bytes ?? 0
    }
}

extension Schedule {
    /// Of a kind, the schedule with the least stash.
    fileprivate static func sparing(_ kind: ScheduleKind, blocks: [StageBlocks], microBatches: Int) -> Schedule {
        kind == .permafrost
            ? oneByOne(blocks, microBatches: microBatches, barrier: .allStages, fusesBackward: true)
            : classic(kind, blocks: blocks, microBatches: microBatches, barrier: .allStages)
    }
}

/// What a stage's list leaves behind, with one run of blocks or another.
private final class StageStash {
    private struct Bytes: Hashable {
        var activations = 0
        var weights = 0
    }

    private let list: [StageOperation.Kind]
    private let fusesBackward: Bool
    /// Sums over the blocks before each place.
    private let sums: [Bytes]
    /// Most runs of as many blocks have the same bytes.
    private var known: [Bytes: Int] = [:]

    init(_ list: [StageOperation.Kind], fusesBackward: Bool, blocks: [StageCosts]) {
        self.list = list
        self.fusesBackward = fusesBackward
        sums = blocks.reduce(into: [Bytes()]) { sums, block in
            let last = sums[sums.count - 1]
            sums.append(
                Bytes(
                    activations: last.activations + block.activationBytes,
                    weights: last.weights + block.weightStashBytes))
        }
    }

    func bytes(_ range: Range<Int>) -> Int {
        let (from, to) = (sums[range.lowerBound], sums[range.upperBound])
        let own = Bytes(activations: to.activations - from.activations, weights: to.weights - from.weights)
        if let bytes = known[own] { return bytes }
        let cost = StageCosts(activationBytes: own.activations, weightStashBytes: own.weights)
        let bytes = Schedule.gradientStash(list, cost: cost, fusesBackward: fusesBackward)
        known[own] = bytes
        return bytes
    }
}
