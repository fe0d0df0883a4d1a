import Diagnostics
import Foundation
import Support
import Testing
import Tokenizers

@testable import Checkpoints

@Suite("Tokenizer files that are refused")
struct RefusedTokenizerTests {
    private func folder(_ change: (inout TokenizerFolder) -> Void) throws -> TokenizerFolder {
        var folder = try TokenizerFolder()
        change(&folder)
        return folder
    }

    @Test("what would change ids and is not built in is refused by its name")
    func unsupported() throws {
        func feature(_ change: (inout TokenizerFolder) -> Void) throws -> String? {
            let error = try folder(change).refusal()
            guard case .unsupported(_, let feature) = error else { return "\(String(describing: error))" }
            #expect(error?.exitCode == .tokenizerUnsupported)
            return feature
        }
        let spaced: [String: Any] = ["type": "ByteLevel", "add_prefix_space": true]
        let plain: [String: Any] = ["type": "ByteLevel", "use_regex": false]
        func split(_ regex: String, behavior: String = "Isolated") -> [String: Any] {
            let split: [String: Any] = ["type": "Split", "pattern": ["Regex": regex], "behavior": behavior]
            return ["type": "Sequence", "pretokenizers": [split, plain]]
        }
        let gpt2Pattern = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
        func added(_ flag: String) -> [[String: Any]] { [["id": 1000, "content": "<x>", flag: true]] }
        let ended = [["Sequence": ["id": "A"]], ["SpecialToken": ["id": "<|eot_id|>"]]]
        let template: [String: Any] = ["type": "TemplateProcessing", "single": ended]
        #expect(try feature { $0.set("normalizer", to: ["type": "NFC"]) } == "the normalizer NFC")
        #expect(try feature { $0.set("model", "type", to: "Unigram") } == "a model of the type Unigram")
        #expect(try feature { $0.set("model", "dropout", to: 0.1) } == "dropout of merges")
        #expect(try feature { $0.set("model", "byte_fallback", to: true) } == "byte_fallback")
        #expect(try feature { $0.set("model", "end_of_word_suffix", to: "</w>") } == "end_of_word_suffix")
        #expect(try feature { $0.set("model", "continuing_subword_prefix", to: "##") } == "continuing_subword_prefix")
        #expect(try feature { $0.set("decoder", to: nil) } == "a decoder other than ByteLevel")
        #expect(try feature { $0.set("decoder", to: ["type": "WordPiece"]) } == "a decoder other than ByteLevel")
        #expect(try feature { $0.set("pre_tokenizer", to: nil) } == "text that is not cut into words")
        #expect(try feature { $0.set("pre_tokenizer", to: ["type": "Metaspace"]) } == "the pre_tokenizer Metaspace")
        #expect(try feature { $0.set("pre_tokenizer", to: spaced) } == "add_prefix_space in its pre_tokenizer")
        #expect(try feature { $0.set("pre_tokenizer", to: plain) } == "the pre_tokenizer ByteLevel")
        #expect(try feature { $0.set("pre_tokenizer", to: split(#"\d+"#)) } == #"the pattern \d+"#)
        let removed = split(gpt2Pattern, behavior: "Removed")
        #expect(try feature { $0.set("pre_tokenizer", to: removed) } == "a Split that is not Isolated, or inverted")
        #expect(try feature { $0.set("post_processor", to: template) }?.contains("TemplateProcessing") == true)
        for flag in ["lstrip", "rstrip", "single_word"] {
            #expect(try feature { $0.set("added_tokens", to: added(flag)) }?.hasSuffix("with \(flag)") == true)
        }
        for key in ["add_eos_token", "add_prefix_space"] {
            #expect(try feature { $0.files["tokenizer_config.json"] = [key: true] } == key)
        }
        let unknown = try feature {
            $0.set("model", "unk_token", to: "<|eot_id|>")
            $0.set("model", "vocab", to: ["a": 0])
            $0.set("added_tokens", to: [])
        }
        #expect(unknown == "unk_token for bytes without a token")
    }

    @Test("ids that are no numbering from 0 are refused with the token, before anything of their size is made")
    func ids() throws {
        func refusal(_ vocabulary: [String: Int], _ added: [[String: Any]] = []) throws -> HubTokenizerError? {
            try folder {
                $0.set("model", "vocab", to: vocabulary)
                $0.set("added_tokens", to: added)
            }.refusal()
        }
        func isStray(_ error: HubTokenizerError?, _ token: String, _ id: Int, _ expected: Int) -> Bool {
            if case .strayID(_, token, id, expected) = error { true } else { false }
        }
        #expect(isStray(try refusal(["a": 0, "b": 2]), "b", 2, 1))
        #expect(isStray(try refusal(["a": 0, "b": Int.max]), "b", Int.max, 1))
        #expect(isStray(try refusal(["a": -1, "b": 1]), "a", -1, 0))
        #expect(isStray(try refusal(["a": 0], [["id": 1 << 40, "content": "x"]]), "x", 1 << 40, 1))
        guard case .duplicateID(_, 1, ["b", "c"]) = try refusal(["a": 0, "b": 1, "c": 1]) else {
            Issue.record("a duplicate was not found")
            return
        }
        guard case .contradictoryToken(_, "a", [0, 1]) = try refusal(["a": 0], [["id": 1, "content": "a"]]) else {
            Issue.record("a contradiction was not found")
            return
        }
    }

    @Test("keys that are missing or of the wrong kind are named")
    func wrongKinds() throws {
        func reason(_ change: (inout TokenizerFolder) -> Void) throws -> String? {
            guard case .malformed(_, let reason) = try folder(change).refusal() else { return nil }
            return reason
        }
        #expect(try reason { $0.set("model", to: nil) } == "the key model is missing")
        #expect(try reason { $0.set("model", "vocab", to: nil) } == "the key model.vocab is missing")
        let wrongKind = "the key model.vocab has a value of the wrong kind"
        #expect(try reason { $0.set("model", "vocab", to: ["a"]) } == wrongKind)
        #expect(try reason { $0.set("model", "vocab", to: ["a": "0"]) }?.contains("model.vocab") == true)
        #expect(try reason { $0.set("model", "vocab", to: ["a": 0.5]) }?.contains("number that does not fit") == true)
        #expect(try reason { $0.set("model", "merges", to: [1]) }?.contains("model.merges") == true)
        #expect(try reason { $0.set("model", "merges", to: ["a b", ["a", "b"]]) }?.contains("model.merges") == true)
        #expect(try reason { $0.set("added_tokens", to: [["content": "x"]]) } == "the added token \"x\" has no id")
        #expect(try reason { $0.files["tokenizer_config.json"] = ["bos_token": 1] }?.contains("bos_token") == true)
        #expect(try reason { $0.files["tokenizer_config.json"] = ["chat_template": 1] }?.contains("template") == true)
    }

    @Test("a begin or end token that the vocabulary lacks is refused with its key")
    func unknownSpecialToken() throws {
        let error = try folder { $0.files["tokenizer_config.json"] = ["eos_token": "</s>"] }.refusal()
        guard case .unknownSpecialToken(_, "eos_token", "</s>") = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("a folder without tokenizer files is refused, and so is half of the two")
    func missing() throws {
        for files in [[:], ["vocab.json": "{}"], ["merges.txt": ""]] {
            let error = try folder {
                $0.tokenizer = nil
                $0.files = files
            }.refusal()
            #expect(error?.exitCode == .modelUnreadable)
        }
    }

    @Test("merges.txt must be text, and its merges of known tokens")
    func mergesText() throws {
        var folder = try TokenizerFolder()
        folder.useVocabularyFiles()
        folder.files["merges.txt"] = Data([0x61, 0x20, 0xFF])
        guard case .malformed = folder.refusal() else {
            Issue.record("bytes that are no text were taken")
            return
        }
        folder.files["merges.txt"] = "#version: 0.2\r\n# #\r\n"
        let metadata = try folder.metadata()
        #expect(metadata.merges == ["# #"])
        #expect(throws: TokenizerError.unknownTokenInMerge(rank: 0, merge: "# #", token: "##")) {
            try ByteLevelBPE(metadata)
        }
    }
}
