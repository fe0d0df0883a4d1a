extension Schedule {
    /// The most stages, micro-batches, stages times micro-batches, and steps ahead: a check of more would take minutes.
    static let limits = (stages: 64, microBatches: 1024, product: 8192, stepsAhead: 16, room: 1 << 16)

    /// - Throws: `ScheduleError.impossible`.
    static func checkSize(stages: Int, microBatches: Int) throws(ScheduleError) {
        guard (1...limits.stages).contains(stages) else {
            throw .impossible(reason: "\(stages) stages; possible are 1 to \(limits.stages)")
        }
        guard (1...limits.microBatches).contains(microBatches) else {
            throw .impossible(reason: "\(microBatches) micro-batches; possible are 1 to \(limits.microBatches)")
        }
        guard stages * microBatches <= limits.product else {
            throw .impossible(
                reason: "\(stages) stages times \(microBatches) micro-batches are more than \(limits.product)")
        }
    }

    /// Checks each stage's lists without looking at the others: every operation of the stage's blocks is there exactly
    /// once, in an order that the stage can walk.
    ///
    /// - Throws: `ScheduleError`.
    func checkLists() throws(ScheduleError) {
        try Self.checkSize(stages: stages.count, microBatches: microBatches)
        guard stages.contains(where: \.blocks.trainable) else {
            throw .impossible(reason: "no stage has trainable blocks")
        }
        for stage in stages.indices {
            guard (stages[stage].blocks.frozen ? 1...Self.limits.room : 0...0).contains(stages[stage].room) else {
                throw .impossible(
                    reason: "stage \(stage): F0 has room for \(stages[stage].room) results; possible are 1 to "
                        + "\(Self.limits.room), and 0 without frozen blocks")
            }
            try checkList(of: stage)
        }
    }

    /// Checks the lists of one stage without looking at the others.
    ///
    /// - Throws: `ScheduleError`.
    func checkList(of stage: Int) throws(ScheduleError) {
        var check = ListCheck(schedule: self, number: stage)
        try check.run()
    }
}

/// The check of one stage's lists.
private struct ListCheck {
    let schedule: Schedule
    let number: Int
    /// How many steps ahead each micro-batch's F0 is.
    private var ahead: [Int?]
    /// Where in the step's list each kind and micro-batch stands.
    private var places: [Int?]

    init(schedule: Schedule, number: Int) {
        self.schedule = schedule
        self.number = number
        ahead = Array(repeating: nil, count: schedule.microBatches)
        places = Array(repeating: nil, count: schedule.microBatches * StageOperation.Kind.allCases.count)
    }

    private var stage: Schedule.Stage { schedule.stages[number] }

    mutating func run() throws(ScheduleError) {
        for (place, operation) in stage.step.enumerated() { try enter(operation, place) }
        try checkWhole()
        try checkOrder()
        try checkPrologue()
    }

    private mutating func enter(_ operation: StageOperation, _ place: Int) throws(ScheduleError) {
        try checkBelongs(operation)
        let slot = slot(operation.kind, operation.microBatch)
        guard places[slot] == nil else { throw broken(operation, .repeated) }
        places[slot] = place
        if operation.kind == .frozenForward {
            ahead[operation.microBatch] = operation.stepsAhead
        } else if operation.stepsAhead != 0 {
            throw broken(operation, .early)
        }
    }

    private func checkBelongs(_ operation: StageOperation) throws(ScheduleError) {
        let isHeld =
            switch operation.kind {
            case .frozenForward: stage.blocks.frozen
            case .forward, .backwardInput, .backwardWeights: stage.blocks.trainable
            case .step: operation.microBatch == 0
            }
        guard isHeld, (0..<schedule.microBatches).contains(operation.microBatch),
            (0...Schedule.limits.stepsAhead).contains(operation.stepsAhead)
        else { throw broken(operation, .foreign) }
    }

    private func checkWhole() throws(ScheduleError) {
        for microBatch in 0..<schedule.microBatches {
            for kind in [StageOperation.Kind.frozenForward, .forward, .backwardInput, .backwardWeights] {
                let isHeld = kind == .frozenForward ? stage.blocks.frozen : stage.blocks.trainable
                if isHeld, place(kind, microBatch) == nil { throw broken(.init(kind, microBatch), .missing) }
            }
        }
        guard place(.step, 0) != nil else { throw broken(.init(.step), .missing) }
    }

    private func checkOrder() throws(ScheduleError) {
        for microBatch in 0..<schedule.microBatches {
            // F0 of the same step alone: what is ahead was done in an earlier step's list, or in the prologue.
            let frozen: StageOperation.Kind? = ahead[microBatch] == 0 ? .frozenForward : nil
            let order = [frozen, .forward, .backwardInput, .backwardWeights].compactMap { kind in
                kind.flatMap { kind in place(kind, microBatch).map { (kind: kind, place: $0) } }
            }
            for (earlier, later) in zip(order, order.dropFirst()) where later.place < earlier.place {
                throw broken(.init(later.kind, microBatch), .before(.init(earlier.kind, microBatch)))
            }
            if schedule.fusesBackward, let backward = place(.backwardInput, microBatch),
                place(.backwardWeights, microBatch) != backward + 1
            {
                throw broken(.init(.backwardWeights, microBatch), .apart)
            }
        }
        if let end = place(.step, 0), end + 1 < stage.step.count { throw broken(stage.step[end + 1], .afterStep) }
    }

    /// The prologue has F0 of every step that comes before the first one for which a step's list has it.
    private func checkPrologue() throws(ScheduleError) {
        var seen: Set<StageOperation> = []
        for operation in stage.prologue {
            guard operation.kind == .frozenForward else { throw broken(operation, .early) }
            try checkBelongs(operation)
            guard operation.stepsAhead < ahead[operation.microBatch] ?? 0, seen.insert(operation).inserted else {
                throw broken(operation, .repeated)
            }
        }
        for (microBatch, ahead) in ahead.enumerated() {
            for step in 0..<(ahead ?? 0) {
                let operation = StageOperation(.frozenForward, microBatch, stepsAhead: step)
                guard seen.contains(operation) else { throw broken(operation, .missing) }
            }
        }
    }

    private func broken(_ operation: StageOperation, _ rule: ScheduleRule) -> ScheduleError {
        .broken(stage: number, operation: operation, rule: rule)
    }

    private func slot(_ kind: StageOperation.Kind, _ microBatch: Int) -> Int {
        Int(kind.rawValue) * schedule.microBatches + microBatch
    }

    private func place(_ kind: StageOperation.Kind, _ microBatch: Int) -> Int? { places[slot(kind, microBatch)] }
}
