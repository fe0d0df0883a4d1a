import Foundation
import Testing

@Suite("permafrost generate")
struct GenerateTests {
    private func text(_ tiny: TinyModel, _ arguments: String...) throws -> JSON {
        let outcome = try Program.run(
            ["generate", "tiny.gguf", "--format", "json", "--max-tokens", "12"] + arguments, in: tiny.folder)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        return try JSON(outcome.output)
    }

    @Test("the same seed draws the same text, and the most likely text needs no seed")
    func seeds() throws {
        try TinyModel.use { tiny in
            let greedy = try text(tiny, "--prompt", "a good film")
            #expect(try greedy.number("tokens") <= 12 && greedy.number("prompt_tokens") > 0)
            #expect(try text(tiny, "--prompt", "a good film", "--seed", "9").text("text") == greedy.text("text"))
            let draws = try ["1", "1", "2", "3"].map { seed in
                try text(tiny, "--prompt", "a good film", "--temperature", "2", "--top-p", "0.99", "--seed", seed)
                    .text("text")
            }
            #expect(draws[0] == draws[1])
            #expect(Set(draws).count > 1)
        }
    }

    @Test("a text ends where a stop string begins, and plain output is the text and nothing else")
    func stops() throws {
        try TinyModel.use { tiny in
            let whole = try text(tiny, "--prompt", "a good film").text("text")
            let stop = String(whole.dropFirst(3).prefix(2))
            try #require(!stop.isEmpty, "the tiny model says '\(whole)'")
            let cut = try text(tiny, "--prompt", "a good film", "--stop", stop)
            let first = try #require(whole.firstRange(of: stop))
            #expect(try cut.text("text") == String(whole[..<first.lowerBound]))
            #expect(try cut.text("ending") == "stop")
            let plain = try Program.run(
                ["generate", "tiny.gguf", "--prompt", "a good film", "--max-tokens", "12"], in: tiny.folder)
            #expect(plain.output == whole + "\n")
        }
    }

    @Test("what cannot be generated is refused with its number and a remedy")
    func mistakes() throws {
        try TinyModel.use { tiny in
            for (arguments, code) in [
                (["nowhere.gguf", "--prompt", "a"], Int32(20)), (["tiny.gguf", "--prompt", "a", "--chat"], 31),
                (["tiny.gguf", "--prompt", ""], 2), (["tiny.gguf", "--prompt", "a", "--max-tokens", "100000"], 2),
                (["tiny.gguf", "--prompt", "a", "--top-p", "0"], 2),
                (["tiny.gguf", "--prompt", "a", "--system", "b"], 2),
                (["tiny.gguf", "--prompt", "a", "--adapter", "nowhere"], 35),
            ] {
                let outcome = try Program.run(["generate"] + arguments, in: tiny.folder)
                #expect(outcome.exitCode == code, "\(arguments): \(outcome.errors)")
                #expect(!outcome.wasKilled && !outcome.errors.isEmpty)
            }
        }
    }
}
