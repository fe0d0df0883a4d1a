import Diagnostics
import Foundation

/// Where each tensor of a hub folder lies.
struct HubFiles {
    struct Place {
        let file: SafetensorsFile
        /// The file's own name for the tensor.
        let name: String
    }

    /// The open files, in the order of their names.
    let files: [SafetensorsFile]

    static let single = "model.safetensors"
    static let index = "model.safetensors.index.json"

    /// A list of names alone; decoded JSON takes up to twenty times its bytes.
    private static let maximumIndexBytes = 1 << 21

    /// Opens `model.safetensors`, or else every shard that the index names.
    ///
    /// - Throws: `HubError` when there are no weights, a shard is missing, or index and shards contradict each other;
    ///   `SafetensorsError` when a file is damaged.
    init(in folder: URL) throws {
        let single = folder.appendingPathComponent(Self.single)
        if FileManager.default.fileExists(atPath: single.path) {
            files = [try SafetensorsFile(single)]
            return
        }
        let index = folder.appendingPathComponent(Self.index)
        guard FileManager.default.fileExists(atPath: index.path) else {
            if let pickle = Self.pickle(in: folder) { throw HubError.pickled(file: pickle) }
            throw FileError.unreadable(file: single.path, reason: String(cString: strerror(ENOENT)))
        }
        let places = try Self.weightMap(index)
        let shards = Set(places.values).sorted().map { (name: $0, url: folder.appendingPathComponent($0)) }
        if let shard = shards.first(where: { !FileManager.default.fileExists(atPath: $0.url.path) }) {
            throw HubError.missingShard(index: index.path, shard: shard.name)
        }
        files = try shards.map { shard, url in
            let file = try SafetensorsFile(url)
            if let name = file.shapes.keys.filter({ places[$0] != shard }).min() {
                throw HubError.malformed(file: index.path, reason: "it does not place the tensor \(name) in \(shard)")
            }
            return file
        }
        let found = files.reduce(0) { $0 + $1.shapes.count }
        guard found == places.count else {
            // Every tensor of a shard is in the map, so some of the map are in no shard.
            let stored = files.reduce(into: Set<String>()) { $0.formUnion($1.shapes.keys) }
            let name = places.keys.filter { !stored.contains($0) }.min() ?? ""
            throw HubError.malformed(
                file: index.path, reason: "it places the tensor \(name) in \(places[name] ?? ""), which lacks it")
        }
    }

    /// A file of weights that is a pickle, if the folder has one.
    static func pickle(in folder: URL) -> String? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter(isPickle).min().map { folder.appendingPathComponent($0).path }
    }

    /// Whether a file's name is one that pickled weights have.
    static func isPickle(_ name: String) -> Bool {
        [".bin", ".pt", ".pth", ".ckpt"].contains { name.hasSuffix($0) } && name != "training_args.bin"
    }

    /// The file of each tensor, none of which may leave the folder.
    private static func weightMap(_ url: URL) throws -> [String: String] {
        let mapping = try MappedFile(url)
        let index = try? CheckedJSON.decode(Index.self, from: mapping.data, maximumBytes: maximumIndexBytes)
        guard let index, !index.places.isEmpty else {
            throw HubError.malformed(file: url.path, reason: "it has no weight_map of tensors and files")
        }
        for shard in Set(index.places.values).sorted() {
            guard shard.hasSuffix(".safetensors"), !shard.hasPrefix("."),
                !shard.contains(where: { "/\\\0".contains($0) })
            else {
                throw HubError.malformed(file: url.path, reason: "\"\(shard.prefix(80))\" is no file of this folder")
            }
        }
        return index.places
    }

    private struct Index: Decodable {
        let places: [String: String]

        enum CodingKeys: String, CodingKey {
            case places = "weight_map"
        }
    }
}
