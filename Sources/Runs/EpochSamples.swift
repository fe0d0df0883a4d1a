import Checkpoints
import Datasets
import Foundation
import Wire

/// The samples that the steps of an epoch have trained so far, in their order. Where steps follow arrivals, nothing else
/// tells which samples of the epoch are left.
struct EpochSamples: Sendable {
    private var epoch: Int
    private var ids: [UInt64]

    /// - Parameters:
    ///   - epoch: the one of the next step.
    ///   - ids: as a checkpoint has them.
    init(epoch: Int, ids: [UInt64]) {
        self.epoch = epoch
        self.ids = ids
    }

    mutating func add(_ step: Body.StepReport) {
        if Int(step.epoch) != epoch { (epoch, ids) = (Int(step.epoch), []) }
        ids += step.sampleIDs
    }

    /// As a checkpoint keeps them, when the next step is at this place: eight bytes each, the least significant first.
    func data(before next: StepPosition) -> Data {
        guard next.epoch == epoch else { return Data() }
        return ids.reduce(into: Data(capacity: ids.count * 8)) { data, id in
            withUnsafeBytes(of: id.littleEndian) { data.append(contentsOf: $0) }
        }
    }
}

extension RunCheckpoint {
    /// What the steps of the current epoch have trained, where the seed does not tell.
    ///
    /// - Throws: `CheckpointError.damaged`.
    func usedSampleIDs() throws(CheckpointError) -> [UInt64] {
        guard usedSamples.count % 8 == 0 else {
            throw .damaged(folder: folder.path, file: Self.usedName, reason: "it ends within an id")
        }
        let bytes = [UInt8](usedSamples)
        return stride(from: 0, to: bytes.count, by: 8).map { start in
            bytes[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
    }
}
