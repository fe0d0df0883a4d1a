/// How `StepBuilder` decides what a stage does next.
struct StepPolicy: Hashable {
    /// Micro-batches whose F0 the last frozen stage has done for a step before the step begins.
    var lead: Int
    /// How much greater the lead of each frozen stage is than that of the next one.
    var leadGrowth: Int
    /// Results of F0 that may lie with a reader; nil when as many as come may.
    var room: Int?
    /// Micro-batches that may be between F and B beyond those of 1F1B: p − s on stage s.
    var extraWarmUp: Int
    /// Whether W follows its B at once; otherwise it waits for a gap.
    var weightsAtOnce: Bool
    /// The share of F0 or W that may stick out of the gap into which it is put, and delay what follows.
    var overhang: Double
    /// Whether a stage's step begins only when the first F can reach it, as it may when stages step on their own.
    var staggered: Bool
}

extension StepPolicy {
    /// The same policy but for one value.
    func with<Value>(_ part: WritableKeyPath<Self, Value>, _ value: Value) -> Self {
        var policy = self
        policy[keyPath: part] = value
        return policy
    }
}

/// One step of every stage, as a policy makes it.
struct StepPlan {
    /// The list of each stage: kinds in order, without the step.
    var kinds: [[StageOperation.Kind]]
    /// Micro-batches that each frozen stage is ahead.
    var leads: [Int]
    /// The most results of each frozen stage's F0 that lie with their reader.
    var rooms: [Int]
    /// From one step to the next, if every step goes like this one.
    var period: Double
    /// The most bytes that can lie in any stage's stash.
    var stashBytes: Int
}

extension StepPlan {
    /// The lists with micro-batches: each kind takes them in their order, F0 from the stage's lead on.
    func schedule(blocks: [StageBlocks], microBatches: Int, barrier: StepBarrier) -> Schedule {
        let stages = blocks.indices.map { stage in
            var counts = Array(repeating: 0, count: StageOperation.Kind.allCases.count)
            counts[Int(StageOperation.Kind.frozenForward.rawValue)] = leads[stage]
            let list = kinds[stage].map { kind in
                let number = counts[Int(kind.rawValue)]
                counts[Int(kind.rawValue)] += 1
                return StageOperation(kind, number % microBatches, stepsAhead: number / microBatches)
            }
            let prologue = (0..<(blocks[stage].frozen ? leads[stage] : 0)).map {
                StageOperation(.frozenForward, $0 % microBatches, stepsAhead: $0 / microBatches)
            }
            return Schedule.Stage(
                blocks: blocks[stage], room: rooms[stage], prologue: prologue, step: list + [.init(.step)])
        }
        return Schedule(
            name: ScheduleKind.permafrost.rawValue, microBatches: microBatches, barrier: barrier, stages: stages)
    }
}
