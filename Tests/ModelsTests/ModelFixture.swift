import Checkpoints
import Foundation
import Models
import Support
import Tensors
import Testing

/// A small random model of `Tests/Fixtures/models` and what the reference made of it.
struct ModelFixture {
    static let cases = ["gpt2", "llama-gqa-tied", "llama-untied-llama3", "opt", "opt-untied"]
    /// One of a family that is not built in; its fixture states streams, logits and the adapters' gradients.
    static let added = "starcoder2"
    static let families = ModelFamily.all + [.starCoder2]

    let name: String
    let model: LanguageModel
    let trial: Trial
    let kernels: Kernels
    private let expected: SafetensorsFile

    init(_ name: String, kernels: Kernels = .best) throws {
        self.name = name
        self.kernels = kernels
        let folder = Self.folder(name)
        trial = try JSONDecoder().decode(
            Trial.self, from: Data(contentsOf: folder.appendingPathComponent("case.json")))
        expected = try SafetensorsFile(folder.appendingPathComponent("expected.safetensors"))
        model = try LanguageModel(
            source: HubModel(folder, families: Self.families), maximumTokens: 32, kernels: kernels)
    }

    static func folder(_ name: String) -> URL { Fixtures.folder.appendingPathComponent("models/\(name)") }

    /// Blocks below everything that trains.
    var frozenBlocks: Int { trial.trainableLayers[0] }

    /// An expected tensor, row by row.
    func expected(_ name: String) throws -> [Float] { try expected.values(name) }

    /// The only number of an expected tensor.
    func expectedNumber(_ name: String) throws -> Double { Double(try expected(name)[0]) }

    /// Expected tensors of a kind, such as `grad`, by the names that PEFT or the hub gives them.
    func expectedByName(_ kind: String) throws -> [String: [Float]] {
        let names = expected.shapes.keys.filter { $0.hasPrefix("\(kind).") }
        return Dictionary(
            uniqueKeysWithValues: try names.map { (String($0.dropFirst(kind.count + 1)), try expected.values($0)) })
    }

    /// The adapters of a folder beside the model, and a classifier with the reference's weights if asked for.
    func adapters(_ folder: String = "adapter", classifier: Bool = false) throws -> TrainableParameters {
        let settings = folder == "adapter" ? trial.lora : try #require(trial.variant)
        let sites = model.hyperparameters.family.linears(model.hyperparameters)
        let modules = sites.map(\.module).filter { module in
            settings.targets.contains { module == $0 || module.hasSuffix(".\($0)") }
        }
        let parameters = TrainableParameters(
            layout: TrainableLayout(
                model: model.hyperparameters, blocks: trial.trainableLayers,
                form: .lowRank(
                    LowRankForm(
                        rank: settings.rank, alpha: settings.alpha, isRankStabilised: settings.isRankStabilised,
                        modules: Set(modules))),
                classes: classifier ? 3 : nil))
        let file = try SafetensorsFile(
            Self.folder(name).appendingPathComponent("\(folder)/adapter_model.safetensors"))
        for (name, matrix) in parameters.adaptersByName { try file.read(name, into: matrix) }
        if let classifier_KD = parameters.classifier_KD { try expected.read("classifier.weight", into: classifier_KD) }
        return parameters
    }

    /// Every weight of the trainable blocks.
    func weights() throws -> TrainableParameters {
        try TrainableParameters(
            layout: TrainableLayout(model: model.hyperparameters, blocks: trial.trainableLayers, form: .full),
            model: model, seed: 0)
    }
}

/// `case.json`: the micro-batch and the hyper-parameters.
struct Trial: Decodable {
    struct Adapters: Decodable {
        let rank: Int
        let alpha: Double
        let isRankStabilised: Bool
        let targets: [String]

        enum CodingKeys: String, CodingKey {
            case rank, alpha, targets
            case isRankStabilised = "rslora"
        }
    }

    struct Descent: Decodable {
        let learningRate: Double
        let momentum: Float?
        let weightDecay: Float
        let clipNorm: Double
        let warmupSteps: Int
        let steps: Int

        enum CodingKeys: String, CodingKey {
            case momentum, steps
            case learningRate = "learning_rate"
            case weightDecay = "weight_decay"
            case clipNorm = "clip_norm"
            case warmupSteps = "warmup_steps"
        }
    }

    let sequences: [[Int32]]
    let labels: [Int32]
    let labelWords: [Int]
    let answers: [[Int32]]
    let trainableLayers: [Int]
    let lora: Adapters
    let variant: Adapters?
    let adamW: Descent
    let sgd: Descent
    let vanishingGradients: Set<String>

    enum CodingKeys: String, CodingKey {
        case sequences, labels, answers, lora, sgd
        case labelWords = "label_words"
        case trainableLayers = "trainable_layers"
        case variant = "lora_variant"
        case adamW = "optimizer"
        case vanishingGradients = "vanishing_gradients"
    }
}

extension TrainableParameters {
    /// Every factor by PEFT's name.
    var adaptersByName: [(name: String, matrix: Matrix)] {
        let names = layout.model.family.names
        return layout.slots.flatMap { slot in
            let place = "base_model.model.\(names.inBlock(slot.block, slot.site.module))"
            return [("\(place).lora_A.weight", term(slot).a_RI), ("\(place).lora_B.weight", term(slot).b_OR)]
        }
    }

    /// Everything that trains, by the names of PEFT and the hub.
    var byName: [String: [Float]] {
        var values = Dictionary(uniqueKeysWithValues: adaptersByName.map { ($0.name, $0.matrix.values) })
        for tensor in hubTensors { values[tensor.name] = tensor.matrix.values }
        if let classifier_KD { values["base_model.model.score.weight"] = classifier_KD.values }
        return values
    }
}
