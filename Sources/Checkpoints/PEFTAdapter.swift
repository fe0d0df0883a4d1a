/// A LoRA adapter in the form that Python's PEFT writes and reads.
public struct PEFTAdapter: Sendable, Equatable {
    /// The family of the model that it changes.
    public let family: ModelFamily
    /// The width of the bottleneck.
    public let rank: Int
    /// The numerator of the change's scale.
    public let alpha: Double
    /// Whether the scale is alpha / √rank instead of alpha / rank (rsLoRA, Kalajdzievski, 2023).
    public let isRankStabilised: Bool
    /// The share of inputs that training leaves out at random.
    public let dropout: Double
    /// What the adapter was trained on, as a name or path for people.
    public let baseModel: String
    /// The factors by place.
    public let pairs: [AdapterSite: LowRankPair]
    /// Weights that were trained as a whole, by their modules' names: `score` [classes, width] for a classifier.
    public let savedModules: [String: SafetensorsTensor]

    /// The name of a trained classifier among the saved modules.
    public static let classifier = "score"

    /// - Parameters:
    ///   - family: the family of the model that it changes.
    ///   - rank: the width of the bottleneck, positive.
    ///   - alpha: the numerator of the change's scale.
    ///   - isRankStabilised: whether the scale is alpha / √rank instead of alpha / rank.
    ///   - dropout: the share of inputs that training leaves out at random.
    ///   - baseModel: what the adapter was trained on, as a name or path for people.
    ///   - pairs: the factors by place; every named module is changed in every changed block.
    ///   - savedModules: weights that were trained as a whole, by their modules' names.
    public init(
        family: ModelFamily, rank: Int, alpha: Double, isRankStabilised: Bool = false, dropout: Double = 0,
        baseModel: String, pairs: [AdapterSite: LowRankPair], savedModules: [String: SafetensorsTensor] = [:]
    ) {
        self.family = family
        self.rank = rank
        self.alpha = alpha
        self.isRankStabilised = isRankStabilised
        self.dropout = dropout
        self.baseModel = baseModel
        self.pairs = pairs
        self.savedModules = savedModules
    }

    /// What the product of the factors is multiplied by.
    public var scale: Float { Float(alpha / (isRankStabilised ? Double(rank).squareRoot() : Double(rank))) }

    /// The last parts of the changed modules' paths, such as `q_proj`, sorted.
    public var targetModules: [String] { Set(pairs.keys.map(\.moduleName)).sorted() }

    /// The changed blocks, from 0, sorted; there may be gaps.
    public var layers: [Int] { Set(pairs.keys.map(\.layer)).sorted() }

    /// The number of trained parameters.
    public var parameterCount: Int {
        pairs.values.reduce(0) { $0 + $1.a.count + $1.b.count } + savedModules.values.reduce(0) { $0 + $1.values.count }
    }

    /// Checks that the adapter belongs to a model of these sizes.
    ///
    /// - Throws: `AdapterError.otherBase`.
    public func check(fits model: Hyperparameters) throws(AdapterError) {
        // Files say no more of a family than how it names its blocks, and several may name them alike.
        guard family.names.blocks == model.family.names.blocks else {
            throw .otherBase(reason: "it is for the family \(family.name), and the model is of \(model.family.name)")
        }
        let sites = model.family.linears(model)
        for (place, pair) in pairs.sorted(by: { $0.key < $1.key }) {
            guard (0..<model.layers).contains(place.layer) else {
                throw .otherBase(reason: "it changes block \(place.layer) of \(model.layers), counted from 0")
            }
            guard let site = sites.first(where: { $0.module == place.module }) else {
                throw .otherBase(reason: "the model has no layer \(place.module)")
            }
            // Rank and counts were checked against each other, so that no product here can overflow.
            guard pair.a.count == rank * site.inputWidth, pair.b.count == rank * site.outputs.count else {
                throw .otherBase(
                    reason: "\(place.module) of block \(place.layer) has \(site.inputWidth) inputs and "
                        + "\(site.outputs.count) outputs, the adapter has \(pair.a.count / rank) and \(pair.b.count / rank)"
                )
            }
        }
        if let score = savedModules[Self.classifier], score.shape.last != model.width {
            throw .otherBase(reason: "its classifier is \(score.shape), and the model's width is \(model.width)")
        }
    }
}
