import enum Datasets.TrainingOrder

/// One of a few words that a recipe can have for a key.
protocol RecipeChoice: CaseIterable, RawRepresentable<String>, Sendable {
    /// What the word stands for, in half a line: what `docs/recipes.md` says of it.
    var meaning: String { get }
}

extension Recipe.BaseType: RecipeChoice {
    var meaning: String {
        switch self {
        case .f32: "four bytes a weight, exact"
        case .bf16: "two bytes a weight, eight bits of precision; newer processors multiply them twice as fast"
        case .int8: "a byte a weight: codes of which 64 share a scale"
        }
    }
}

extension Recipe.DataFormat: RecipeChoice {
    var meaning: String {
        switch self {
        case .ratedSentences: "`id TAB mean rating TAB sentence`; negative below zero, positive above, zero left out"
        case .tsv: "a table with tabs between its values"
        case .csv: "a table with commas between its values"
        case .jsonl: "one JSON object per line"
        }
    }
}

extension Recipe.Head: RecipeChoice {
    var meaning: String {
        switch self {
        case .verbalizer: "the model's own head, among one word per class"
        case .classifier: "a trained linear layer on the last token, with one output per class"
        case .lm: "the model's own head, for an answer in words"
        }
    }
}

extension Recipe.TooLong: RecipeChoice {
    var meaning: String {
        switch self {
        case .refuse: "it ends the run with an error that names the line"
        case .truncate: "the prompt is cut: at its end, or at its beginning where an answer in words follows"
        }
    }
}

extension Recipe.Method: RecipeChoice {
    var meaning: String {
        switch self {
        case .splitfrozen: "devices compute frozen blocks once and publish activations; the server trains"
        case .central: "everything in one place: the reference for exactness"
        case .splitlora: "devices in turn train the lower blocks, the server the upper ones"
        case .fedlora: "devices train adapters of all blocks, the server takes their mean"
        case .hosl: "devices train the lower blocks by probes, the server the upper ones by its gradient"
        case .zo: "both sides train by probes"
        case .soft: "as fedlora, with near-orthogonal factors and only the strongest ranks sent"
        }
    }
}

extension Recipe.Variant: RecipeChoice {
    var meaning: String {
        switch self {
        case .paper: "the paper's three phases"
        case .code: "those of its authors' code"
        }
    }
}

extension Recipe.Keeps: RecipeChoice {
    var meaning: String {
        switch self {
        case .ranks: "whole ranks"
        case .entries: "single entries, in as many bytes"
        }
    }
}

extension Recipe.Trainable: RecipeChoice {
    var meaning: String {
        switch self {
        case .lora: "low-rank adapters beside frozen layers"
        case .full: "every parameter of the blocks above the frozen ones"
        }
    }
}

extension Recipe.Optimizer: RecipeChoice {
    var meaning: String {
        switch self {
        case .adamw: "Adam with decoupled weight decay"
        case .sgd: "gradient descent, with `training.momentum`"
        }
    }
}

extension Recipe.Schedule: RecipeChoice {
    var meaning: String {
        switch self {
        case .constant: "it stays as it is"
        case .linear: "it falls in a line to zero at the last step"
        case .cosine: "it falls in half a wave to zero at the last step"
        }
    }
}

extension TrainingOrder: RecipeChoice {
    var meaning: String {
        switch self {
        case .deterministic: "by seed and shard sizes alone: a step waits for exactly its samples"
        case .fullEpoch: "every sample once an epoch: a step is made of those that are ready"
        case .available: "no step waits: what is here of a late device is trained again"
        }
    }
}
