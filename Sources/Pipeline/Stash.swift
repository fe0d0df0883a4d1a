extension Schedule {
    /// The most bytes that can lie in each stage's stash at once, however long anything takes.
    ///
    /// F leaves activations for B. B turns them into what W needs, block by block, so that the larger of the two is the
    /// most that lies there; W frees it. A fused backward pass keeps nothing for W. Results of F0 lie with the stage that
    /// reads them, from F0's begin until the reader ends; room limits them. What devices sent is in the activation store,
    /// and what is under way between trainable blocks is not stashed.
    ///
    /// - Parameter costs: of as many stages as the schedule has.
    func stashBound(costs: PipelineCosts) -> [Int] {
        let chain = chain
        var bound = zip(stages, costs.stages).map { stage, cost in
            Self.gradientStash(stage.step.lazy.map(\.kind), cost: cost, fusesBackward: fusesBackward)
        }
        for (number, stage) in stages.enumerated() where stage.blocks.frozen {
            if let reader = chain.reader(ofFrozen: number) { bound[reader] += stage.room * costs.boundaryBytes }
        }
        return bound
    }

    /// The most that F, B and W of a list leave behind.
    static func gradientStash(
        _ list: some Sequence<StageOperation.Kind>, cost: StageCosts, fusesBackward: Bool
    ) -> Int {
        var stash = 0, most = 0
        for kind in list {
            stash += StashChange(kind, cost: cost, fusesBackward: fusesBackward).comes
            most = max(most, stash)
            stash -= StashChange(kind, cost: cost, fusesBackward: fusesBackward).goes
        }
        return most
    }
}

/// What F, B or W changes in its stage's stash: bytes that come at its begin, and bytes that go at its end.
struct StashChange {
    var comes = 0
    var goes = 0

    init(_ kind: StageOperation.Kind, cost: StageCosts, fusesBackward: Bool) {
        switch kind {
        case .forward: comes = cost.activationBytes
        case .backwardInput where !fusesBackward:
            comes = max(0, cost.weightStashBytes - cost.activationBytes)
            goes = max(0, cost.activationBytes - cost.weightStashBytes)
        case .backwardWeights: goes = fusesBackward ? cost.activationBytes : cost.weightStashBytes
        case .backwardInput, .frozenForward, .step: break
        }
    }
}
