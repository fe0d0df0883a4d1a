/// When the optimizer's step of a stage that trains may begin.
public enum StepBarrier: String, CaseIterable, Sendable {
    /// When the W of all stages are done: the norm by which gradients are clipped is of all of them.
    case allStages = "all-stages"
    /// When the stage's own W are done: nothing is clipped.
    case ownStage = "own-stage"
}

/// Which blocks a stage holds.
public struct StageBlocks: Hashable, Sendable {
    /// Frozen blocks, for which it runs F0.
    public var frozen: Bool
    /// Blocks through which gradients flow, for which it runs F, B and W.
    public var trainable: Bool

    /// Which blocks a stage holds.
    public init(frozen: Bool, trainable: Bool) {
        self.frozen = frozen
        self.trainable = trainable
    }
}

/// What every stage of a pipeline does and in which order, as data.
///
/// A stage walks its list and begins each operation when its inputs are there. The list of one step is the list of every
/// step: F0 for later steps stands in it as so many steps ahead, and what the first steps then miss stands in the
/// prologue. F0 for a step that the run does not have is left out.
public struct Schedule: Hashable, Sendable {
    /// The lists of one stage.
    public struct Stage: Hashable, Sendable {
        /// Which blocks it holds.
        public var blocks: StageBlocks
        /// How many results of its F0 may lie with the stage that reads them. F0 begins only while there are fewer: it
        /// is the one operation that waits for room, which it can because it is early.
        public var room: Int
        /// Before the first step: F0 of the first steps that no step's list has.
        public var prologue: [StageOperation]
        /// Every step: each micro-batch's F0, F, B and W, as far as the stage has such blocks, and then the step.
        public var step: [StageOperation]

        /// The lists of a stage.
        public init(
            blocks: StageBlocks, room: Int = 0, prologue: [StageOperation] = [], step: [StageOperation]
        ) {
            self.blocks = blocks
            self.room = room
            self.prologue = prologue
            self.step = step
        }
    }

    /// What it is called, such as `zb-h1`.
    public var name: String
    /// Micro-batches of one step.
    public var microBatches: Int
    /// Whether B and W of a micro-batch are one pass, after which its gradient leaves; otherwise it leaves after B.
    public var fusesBackward: Bool
    /// When the optimizer's step may begin.
    public var barrier: StepBarrier
    /// From the first stage to the last.
    public var stages: [Stage]

    /// A schedule, which nobody has checked.
    public init(
        name: String, microBatches: Int, fusesBackward: Bool = false, barrier: StepBarrier = .allStages, stages: [Stage]
    ) {
        self.name = name
        self.microBatches = microBatches
        self.fusesBackward = fusesBackward
        self.barrier = barrier
        self.stages = stages
    }

    /// The furthest that F0 runs ahead, in steps.
    public var stepsAhead: Int {
        stages.reduce(0) { most, stage in stage.step.reduce(most) { max($0, $1.stepsAhead) } }
    }
}
