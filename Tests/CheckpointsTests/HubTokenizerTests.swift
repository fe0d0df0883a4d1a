import Foundation
import Support
import Testing
import Tokenizers

@testable import Checkpoints

@Suite("Tokenizers of hub folders")
struct HubTokenizerTests {
    @Test("a tokenizer.json of Llama-3's form is read whole")
    func llama3() throws {
        let metadata = try TokenizerMetadata(hubFolder: fixture("tokenizer/llama3"))
        #expect(metadata.model == "gpt2" && metadata.preTokenizer == "llama-bpe")
        #expect(metadata.tokens.count == 1004 && metadata.tokens[1002] == "<|eot_id|>")
        #expect(metadata.specialIDs == [1000, 1001, 1002] && metadata.addedIDs == [1003])
        #expect(metadata.beginID == 1000 && metadata.endID == 1002)
        #expect(metadata.addsBegin && metadata.ignoresMerges && metadata.chatTemplate == nil)
        #expect(metadata.merges.count > 600 && metadata.missingBytes == [])
    }

    @Test("merges as pairs and as texts with a space are the same")
    func mergeForms() throws {
        var folder = try TokenizerFolder()
        let pairs = try folder.metadata()
        let merges = try #require(folder.part("model", "merges", as: [[String]].self))
        folder.set("model", "merges", to: merges.map { $0.joined(separator: " ") })
        #expect(try folder.metadata() == pairs)
    }

    @Test("each known way of cutting words is read as its rule")
    func preTokenizers() throws {
        func rule(_ preTokenizer: [String: Any]) throws -> String {
            var folder = try TokenizerFolder()
            folder.set("pre_tokenizer", to: preTokenizer)
            return try folder.metadata().preTokenizer
        }
        let byteLevel: [String: Any] = ["type": "ByteLevel", "add_prefix_space": false, "use_regex": true]
        let digits: [String: Any] = ["type": "Digits", "individual_digits": true]
        let gpt2Pattern = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
        let split: [String: Any] = ["type": "Split", "pattern": ["Regex": gpt2Pattern], "behavior": "Isolated"]
        let plain: [String: Any] = ["type": "ByteLevel", "add_prefix_space": false, "use_regex": false]
        #expect(try rule(["type": "ByteLevel"]) == "gpt-2")
        #expect(try rule(byteLevel) == "gpt-2")
        #expect(try rule(["type": "Sequence", "pretokenizers": [digits, byteLevel]]) == "smollm")
        #expect(try rule(["type": "Sequence", "pretokenizers": [split, plain]]) == "gpt-2")
    }

    @Test("vocab.json with merges.txt gives the tokens of tokenizer.json, and GPT-2's boundary where no file names one")
    func vocabularyFiles() throws {
        var folder = try TokenizerFolder()
        let whole = try folder.metadata()
        folder.useVocabularyFiles()
        let plain = try folder.metadata()
        #expect(plain.tokens == Array(whole.tokens.prefix(1000)) && plain.merges == whole.merges)
        #expect(plain.preTokenizer == "gpt-2" && !plain.addsBegin && plain.beginID == nil && plain.specialIDs == [])
        folder.files["added_tokens.json"] = ["<|endoftext|>": 1000, "<note>": 1001]
        let added = try folder.metadata()
        #expect(added.beginID == 1000 && added.endID == 1000)
        #expect(added.specialIDs == [1000] && added.addedIDs == [1001])
    }

    @Test("special tokens are named by tokenizer_config.json, described or not, and else by special_tokens_map.json")
    func optForm() throws {
        var folder = try TokenizerFolder()
        folder.useVocabularyFiles()
        func token(_ content: String) -> [String: Any] {
            ["content": content, "lstrip": false, "rstrip": false, "single_word": false, "normalized": true]
        }
        let end = token("</s>").merging(["special": true]) { $1 }
        folder.files["tokenizer_config.json"] = [
            "add_bos_token": true, "add_prefix_space": false, "bos_token": token("</s>"), "pad_token": NSNull(),
            "added_tokens_decoder": ["1000": end, "1001": token("<word>")], "model_max_length": 1e30,
        ]
        folder.files["special_tokens_map.json"] = ["bos_token": "<word>", "eos_token": "</s>"]
        let metadata = try folder.metadata()
        #expect(metadata.beginID == 1000 && metadata.endID == 1000 && metadata.addsBegin)
        #expect(metadata.specialIDs == [1000] && metadata.addedIDs == [1001])
    }

    @Test("add_bos_token overrules the post_processor")
    func addsBegin() throws {
        var folder = try TokenizerFolder()
        #expect(try folder.metadata().addsBegin && folder.metadata().beginID == 1000)
        folder.files["tokenizer_config.json"] = ["bos_token": "<|end_of_text|>", "add_bos_token": false]
        #expect(try folder.metadata().addsBegin == false && folder.metadata().beginID == 1001)
        folder.set("post_processor", to: ["type": "ByteLevel"])
        folder.files["tokenizer_config.json"] = ["bos_token": "<|end_of_text|>", "add_bos_token": true]
        #expect(try folder.metadata().addsBegin && folder.metadata().beginID == 1001)
    }

    @Test("the chat template is a text, the default one of several, or a file of its own")
    func chatTemplate() throws {
        var folder = try TokenizerFolder()
        folder.files["tokenizer_config.json"] = ["chat_template": "{{ one }}"]
        #expect(try folder.metadata().chatTemplate == "{{ one }}")
        let named = ["tool_use": "{{ tools }}", "default": "{{ two }}"]
        folder.files["tokenizer_config.json"] = ["chat_template": named.map { ["name": $0.key, "template": $0.value] }]
        #expect(try folder.metadata().chatTemplate == "{{ two }}")
        folder.files["chat_template.jinja"] = "{{ three }}"
        #expect(try folder.metadata().chatTemplate == "{{ three }}")
    }

    @Test("Llama-3's form in a GGUF file puts its begin token in front and ignores merges")
    func ggufLlama3() throws {
        var builder = GGUFBuilder()
        func list(_ type: UInt32, _ values: [Data]) -> Data {
            values.reduce(GGUFBuilder.number(type) + GGUFBuilder.number(UInt64(values.count)), +)
        }
        let names = ["a", "aa", "<|begin_of_text|>", "<note>"]
        builder.pair("tokenizer.ggml.model", "gpt2")
        builder.pair("tokenizer.ggml.pre", "llama-bpe")
        builder.pair("tokenizer.ggml.tokens", type: 9, list(8, names.map(GGUFBuilder.text)))
        builder.pair("tokenizer.ggml.merges", type: 9, list(8, [GGUFBuilder.text("a a")]))
        builder.pair("tokenizer.ggml.token_type", type: 9, list(5, [1, 1, 3, 4].map { GGUFBuilder.number(Int32($0)) }))
        builder.pair("tokenizer.ggml.bos_token_id", 2)
        func metadata() throws -> TokenizerMetadata {
            try Fixtures.withTemporaryFolder { folder in
                let url = folder.appendingPathComponent("x.gguf")
                try builder.bytes.write(to: url)
                return try GGUFFile(url).tokenizerMetadata()
            }
        }
        let found = try metadata()
        #expect(found.addsBegin && found.ignoresMerges)
        #expect(found.specialIDs == [2] && found.addedIDs == [3])
        builder.pair("tokenizer.ggml.add_bos_token", type: 7, Data([0]))
        #expect(try metadata().addsBegin == false)
    }
}
