import Pipeline
import Randomness

extension Schedule {
    /// A legal schedule that nobody would choose: whichever operation may come next on any stage, one of them comes.
    static func random(
        stages count: Int, microBatches: Int, sums: Int, using chance: inout SeededGenerator
    ) -> Schedule {
        let fuses = Bool.random(using: &chance)
        var lists = Array(repeating: [StageOperation](), count: count)
        var done: [Set<StageOperation>] = Array(repeating: [], count: count)
        func isReady(_ operation: StageOperation, _ stage: Int) -> Bool {
            func has(_ kind: StageOperation.Kind, _ microBatch: Int, _ stage: Int) -> Bool {
                microBatch < 0 || !(0..<count).contains(stage) || done[stage].contains(.init(kind, microBatch))
            }
            let number = operation.microBatch
            guard !done[stage].contains(operation) else { return false }
            return switch operation.kind {
            case .forward: has(.forward, number, stage - 1)
            case .backwardInput:
                has(.forward, number, stage) && has(.backwardInput, number, stage + 1)
                    && has(.backwardInput, number - sums, stage)
            default:
                has(.backwardInput, number, stage) && has(.backwardWeights, number - sums, stage) && !fuses
            }
        }
        while true {
            let ready = (0..<count).flatMap { stage in
                [StageOperation.Kind.forward, .backwardInput, .backwardWeights].flatMap { kind in
                    (0..<microBatches).map { StageOperation(kind, $0) }
                }.filter { isReady($0, stage) }.map { (stage, $0) }
            }
            guard let (stage, operation) = ready.randomElement(using: &chance) else { break }
            let both = fuses && operation.kind == .backwardInput
            for next in both ? [operation, .init(.backwardWeights, operation.microBatch)] : [operation] {
                lists[stage].append(next)
                done[stage].insert(next)
            }
        }
        return Schedule(
            name: "random", microBatches: microBatches, fusesBackward: fuses,
            stages: lists.map {
                Stage(blocks: StageBlocks(frozen: false, trainable: true), step: $0 + [.init(.step)])
            })
    }
}
