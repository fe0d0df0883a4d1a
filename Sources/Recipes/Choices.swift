extension Recipe {
    /// The form of a data file's lines.
    public enum DataFormat: String, Sendable, CaseIterable {
        /// `id TAB mean rating TAB sentence`.
        case ratedSentences = "rated-sentences"
        /// `label TAB text`.
        case tsv
    }

    /// What happens to a prompt of more than the maximum of tokens.
    public enum TooLong: String, Sendable, CaseIterable {
        /// It ends the run with an error that names the line.
        case refuse
        /// The text is cut at its end, the prompt around it is kept.
        case truncate
    }

    /// A linear layer of a block.
    public enum Projection: String, Sendable, CaseIterable {
        /// The layers of attention (`q` to `o`) and of the feed-forward part.
        case q, k, v, o, gate, up, down
    }

    /// What is computed where.
    public enum Method: String, Sendable, CaseIterable {
        /// Devices compute frozen blocks once and publish activations; the server trains.
        case splitfrozen
        /// Everything in one place: the reference for exactness.
        case central
    }

    /// The learning rate after warm-up.
    public enum Schedule: String, Sendable, CaseIterable {
        /// It stays, or falls linearly to zero at the last step.
        case constant, linear
    }

    /// How activations are written on the wire.
    public enum Codec: String, Sendable, CaseIterable {
        /// Four bytes a value, exact, or two bytes with eight bits of precision.
        case f32, bf16
    }

    /// How the training examples are spread over the devices.
    public enum Partition: Sendable, Equatable {
        /// Every device holds a random sample.
        case iid
        /// Proportions of each class drawn from a Dirichlet distribution: the smaller alpha, the more skewed.
        case dirichlet(alpha: Double)
        /// Every device holds one class.
        case oneLabelPerDevice
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
