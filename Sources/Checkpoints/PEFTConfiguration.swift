import Diagnostics
import Foundation

/// The part of `adapter_config.json` that LoRA needs, checked.
struct PEFTConfiguration {
    let rank: Int
    let alpha: Double
    let isRankStabilised: Bool
    let dropout: Double
    /// Ends of the changed modules' paths, or nil for all linear layers.
    let targetModules: [String]?
    /// The changed blocks, sorted, or nil for all that have tensors.
    let layers: [Int]?
    let baseModel: String?
    let isClassifier: Bool

    /// No configuration comes near this size; decoded JSON takes up to thirty times its bytes.
    private static let maximumBytes = 1 << 20

    /// Reads and checks the configuration of an adapter folder.
    ///
    /// - Throws: `FileError`, `AdapterError`.
    init(contentsOf folder: URL) throws {
        let url = folder.appendingPathComponent(PEFTAdapter.configurationName)
        let mapping = try MappedFile(url)
        let found: FoundConfiguration
        do throws(CheckedJSON.Fault) {
            found = try CheckedJSON.decode(
                FoundConfiguration.self, from: mapping.data, maximumBytes: Self.maximumBytes)
        } catch {
            throw AdapterError.unreadableConfiguration(file: url.path, reason: error.reason)
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
        guard (0..<1).contains(found.dropout) else {
            throw AdapterError.impossibleValue(file: url.path, key: "lora_dropout", value: "\(found.dropout)")
        }
        rank = found.rank
        alpha = found.alpha
        isRankStabilised = found.isRankStabilised
        dropout = found.dropout
        targetModules = found.targetModules
        layers = found.layers.map { Set($0).sorted() }
        baseModel = found.baseModel
        isClassifier = found.isClassifier
    }

    /// Checks that the tensors are those that the configuration speaks of.
    ///
    /// A module is meant by its whole path or by any end of it that begins at a dot.
    ///
    /// - Throws: `AdapterError.outsideConfiguration`.
    func check(fits adapter: PEFTAdapter, _ folder: String) throws(AdapterError) {
        if let targetModules {
            let paths = adapter.pairs.keys.map { adapter.family.names.inBlock($0.layer, $0.module) }
            func isMeant(_ path: String, by target: String) -> Bool { path == target || path.hasSuffix(".\(target)") }
            guard paths.allSatisfy({ path in targetModules.contains { isMeant(path, by: $0) } }),
                targetModules.allSatisfy({ target in paths.contains { isMeant($0, by: target) } })
            else {
                throw .outsideConfiguration(folder: folder, place: "target_modules")
            }
        }
        guard layers == nil || layers == adapter.layers else {
            throw .outsideConfiguration(folder: folder, place: "layers_to_transform")
        }
        guard isClassifier == (adapter.savedModules[PEFTAdapter.classifier] != nil) else {
            throw .outsideConfiguration(folder: folder, place: "task_type and the trained classifier")
        }
    }

    /// The configuration as PEFT writes it.
    static func json(_ adapter: PEFTAdapter) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(WrittenConfiguration(adapter)) + Data("\n".utf8)
    }
}
