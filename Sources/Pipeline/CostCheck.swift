extension StageCosts {
    /// Most bytes and seconds of one operation, so that no sum overflows.
    fileprivate static let limits = (bytes: 1 << 40, seconds: 1e6)

    /// - Throws: `ScheduleError.impossible` for costs with which nothing can be computed.
    func check() throws(ScheduleError) {
        for kind in StageOperation.Kind.allCases { try Self.check(seconds: seconds(kind)) }
        try Self.check(bytes: activationBytes)
        try Self.check(bytes: weightStashBytes)
    }

    fileprivate static func check(seconds: Double) throws(ScheduleError) {
        guard (0...limits.seconds).contains(seconds) else {
            throw .impossible(reason: "an operation takes \(seconds) seconds; possible are 0 to \(Int(limits.seconds))")
        }
    }

    fileprivate static func check(bytes: Int) throws(ScheduleError) {
        guard (0...limits.bytes).contains(bytes) else {
            throw .impossible(reason: "a stash or tensor has \(bytes) bytes; possible are 0 to \(limits.bytes)")
        }
    }
}

extension PipelineCosts {
    /// - Throws: `ScheduleError.impossible` when no schedule can be made or simulated with the costs.
    func check(microBatches: Int) throws(ScheduleError) {
        try Schedule.checkSize(stages: stages.count, microBatches: microBatches)
        for stage in stages { try stage.check() }
        try StageCosts.check(seconds: latencySeconds)
        try StageCosts.check(bytes: boundaryBytes)
        if let bytesPerSecond, !(bytesPerSecond > 0) {
            throw .impossible(reason: "a link carries \(bytesPerSecond) bytes a second")
        }
        guard stages.contains(where: \.blocks.trainable) else {
            throw .impossible(reason: "no stage has trainable blocks: F costs 0 seconds on all of them")
        }
    }

    /// One second for every operation of a schedule's stages, and no bytes.
    public init(unitsFor schedule: Schedule) {
        self.init(
            stages: schedule.stages.map { stage in
                let trainable: Double = stage.blocks.trainable ? 1 : 0
                return StageCosts(
                    frozenForward: stage.blocks.frozen ? 1 : 0, forward: trainable, backwardInput: trainable,
                    backwardWeights: trainable)
            })
    }
}
