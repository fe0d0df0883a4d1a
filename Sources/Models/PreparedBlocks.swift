import Checkpoints
import Foundation
import Tensors

/// All blocks of a model in a file, in the form in which they are used: nothing is dequantised, and processes that have
/// mapped it share its memory.
public struct PreparedBlocks: Sendable {
    private let file: PreparedFile
    private let onDamage: @Sendable (FileError) -> Void

    /// Maps a file and checks that it was made of a model.
    ///
    /// - Parameters:
    ///   - digest: the SHA-256 of the model's file.
    ///   - onDamage: is told of each block that is damaged, which is then loaded from the model's own file.
    /// - Throws: `FileError.unreadable`.
    public init(
        _ url: URL, of model: Hyperparameters, digest: String, as type: WeightType,
        onDamage: @escaping @Sendable (FileError) -> Void
    ) throws(FileError) {
        file = try PreparedFile(url, shape: Self.shape(model, digest: digest, as: type))
        self.onDamage = onDamage
    }

    /// Writes all blocks of a source, one in memory at a time.
    ///
    /// - Throws: `FileError.unwritable`, or what the source throws for a missing, misshapen or damaged tensor.
    public static func write(to url: URL, of source: any ModelSource, digest: String, as type: WeightType) throws {
        let plan = BlockPlan(source.hyperparameters)
        try PreparedFile.write(to: url, shape: shape(source.hyperparameters, digest: digest, as: type)) { block in
            defer { source.releasePages() }
            return try BlockWeights.memory(plan, block: block, from: source, as: type)
        }
    }

    /// Bytes of the file.
    public static func bytes(_ model: Hyperparameters, as type: WeightType) -> Int {
        shape(model, digest: "", as: type).bytes
    }

    /// The memory of a block; nil when it is damaged.
    func memory(of block: Int) -> Storage? {
        do throws(FileError) {
            return try file.run(block)
        } catch {
            onDamage(error)
            return nil
        }
    }

    private static func shape(_ model: Hyperparameters, digest: String, as type: WeightType) -> PreparedFile.Shape {
        PreparedFile.Shape(
            identity: "blocks as \(type.rawValue) of the model \(digest)", runs: model.layers,
            floats: BlockWeights.count(model, as: type))
    }
}
