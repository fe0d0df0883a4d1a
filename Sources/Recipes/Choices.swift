import Datasets

extension Recipe {
    /// The form of a data file.
    public enum DataFormat: String, Sendable, CaseIterable {
        case ratedSentences = "rated-sentences"
        case tsv, csv
        case jsonl
    }

    /// What predicts the answer.
    public enum Head: String, Sendable, CaseIterable {
        case verbalizer
        case classifier
        case lm
    }

    /// What happens to an example of more than the maximum of tokens.
    public enum TooLong: String, Sendable, CaseIterable {
        case refuse
        case truncate
    }

    /// What is computed where.
    public enum Method: String, Sendable, CaseIterable {
        case splitfrozen
        case central
        case splitlora
        case fedlora
        case hosl
        case zo
        case soft

        /// Whether devices train, and with that all blocks; otherwise only what lies above the frozen ones does.
        public var trainsOnDevices: Bool { self != .splitfrozen && self != .central }

        /// Whether devices train adapters of the whole model in rounds.
        public var isFederated: Bool { self == .fedlora || self == .soft }

        /// Whether something is trained by probes.
        public var probes: Bool { self == .hosl || self == .zo }
    }

    /// Whose order of things a step by probes has.
    public enum Variant: String, Sendable, CaseIterable {
        case paper, code
    }

    /// What of a local training's changes is sent.
    public enum Keeps: String, Sendable, CaseIterable {
        case ranks, entries
    }

    /// What is trained.
    public enum Trainable: String, Sendable, CaseIterable {
        case lora
        case full
    }

    /// The rule by which gradients become steps.
    public enum Optimizer: String, Sendable, CaseIterable {
        case adamw, sgd
    }

    /// The course of the learning rate after warm-up.
    public enum Schedule: String, Sendable, CaseIterable {
        case constant, linear, cosine
    }

    /// Where the stages of a pipeline are.
    public enum Placement: String, Sendable, CaseIterable {
        case threads
        case workers
    }

    /// Who decides how many blocks a device of a distributed run computes.
    public enum Balance: String, Sendable, CaseIterable {
        case measured, fixed
    }

    /// How frozen weights are kept.
    public enum BaseType: String, Sendable, CaseIterable {
        case f32, bf16, int8
    }

    /// How activations are written on the wire and kept in the store.
    public enum Codec: String, Sendable, CaseIterable {
        case f32, bf16, int8, int4, auto
        case int4Residual = "int4_residual"
    }

    /// What is done to activations on the wire after their codec.
    public enum Compression: String, Sendable, CaseIterable {
        case none, zstd
    }

    /// How the training examples are spread over the devices.
    public enum Partition: Sendable, Hashable {
        /// Every device holds a random sample.
        case iid
        /// Proportions of each class drawn from a Dirichlet distribution: the smaller alpha, the more skewed.
        case dirichlet(alpha: Double)
        /// Every device holds one class.
        case oneLabelPerDevice
    }
}

extension Recipe.LoRA {
    /// The names of linear layers in the families of models; which of them a model has, its family says.
    static let knownTargets = [
        "q", "k", "v", "o", "gate", "up", "down", "c_attn", "c_proj", "c_fc", "fc1", "fc2",
    ]
}

extension Recipe.Partition {
    /// The rule as data are spread by it.
    public var rule: Datasets.Partition {
        switch self {
        case .iid: .iid
        case .dirichlet(let alpha): .dirichlet(alpha: alpha)
        case .oneLabelPerDevice: .oneLabelPerDevice
        }
    }

    init(_ rule: Datasets.Partition) {
        self =
            switch rule {
            case .iid: .iid
            case .dirichlet(let alpha): .dirichlet(alpha: alpha)
            case .oneLabelPerDevice: .oneLabelPerDevice
            }
    }
}

extension Recipe.Partition: LosslessStringConvertible {
    /// The forms a recipe may use.
    static let forms = ["iid", "dirichlet(0.5)", "one-label-per-device"]

    /// Reads `iid`, `dirichlet(ALPHA)` or `one-label-per-device`; nil for anything else, or an alpha that is not
    /// from 0.001 to 1,000,000.
    public init?(_ description: String) {
        switch description {
        case "iid": self = .iid
        case "one-label-per-device": self = .oneLabelPerDevice
        default:
            guard description.hasPrefix("dirichlet("), description.hasSuffix(")"),
                let alpha = Double(description.dropFirst("dirichlet(".count).dropLast()),
                (1e-3...1e6).contains(alpha)
            else { return nil }
            self = .dirichlet(alpha: alpha)
        }
    }

    /// The rule as a recipe writes it.
    public var description: String {
        switch self {
        case .iid: "iid"
        case .dirichlet(let alpha): "dirichlet(\(alpha))"
        case .oneLabelPerDevice: "one-label-per-device"
        }
    }
}
