import Checkpoints
import Experiments
import Foundation
import Methods
import Models
import Queueing
import Recipes
import Tensors
import Wire

/// The most memory that `permafrost train` will have resident, with coordinator, worker and all devices in its process:
/// predicted from the recipe, the sizes of its model and the lengths of its examples, before any weight is read.
///
/// What a part takes is said by the code that takes it; this only adds up, once for the time of training and once for
/// that of the last scoring. docs/memory.md explains the parts.
public struct MemoryEstimate: Codable, Sendable, Equatable {
    /// What the memory is for.
    public struct Part: Codable, Sendable, Equatable {
        /// What lies there, in words.
        public let name: String
        /// Resident bytes.
        public let bytes: Int

        /// A part, or the sum of some.
        public init(name: String, bytes: Int) {
            self.name = name
            self.bytes = bytes
        }
    }

    /// When a run needs most.
    public enum Phase: String, Codable, Sendable {
        case training, scoring
    }

    /// When the run needs most.
    public let phase: Phase
    /// What lies in memory then.
    public let parts: [Part]
    /// The sum of the parts.
    public let predictedBytes: Int
    /// The most that a device needs in a process of its own, as `permafrost device` is; nil without devices.
    public let device: Device?

    /// A device in a process of its own.
    public struct Device: Codable, Sendable, Equatable {
        /// The one that needs most.
        public let id: String
        /// What lies in its memory.
        public let parts: [Part]
        /// The sum of the parts.
        public let predictedBytes: Int
    }

    /// Reads the model's sizes, its tokenizer and the data, as a run does.
    ///
    /// - Throws: a `NumberedError` for whatever a user can mend.
    public init(_ recipe: Recipe, cache: CacheFolder = CacheFolder()) throws {
        let opened = try OpenedModel(recipe, cache: cache)
        let data = try PreparedData(
            recipe, tokenizer: opened.tokenizer, chat: opened.chat, cache: cache)
        self.init(
            recipe, model: opened.source.hyperparameters, tokens: opened.tokenizer.vocabularySize,
            dataBytes: Self.dataBytes(recipe, cache: cache),
            examples: ExampleSizes(recipe, shards: data.shards, test: data.test))
    }

    /// - Parameters:
    ///   - tokens: of the tokenizer.
    ///   - dataBytes: of the files that hold the examples.
    init(_ recipe: Recipe, model: Hyperparameters, tokens: Int, dataBytes: Int, examples: ExampleSizes) {
        let parts = MemoryParts(recipe, model: model, tokens: tokens, dataBytes: dataBytes, examples: examples)
        let candidates = [(Phase.training, parts.always + parts.training), (.scoring, parts.always + parts.scoring)]
            .map { phase, parts in (phase, parts, Self.bytes(parts)) }
        (phase, self.parts, predictedBytes) = candidates[0].2 >= candidates[1].2 ? candidates[0] : candidates[1]
        device = parts.largestDevice
    }

    fileprivate static func bytes(_ parts: [Part]) -> Int { parts.reduce(0) { $0 + $1.bytes } }

    private static func dataBytes(_ recipe: Recipe, cache: CacheFolder) -> Int {
        [recipe.data.path, recipe.data.testPath].compactMap { $0 }.reduce(0) { sum, path in
            let attributes = try? FileManager.default.attributesOfItem(atPath: cache.resolve(path))
            return sum + ((attributes?[.size] as? NSNumber)?.intValue ?? 0)
        }
    }
}

/// The parts of a run's memory.
private struct MemoryParts {
    // Measured, as no code states them: docs/memory.md says how.
    /// The program, its libraries and the sockets' threads.
    private static let processBytes = 34 << 20
    /// What a thread of the pool keeps, mostly for matrix products.
    private static let threadBytes = 4 << 20
    /// A token with its name, its id and its merge.
    private static let tokenizerBytesPerToken = 300
    /// A byte of the data's files, read and then cut into examples.
    private static let bytesPerDataByte = 7

    private let recipe: Recipe
    private let model: Hyperparameters
    private let tokens: Int
    private let dataBytes: Int
    private let examples: ExampleSizes
    private let layout: TrainableLayout
    private let outputs: Int

    init(_ recipe: Recipe, model: Hyperparameters, tokens: Int, dataBytes: Int, examples: ExampleSizes) {
        self.dataBytes = dataBytes
        self.recipe = recipe
        self.model = model
        self.tokens = tokens
        self.examples = examples
        layout = TrainableLayout(recipe, model: model)
        outputs = recipe.task.head == .lm ? model.vocabularySize : recipe.task.labels.count
    }

    /// What every process has that reads the model and the data.
    private var process: [MemoryEstimate.Part] {
        [
            part("program and libraries", Self.processBytes + recipe.threadCount * Self.threadBytes),
            part("tokenizer", tokens * Self.tokenizerBytesPerToken),
            part("texts", dataBytes * Self.bytesPerDataByte),
        ]
    }

    /// The device that needs most, in a process of its own.
    var largestDevice: MemoryEstimate.Device? {
        let method = recipe.methodSettings, process = process
        guard method != .central else { return nil }
        let programs = programs
        let devices = zip(recipe.devices.cuts, examples.devices).enumerated().map { number, device in
            let trained = programs?.layout(ofDevice: number, of: layout) ?? layout
            return (number, memory(ofDevice: number).bytes(method, cut: device.0, training: trained))
        }
        return devices.max { $0.1 < $1.1 }.map { number, bytes in
            let parts = process + [part("what \(recipe.training.method.rawValue) holds there", bytes)]
            return .init(id: recipe.devices.id(number), parts: parts, predictedBytes: MemoryEstimate.bytes(parts))
        }
    }

    /// Of a method that trains on devices.
    private var programs: MethodPlan.Method? {
        recipe.training.method.trainsOnDevices ? recipe.programs(steps: 1) : nil
    }

    private func memory(ofDevice number: Int) -> DeviceMemory {
        DeviceMemory(
            model: model, batch: examples.devices[number], outputs: outputs,
            optimizerStates: recipe.training.optimizerStateCount, weightType: WeightType(recipe.model.baseType))
    }

    /// What lies in memory from the first step to the last scoring.
    var always: [MemoryEstimate.Part] {
        let loaded = recipe.serverBlocks ?? model.layers
        let weights = WeightType(recipe.model.baseType)
        let head =
            recipe.task.head == .classifier
            ? 0 : OutputHead.frozenBytes(model, outputs: outputs, weightType: weights)
        return process + [
            part(
                "frozen blocks",
                LanguageModel.bytes(
                    model, maximumTokens: recipe.maximumSequence, loadedBlocks: loaded, weightType: weights)),
            part("output head", head),
            part("trained parameters", layout.bytes),
            part("test examples", floats: examples.testTokens * model.width),
        ] + (programs.map(sides) ?? trainer)
    }

    /// The programs of a method that trains on devices, all in this process.
    private func sides(_ programs: MethodPlan.Method) -> [MemoryEstimate.Part] {
        let method = recipe.methodSettings
        let lower = examples.devices.indices.map { programs.layout(ofDevice: $0, of: layout) }
        let server = ServerMemory(
            model: model, batches: examples.devices, outputs: outputs,
            optimizerStates: recipe.training.optimizerStateCount)
        return [
            part(
                "server beside the weights",
                server.bytes(method, training: programs.serverLayout(of: layout), lower: lower.first ?? layout)),
            part(
                "devices beside the weights",
                lower.enumerated().reduce(0) {
                    $0 + memory(ofDevice: $1.offset).besideWeights(method, training: $1.element)
                }),
        ]
    }

    /// What trains in one place.
    private var trainer: [MemoryEstimate.Part] {
        let lanes = Trainer.lanes(layout.form, microBatches: examples.microBatches)
        let passes = min(lanes, recipe.threadCount), microBatch = examples.microBatch
        return [
            part("gradients", lanes * layout.bytes),
            part("optimizer", recipe.training.optimizerStateCount * layout.bytes),
            part(
                "activations between forward and backward",
                floats: passes
                    * PassMemory.stashFloats(
                        layout, tokens: microBatch.tokens, targetCount: microBatch.targets, outputs: outputs,
                        recomputes: recipe.training.recompute)),
            part(
                "intermediate results of training",
                floats: passes
                    * PassMemory.scratchFloats(
                        layout, tokens: microBatch.tokens, targetCount: microBatch.targets, outputs: outputs,
                        recomputes: recipe.training.recompute)),
        ]
    }

    /// What is in memory only while steps are taken.
    var training: [MemoryEstimate.Part] {
        guard programs == nil else { return [] }
        let isSplit = recipe.training.method == .splitfrozen
        let largest = isSplit ? examples.messages.map(\.tokens).max() ?? 0 : examples.microBatch.tokens
        let jobs = recipe.threadCount * (largest * model.width + FrozenForward.scratchFloats(model, tokens: largest))
        guard isSplit else { return [part("frozen blocks' forward pass", floats: jobs)] }
        return [
            part("frozen blocks' forward pass", floats: jobs), part("messages", messageBytes),
            part("activation store", storeBytes),
        ]
    }

    /// What is in memory only while test examples are scored.
    var scoring: [MemoryEstimate.Part] {
        let job = EvaluationSet.scoringFloats(
            layout, tokens: examples.scoring.tokens, targetCount: examples.scoring.targets, outputs: outputs)
        let generation = examples.generation.map { prompts in
            TextGenerator.floats(
                layout, promptLengths: prompts, maximumTokens: recipe.evaluation.generateTokens, outputs: outputs)
        }
        return [part("scoring", floats: recipe.threadCount * max(job, generation.max() ?? 0))]
    }

    /// A device computes one message ahead of the one that is on its way; credit bounds what is on its way.
    private var messageBytes: Int {
        examples.messages.reduce(0) { sum, message in
            let bytes = message.tokens * recipe.payloadCodec.bytesPerRow(columns: model.width)
            return sum + bytes + min(recipe.devices.creditBytes, bytes)
        }
    }

    private var storeBytes: Int {
        let bytes = examples.trainTokens * recipe.payloadCodec.bytesPerRow(columns: model.width)
        return min(bytes, recipe.store.capacityBytes) + examples.trainSamples * MemoryActivationStore.entryBytes
    }

    private func part(_ name: String, _ bytes: Int) -> MemoryEstimate.Part {
        MemoryEstimate.Part(name: name, bytes: bytes)
    }

    private func part(_ name: String, floats: Int) -> MemoryEstimate.Part {
        part(name, floats * MemoryLayout<Float>.stride)
    }
}
