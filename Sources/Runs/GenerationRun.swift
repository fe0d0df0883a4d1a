import Checkpoints
import Foundation
import Methods
import Models
import Recipes
import Synchronization
import Tokenizers

/// Continues one prompt with a model, as it is or with what was trained.
public final class GenerationRun: Sendable {
    /// What is asked of the model.
    public struct Request: Sendable {
        /// A GGUF file or a hub folder.
        public var modelPath: String
        /// The folder of what was trained; nil for the model as it is.
        public var adapterPath: String?
        /// What the model continues, or what the user says in a chat.
        public var prompt: String
        /// Whether the prompt is a user's turn, in ChatML.
        public var isChat = false
        /// What the system says before it, in a chat.
        public var system: String?
        /// The most new tokens.
        public var maximumTokens = 128
        /// Logits are divided by it; 0 always takes the most likely token.
        public var temperature = 0.0
        /// Only the most likely tokens that together have this probability are drawn from.
        public var topP = 1.0
        /// Decides every draw.
        public var seed: UInt64 = 0
        /// The text ends where one of these begins.
        public var stops: [String] = []

        /// A plain continuation by the most likely tokens.
        public init(modelPath: String, prompt: String) {
            self.modelPath = modelPath
            self.prompt = prompt
        }
    }

    /// What came of it, as it is printed.
    public struct Report: Codable, Sendable, Equatable {
        /// Why the text ended.
        public enum Ending: String, Codable, Sendable {
            /// The model said so, a stop string came, the limit was reached, or the user asked.
            case end, stop, length, interrupted
        }

        /// The new text.
        public var text: String
        /// Why it ended.
        public var ending: Ending
        /// Tokens of the prompt.
        public var promptTokens: Int
        /// New tokens, with the one that ended the text.
        public var tokens: Int
        /// From the first prompt token to the last new one.
        public var seconds: Double
    }

    private let request: Request
    private let cache: CacheFolder
    private let isStopping = Atomic(false)

    /// A generation that has not begun.
    public init(_ request: Request, cache: CacheFolder = CacheFolder()) {
        self.request = request
        self.cache = cache
    }

    /// Ends the text after the token under way. Callable from any thread.
    public func stop() { isStopping.store(true, ordering: .relaxed) }

    /// Generates. Blocks the calling thread.
    ///
    /// - Parameter show: is given the text piece by piece, whole characters only.
    /// - Throws: a `NumberedError` for whatever a user can mend.
    public func run(show: (String) -> Void) throws -> Report {
        let path = cache.resolve(request.modelPath)
        guard FileManager.default.fileExists(atPath: path) else { throw RunError.fileMissing(path: path, key: "MODEL") }
        let source = try ModelFiles.open(path)
        let metadata = try TokenizerMetadata(of: source)
        let tokenizer = try ByteLevelBPE(metadata)
        let prompt = try promptTokens(tokenizer, ChatML(template: metadata.chatTemplate, tokenizer: tokenizer))
        let context = source.hyperparameters.contextLength
        guard !prompt.isEmpty, prompt.count + request.maximumTokens <= context else {
            throw RunError.generationBeyondContext(
                promptTokens: prompt.count, generateTokens: request.maximumTokens, context: context)
        }
        let model = try LanguageModel(
            source: source, maximumTokens: prompt.count + request.maximumTokens,
            forwardOnly: source.hyperparameters.layers)
        let parameters = try request.adapterPath.map { try TrainableParameters(trained: $0, model: model) }
        let generator = TextGenerator(
            model: model, parameters: parameters, head: try OutputHead(languageModel: model))
        var ends = try Set((source as? HubModel).map { try GenerationConfiguration(hubFolder: $0.folder).endIDs } ?? [])
        if let end = tokenizer.endID { ends.insert(end) }

        var output = Output(tokenizer, stops: request.stops)
        var ending = Report.Ending.length
        let start = ContinuousClock.now
        try generator.generate(
            [prompt], maximumTokens: request.maximumTokens,
            sampling: Sampling(temperature: request.temperature, topP: request.topP, seed: request.seed)
        ) { _, token in
            output.tokens += 1
            if ends.contains(token) {
                ending = .end
            } else {
                show(output.take(token))
                if output.hasStopped { ending = .stop }
                if isStopping.load(ordering: .relaxed) { ending = .interrupted }
            }
            return ending == .length
        }
        show(output.finish())
        return Report(
            text: output.text, ending: ending, promptTokens: prompt.count, tokens: output.tokens,
            seconds: (ContinuousClock.now - start) / .seconds(1))
    }

    private func promptTokens(_ tokenizer: ByteLevelBPE, _ chat: ChatML?) throws -> [Int32] {
        guard request.isChat else { return tokenizer.encode(request.prompt, addingBegin: true) }
        guard let chat else { throw RunError.noChat(path: request.modelPath) }
        let system = request.system.map { [ChatMessage(role: "system", content: $0)] } ?? []
        return chat.prompt(system + [ChatMessage(role: "user", content: request.prompt)])
    }
}

/// Text under way: tokens in, whole characters out, up to a stop string.
private struct Output {
    var tokens = 0
    private(set) var text = ""
    private var decoder: StreamingDecoder
    private var stops: StopStrings

    init(_ tokenizer: ByteLevelBPE, stops: [String]) {
        decoder = StreamingDecoder(tokenizer, skippingSpecialTokens: true)
        self.stops = StopStrings(stops)
    }

    var hasStopped: Bool { stops.hasStopped }

    mutating func take(_ token: Int32) -> String { keep(stops.append(decoder.append(token))) }

    mutating func finish() -> String { keep(stops.append(decoder.finish()) + stops.finish()) }

    private mutating func keep(_ piece: String) -> String {
        text += piece
        return piece
    }
}
