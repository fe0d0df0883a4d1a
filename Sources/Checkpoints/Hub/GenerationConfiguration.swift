import Diagnostics
import Foundation

/// What `generation_config.json` of a hub folder says about the end of a text.
public struct GenerationConfiguration: Sendable, Equatable {
    /// The tokens that end a text; empty when the file does not say, or is not there.
    public let endIDs: [Int32]

    private static let maximumBytes = 1 << 20

    /// - Throws: `FileError.unreadable`, `HubError.malformed`.
    public init(hubFolder folder: URL) throws {
        let url = folder.appendingPathComponent("generation_config.json")
        guard FileManager.default.fileExists(atPath: url.path) else {
            endIDs = []
            return
        }
        let data = try MappedFile(url).data
        do throws(CheckedJSON.Fault) {
            endIDs = try CheckedJSON.decode(Content.self, from: data, maximumBytes: Self.maximumBytes).endIDs
        } catch {
            throw HubError.malformed(file: url.path, reason: error.reason)
        }
    }

    private struct Content: Decodable {
        let endIDs: [Int32]

        enum CodingKeys: String, CodingKey {
            case end = "eos_token_id"
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            if let one = try? container.decodeIfPresent(Int32.self, forKey: .end) {
                endIDs = [one]
            } else {
                endIDs = try container.decodeIfPresent([Int32].self, forKey: .end) ?? []
            }
        }
    }
}
