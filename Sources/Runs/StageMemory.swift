import Checkpoints
import Diagnostics
import Methods
import Models
import Pipeline
import Recipes

/// What a recipe's stages keep between F and W, said by the sizes of its model alone.
struct StageMemory {
    private let recipe: Recipe
    private let model: Hyperparameters

    init(_ recipe: Recipe, model: Hyperparameters) {
        self.recipe = recipe
        self.model = model
    }

    /// Tokens and targets of the largest micro-batch that there can be.
    var largest: (tokens: Int, targets: Int) {
        let samples = recipe.training.microBatch, tokens = samples * recipe.task.maximumTokens
        return (tokens, recipe.task.head == .lm ? tokens : samples)
    }

    /// The bytes of each block above the frozen ones. The costs have no times.
    var blocks: [StageCosts] {
        let layout = TrainableLayout(recipe, model: model), largest = largest
        let outputs = recipe.task.head == .lm ? model.vocabularySize : recipe.task.labels.count
        return (recipe.model.frozenBlocks..<model.layers).map { block in
            let stash = PassMemory.stageStash(
                layout, block: block, tokens: largest.tokens, targetCount: largest.targets,
                head: block == model.layers - 1 ? outputs : nil)
            return StageCosts(activationBytes: stash.activationBytes, weightStashBytes: stash.weightStashBytes)
        }
    }

    /// The cut with the least stash, for the recipe's schedule.
    ///
    /// - Throws: `ScheduleError.impossible` when there are fewer blocks than stages.
    func sparingCut() throws(ScheduleError) -> SparingCut {
        try SparingCut(
            recipe.pipeline.schedule, blocks: blocks, stages: recipe.pipeline.stages,
            microBatches: recipe.training.microBatches)
    }

    /// Refuses a cap that no cut can keep.
    ///
    /// - Throws: `ScheduleError.capTooSmall` with the smallest cap that one can, `impossible`.
    func check() throws(ScheduleError) {
        guard let cap = recipe.pipeline.memoryBytes, recipe.pipeline.stages > 1 else { return }
        let smallest = try sparingCut().stashBytes
        guard cap < smallest else { return }
        throw .capTooSmall(schedule: recipe.pipeline.schedule.rawValue, capBytes: cap, smallestBytes: smallest)
    }
}

extension Recipe {
    /// Refuses a cap on the memory of stages that no cut of the model's blocks can keep, if the model is on this machine.
    ///
    /// - Throws: `ScheduleError.capTooSmall` with the smallest cap that one can, `impossible`.
    public func checkStageMemory(cache: CacheFolder = CacheFolder()) throws(ScheduleError) {
        guard pipeline.memoryBytes != nil, let source = try? OpenedModel(self, cache: cache).source else { return }
        try StageMemory(self, model: source.hyperparameters).check()
    }
}

extension Recipe.Training {
    /// Micro-batches of a whole batch.
    var microBatches: Int { (batch + microBatch - 1) / microBatch }
}
