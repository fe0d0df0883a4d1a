import Crypto
import Diagnostics
import Foundation

/// The hashes that bind each step of a run to all steps before it.
///
/// A changed, exchanged, inserted or missing step breaks the chain at its place.
enum StepChain {
    /// What the first step is bound to: the run.
    static func start(run: String) -> String { SHA256.hash(data: Data("permafrost run \(run)".utf8)).hexadecimal }

    /// The hash of a step that follows another.
    static func hash(of step: StepRecord, after previous: String) -> String {
        var hash = SHA256()
        hash.update(data: Data(previous.utf8))
        let counts = [step.step, step.epoch, step.sampleIDs.count].map { UInt64(bitPattern: Int64($0)) }
        hash.update(data: StoredWords.bytes(counts + step.sampleIDs))
        hash.update(data: Data(step.adapterDigest.utf8))
        return hash.finalize().hexadecimal
    }
}
