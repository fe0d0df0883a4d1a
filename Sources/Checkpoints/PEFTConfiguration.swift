import Foundation

/// The part of `adapter_config.json` that plain LoRA needs, checked.
struct PEFTConfiguration {
    let rank: Int
    let alpha: Double
    /// The last parts of module paths, sorted.
    let targetModules: [String]
    /// The changed blocks, sorted, or nil for all that have tensors.
    let layers: [Int]?
    let baseModel: String?

    /// Reads and checks the configuration of an adapter folder.
    ///
    /// - Throws: `FileError`, `AdapterError`.
    init(contentsOf folder: URL) throws {
        let url = folder.appendingPathComponent(PEFTAdapter.configurationName)
        let mapping = try MappedFile(url)
        let found: FoundConfiguration
        do {
            found = try JSONDecoder().decode(FoundConfiguration.self, from: Data(mapping.bytes))
        } catch {
            throw AdapterError.unreadableConfiguration(file: url.path, reason: Self.reason(error))
        }
        if let feature = found.unsupportedFeature {
            throw AdapterError.unsupported(folder: folder.path, feature: feature)
        }
        guard (1...1 << 16).contains(found.rank) else {
            throw AdapterError.impossibleValue(file: url.path, key: "r", value: "\(found.rank)")
        }
        guard found.alpha.isFinite, found.alpha > 0 else {
            throw AdapterError.impossibleValue(file: url.path, key: "lora_alpha", value: "\(found.alpha)")
        }
        rank = found.rank
        alpha = found.alpha
        targetModules = Set(found.targetModules.map(lastPart)).sorted()
        layers = found.layers.map { Set($0).sorted() }
        baseModel = found.baseModel
    }

    /// The configuration as PEFT writes it.
    static func json(_ adapter: PEFTAdapter) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(WrittenConfiguration(adapter: adapter)) + Data("\n".utf8)
    }

    /// What the JSON decoder says, without the types of this program.
    private static func reason(_ error: any Error) -> String {
        switch error as? DecodingError {
        case .keyNotFound(let key, _): "the key \(key.stringValue) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "the key \(context.codingPath.map(\.stringValue).joined(separator: ".")) has a value of the wrong kind"
        default: "it is not JSON"
        }
    }
}

/// The last part of a module's path.
func lastPart(_ path: String) -> String { path.split(separator: ".").last.map(String.init) ?? path }
