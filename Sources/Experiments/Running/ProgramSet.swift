import Checkpoints
import Datasets
import Methods
import Models
import Tensors

/// A method's programs for one run, and what whoever drives them has to know.
struct ProgramSet {
    let server: any ServerProgram
    let devices: [any DeviceProgram]
    /// Steps or rounds until the end.
    let steps: Int
    /// Blocks that each device computes.
    let cuts: [Int]
    /// What each device needs to hold.
    let memoryBytes: [Int]
    let serverCosts: WorkCosts
    let deviceCosts: [WorkCosts]
    /// Blocks in which something trains on the server.
    let serverTrains: Range<Int>
    let counting: TokenCount
    /// Blocks below all that is trained.
    let frozenBlocks: Int
    /// What has been learned so far, of the blocks above the frozen ones.
    let trained: () -> TrainableParameters
    /// Whether a device's message is with the device until it is acknowledged, as over sockets. What SplitFrozen publishes
    /// goes on credit instead: several messages may be on their way.
    var holdsUntilAcknowledged = true
    /// Where the band is shared round by round.
    var planner: RoundPlanner? = nil
}

/// Which work tells that tokens have been trained on. It is the work of whoever has the head.
enum TokenCount {
    /// Each backward pass.
    case backward
    /// So many forward passes are one step on the same tokens.
    case forward(passes: Int)

    /// Tokens of some work, times `passes`.
    func tokens(_ work: MethodWork) -> Int {
        switch (self, work.kind) {
        case (.backward, .backward) where work.targets > 0: work.lengths.reduce(0, +)
        case (.forward, .forward) where work.targets > 0: work.lengths.reduce(0, +)
        default: 0
        }
    }

    /// What a sum of `tokens` is divided by.
    var passes: Int { if case .forward(let passes) = self { passes } else { 1 } }
}

/// What the programs of a method are made of.
struct ProgramBuilder {
    let task: ExperimentTask
    let settings: ExperimentSettings
    let seed: UInt64
    let pool: ComputePool

    var model: Hyperparameters { task.model.hyperparameters }
    var outputs: Int { task.head.outputs }
    var budget: StepBudget { StepBudget(tokens: settings.tokenBudget, batch: settings.batch, seed: seed) }

    /// The programs.
    ///
    /// - Throws: `ExperimentError.noSharedBand`, or what the model throws when weights cannot be read.
    func build() throws -> ProgramSet {
        switch settings.method {
        case .splitfrozen(let messageSamples): try splitFrozen(messageSamples: messageSamples)
        case .central: try central()
        case .splitlora, .fedlora, .hosl, .zo, .soft: try onDevices()
        }
    }

    /// The devices' own batches.
    var shards: [DeviceShard] {
        task.shards.enumerated().map {
            DeviceShard(device: $0.offset, examples: $0.element, batch: settings.batch, seed: seed)
        }
    }

    /// The cut of methods that train on devices.
    var commonCut: Int { task.cuts.min() ?? 0 }

    func layout(_ blocks: Range<Int>, hasClassifier: Bool = true) -> TrainableLayout {
        TrainableLayout(
            model: model, blocks: blocks, form: settings.form, classes: hasClassifier ? settings.classes : nil)
    }

    var whole: TrainableLayout { layout(0..<model.layers) }

    /// What training begins with: of each block the same, whichever blocks are chosen.
    func start(_ layout: TrainableLayout) throws -> TrainableParameters {
        try TrainableParameters(layout: layout, model: task.model, seed: seed)
    }

    func costs(
        _ layout: TrainableLayout?, givesInputGradient: Bool = false, isOrthogonal: Bool = false
    ) -> WorkCosts {
        WorkCosts(
            model: model, layout: layout, outputs: outputs, givesInputGradient: givesInputGradient,
            isOrthogonal: isOrthogonal)
    }

    func memory(_ device: Int, samples: Int) -> DeviceMemory { task.memory(device, samples: samples, settings) }
}

extension ExperimentTask {
    /// The memory of a device whose largest batch, or message, has its longest samples.
    func memory(_ device: Int, samples: Int, _ settings: ExperimentSettings) -> DeviceMemory {
        DeviceMemory(
            model: model.hyperparameters, batch: .init(shards[device], samples: samples), outputs: head.outputs,
            optimizerStates: settings.optimizerStates)
    }
}
