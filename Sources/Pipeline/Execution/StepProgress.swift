/// Which operations of one step are done: what each stage may begin next, as a pure function of what has ended.
///
/// F and B of a stage keep the order of its list. A W, which nobody waits for, is taken early while F or B cannot begin,
/// and left for later while it cannot itself. A thread whose stage has to wait can take another stage's operation: the next
/// one of that list, beside those that are under way there.
struct StepProgress {
    private let chain: StageChain
    private let fusesBackward: Bool
    private let microBatches: Int
    private let sums: Int
    private var done: [Bool]
    /// What each stage still has to do, in the order of its list.
    private var rest: [[StageOperation]]
    private var stashes: [StashBook]
    private let helps: Bool
    private let stages: Range<Int>
    /// Results of stages that are walked elsewhere which are waited for and not here.
    private(set) var missing = 0

    /// - Parameters:
    ///   - schedule: checked.
    ///   - stages: those that are walked here, nil for all; others end when their results come.
    ///   - sums: sums of gradients: B and W of micro-batch i come after those of i − sums.
    ///   - helps: whether a stage's thread does other stages' operations while its own has to wait.
    init(_ schedule: Schedule, stages: Range<Int>? = nil, sums: Int, helps: Bool) {
        let stages = stages ?? schedule.stages.indices
        self.stages = stages
        self.helps = helps
        chain = schedule.chain
        fusesBackward = schedule.fusesBackward
        microBatches = schedule.microBatches
        self.sums = sums
        done = Array(
            repeating: false, count: schedule.stages.count * StageOperation.Kind.allCases.count * microBatches)
        // What frozen blocks make of samples is in the store before their step begins.
        rest = schedule.stages.enumerated().map { stage, lists in
            !stages.contains(stage)
                ? [] : lists.step.filter { [.forward, .backwardInput, .backwardWeights].contains($0.kind) }
        }
        stashes = rest.map { [fusesBackward] in StashBook($0, fusesBackward: fusesBackward) }
        for stage in stages {
            for operation in rest[stage] where remoteInput(of: operation.kind, stage: stage) != nil { missing += 1 }
        }
    }

    /// Whether nothing is left to begin.
    var isFinished: Bool { rest.allSatisfy(\.isEmpty) }

    /// Whether nothing is left for a stage's thread.
    func isFinished(thread: Int) -> Bool { lists(thread).allSatisfy { rest[$0].isEmpty } }

    /// Whether `begin` gives something.
    func canBegin(thread: Int) -> Bool { lists(thread).contains { place($0) != nil } }

    /// Takes the operation that a stage's thread does next; nil while none can begin.
    mutating func begin(thread: Int) -> (operation: StageOperation, stage: Int)? {
        for stage in lists(thread) {
            guard let place = place(stage) else { continue }
            let operation = rest[stage].remove(at: place)
            stashes[stage].began(operation.kind)
            return (operation, stage)
        }
        return nil
    }

    /// An operation has been done.
    mutating func end(_ operation: StageOperation, stage: Int) {
        let place = index(operation.kind, operation.microBatch, stage)
        if stages.contains(stage) { stashes[stage].ended(operation.kind) } else if !done[place] { missing -= 1 }
        done[place] = true
    }

    /// Whose operations a thread does: those of its own stage, and then of those that a gradient reaches first.
    private func lists(_ thread: Int) -> [Int] {
        helps ? [thread] + rest.indices.reversed().filter { $0 != thread } : [thread]
    }

    private func place(_ stage: Int) -> Int? {
        var mayOvertake = true
        for (place, operation) in rest[stage].enumerated() {
            let isWeights = operation.kind == .backwardWeights
            guard isWeights || mayOvertake else { continue }
            if isReady(operation, stage) { return place }
            // Nothing but W overtakes what waits for another stage.
            if !isWeights { mayOvertake = false }
        }
        return nil
    }

    private func isReady(_ operation: StageOperation, _ stage: Int) -> Bool {
        let kind = operation.kind, microBatch = operation.microBatch
        guard stashes[stage].hasRoom(for: kind) else { return false }
        if let own = chain.ownInput(of: kind), !isDone(own, microBatch, stage) { return false }
        if kind != .forward, microBatch >= sums, !isDone(kind, microBatch - sums, stage) { return false }
        guard let input = chain.input(of: kind, stage: stage, fusesBackward: fusesBackward),
            input.kind != .frozenForward
        else { return true }
        return isDone(input.kind, microBatch, input.stage)
    }

    /// What an operation reads from a stage that is walked elsewhere.
    private func remoteInput(of kind: StageOperation.Kind, stage: Int) -> StageChain.Input? {
        let input = chain.input(of: kind, stage: stage, fusesBackward: fusesBackward)
        return input.flatMap { stages.contains($0.stage) ? nil : $0 }
    }

    private func isDone(_ kind: StageOperation.Kind, _ microBatch: Int, _ stage: Int) -> Bool {
        done[index(kind, microBatch, stage)]
    }

    private func index(_ kind: StageOperation.Kind, _ microBatch: Int, _ stage: Int) -> Int {
        (stage * StageOperation.Kind.allCases.count + Int(kind.rawValue)) * microBatches + microBatch
    }
}
