import Datasets

extension Recipe {
    /// The form of a data file.
    public enum DataFormat: String, Sendable, CaseIterable {
        /// `id TAB mean rating TAB sentence`.
        case ratedSentences = "rated-sentences"
        /// Tables with tabs or commas between their values.
        case tsv, csv
        /// One JSON object per line.
        case jsonl
    }

    /// What predicts the answer.
    public enum Head: String, Sendable, CaseIterable {
        /// The model's own head, among one word per class.
        case verbalizer
        /// A trained linear layer on the last token, with one output per class.
        case classifier
        /// The model's own head, for an answer in words.
        case lm
    }

    /// What happens to an example of more than the maximum of tokens.
    public enum TooLong: String, Sendable, CaseIterable {
        /// It ends the run with an error that names the line.
        case refuse
        /// The prompt is cut: its text at the end, or at the beginning where an answer in words follows.
        case truncate
    }

    /// What is computed where.
    public enum Method: String, Sendable, CaseIterable {
        /// Devices compute frozen blocks once and publish activations; the server trains.
        case splitfrozen
        /// Everything in one place: the reference for exactness.
        case central
        /// Devices in turn train the lower blocks, the server the upper ones (docs/methods.md has these and the next).
        case splitlora
        /// Devices train adapters of all blocks, the server takes their mean.
        case fedlora
        /// Devices train the lower blocks by probes, the server the upper ones by its gradient.
        case hosl
        /// Both sides train by probes.
        case zo
        /// As fedlora, with near-orthogonal factors and only the strongest ranks sent.
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
        /// The paper's three phases, or those of its authors' code.
        case paper, code
    }

    /// What of a local training's changes is sent.
    public enum Keeps: String, Sendable, CaseIterable {
        /// Whole ranks, or single entries in as many bytes.
        case ranks, entries
    }

    /// What is trained.
    public enum Trainable: String, Sendable, CaseIterable {
        /// Low-rank adapters beside frozen layers.
        case lora
        /// Every parameter of the blocks above the frozen ones.
        case full
    }

    /// The rule by which gradients become steps.
    public enum Optimizer: String, Sendable, CaseIterable {
        /// Adam with decoupled weight decay, or gradient descent.
        case adamw, sgd
    }

    /// The course of the learning rate after warm-up.
    public enum Schedule: String, Sendable, CaseIterable {
        /// It stays, or falls to zero at the last step: in a line, or in half a wave.
        case constant, linear, cosine
    }

    /// Where the stages of a pipeline are.
    public enum Placement: String, Sendable, CaseIterable {
        /// Threads of the worker that trains.
        case threads
        /// Workers: the one that trains is the first stage, others are the later ones.
        case workers
    }

    /// Who decides how many blocks a device of a distributed run computes.
    public enum Balance: String, Sendable, CaseIterable {
        /// The measured speeds, beginning with `devices.cuts`; or `devices.cuts` alone.
        case measured, fixed
    }

    /// How frozen weights are kept.
    public enum BaseType: String, Sendable, CaseIterable {
        /// Exact; two bytes with eight bits of precision, which newer processors multiply twice as fast; or codes of one
        /// byte, of which 64 share a scale.
        case f32, bf16, int8
    }

    /// How activations are written on the wire and kept in the store.
    public enum Codec: String, Sendable, CaseIterable {
        /// Four bytes a value, exact; two bytes with eight bits of precision; or codes of one byte or a half, of which 64
        /// share a scale; or for each device what its link asks for.
        case f32, bf16, int8, int4, auto
        /// Codes of half a byte, and the largest errors beside them.
        case int4Residual = "int4_residual"
    }

    /// What is done to activations on the wire after their codec.
    public enum Compression: String, Sendable, CaseIterable {
        /// Nothing, or a general compression that loses nothing.
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
