import ArgumentParser
import Foundation
import Runs

/// `permafrost generate`.
struct Generate: AnsweringCommand {
    static let configuration = CommandConfiguration(
        abstract: "Continues a prompt, or answers in a chat.",
        discussion: """
            Examples:
              permafrost generate cache:SmolLM2-135M-Instruct.Q4_1.gguf --prompt "The capital of France is"
              permafrost generate cache:SmolLM2-135M-Instruct.Q4_1.gguf --chat --prompt "Name three colours."
              permafrost generate models/gpt2 --adapter runs/…/adapter --temperature 0.8 --top-p 0.95 --seed 1 < prompt.txt

            Without --temperature the most likely token is taken each time. Ctrl-C ends the text and keeps it.
            """)

    @Argument(help: "A GGUF file, a hub folder, or cache:FILE in the cache folder.", completion: .file())
    var model: String

    @Option(help: "What to continue; without it the standard input is read.")
    var prompt: String?

    @Option(help: "The folder 'adapter' of a run, or another adapter in PEFT's format.", completion: .directory)
    var adapter: String?

    @Flag(help: "Make the prompt a user's turn in ChatML, which the assistant answers.")
    var chat = false

    @Option(help: "What the system says before the user, in a chat.")
    var system: String?

    @Option(help: "The most tokens to generate.")
    var maxTokens = 128

    @Option(help: "Logits are divided by it; 0 takes the most likely token each time.")
    var temperature = 0.0

    @Option(help: "Draw only among the most likely tokens that together have this probability.")
    var topP = 1.0

    @Option(help: "Seed of every draw.")
    var seed: UInt64 = 0

    @Option(help: "End the text where this begins; may be given more than once.")
    var stop: [String] = []

    @Option(help: "How the text is printed; with json, all at once with its figures.")
    var format = OutputFormat.text

    func validate() throws {
        guard (1...1_000_000).contains(maxTokens) else { throw ValidationError("--max-tokens is from 1 to 1000000.") }
        guard (0...1000).contains(temperature) else { throw ValidationError("--temperature is from 0 to 1000.") }
        guard topP > 0, topP <= 1 else { throw ValidationError("--top-p is above 0 and at most 1.") }
        guard chat || system == nil else { throw ValidationError("--system needs --chat.") }
    }

    func answer() throws {
        var request = GenerationRun.Request(modelPath: model, prompt: try prompt ?? Self.standardInput())
        request.adapterPath = adapter
        request.isChat = chat
        request.system = system
        request.maximumTokens = maxTokens
        request.temperature = temperature
        request.topP = topP
        request.seed = seed
        request.stops = stop
        let run = GenerationRun(request)
        let signals = StopSignals { _ in run.stop() }
        defer { signals.cancel() }
        let isText = format == .text
        let report = try run.run { piece in
            if isText { Console.write(piece) }
        }
        switch format {
        case .json: Console.print(jsonText(report, indented: true))
        case .text: Console.write("\n")
        }
    }

    private static func standardInput() throws -> String {
        let bytes = try FileHandle.standardInput.read(upToCount: 1 << 20) ?? Foundation.Data()
        return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .newlines)
    }
}
