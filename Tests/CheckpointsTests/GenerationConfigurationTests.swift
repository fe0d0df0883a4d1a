import Checkpoints
import Foundation
import Support
import Testing

@Suite("generation_config.json")
struct GenerationConfigurationTests {
    private func endIDs(_ content: String?) throws -> [Int32] {
        try Fixtures.withTemporaryFolder { folder in
            if let content {
                try Data(content.utf8).write(to: folder.appendingPathComponent("generation_config.json"))
            }
            return try GenerationConfiguration(hubFolder: folder).endIDs
        }
    }

    @Test("a text can have no end token, one, or several")
    func ends() throws {
        #expect(try endIDs(nil) == [])
        #expect(try endIDs("{}") == [])
        #expect(try endIDs(#"{"eos_token_id": null}"#) == [])
        #expect(try endIDs(#"{"eos_token_id": 2, "temperature": 0.6}"#) == [2])
        #expect(try endIDs(#"{"eos_token_id": [128001, 128009]}"#) == [128_001, 128_009])
    }

    @Test("what is damaged is refused", arguments: ["", "[", #"{"eos_token_id": "two"}"#, #"{"eos_token_id": 1e20}"#])
    func damaged(content: String) {
        #expect(throws: HubError.self) { try endIDs(content) }
    }
}
