import Diagnostics
import Foundation

/// Where a run stands, apart from its tensors.
public struct CheckpointState: Codable, Sendable, Equatable {
    /// The format that this program writes and reads.
    public static let currentVersion = 1

    /// The format of the checkpoint.
    public private(set) var version = currentVersion
    /// Optimizer steps done since the run began.
    public var step: Int
    /// The epoch that the next batch belongs to, from 0.
    public var epoch: Int
    /// The place of the next batch in its epoch, from 0.
    public var batchInEpoch: Int
    /// The run's seed.
    public var seed: UInt64
    /// How many parameters learn: checked again before a run goes on.
    public var trainableParameters: Int
    /// The step that the optimizer's moments are corrected for.
    public var optimizerStep: Int
    /// What is computed where, as the recipe names it.
    public var method: String
    /// Sums that the run's summary needs, by name.
    public var meters: [String: Double]

    /// Counts are not negative.
    public init(
        step: Int, epoch: Int, batchInEpoch: Int, seed: UInt64, trainableParameters: Int, optimizerStep: Int,
        method: String, meters: [String: Double]
    ) {
        self.step = step
        self.epoch = epoch
        self.batchInEpoch = batchInEpoch
        self.seed = seed
        self.trainableParameters = trainableParameters
        self.optimizerStep = optimizerStep
        self.method = method
        self.meters = meters
    }

    private enum CodingKeys: String, CodingKey {
        case version, step, epoch
        case batchInEpoch = "batch_in_epoch"
        case seed
        case trainableParameters = "trainable_parameters"
        case optimizerStep = "optimizer_step"
        case method, meters
    }

    /// What a later format still has in common with this one.
    private struct Format: Decodable { let version: Int }

    /// - Throws: `CheckpointError.damaged`, `.unsupportedVersion`.
    init(json: Data, folder: String) throws(CheckpointError) {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        func damaged(_ reason: String) -> CheckpointError {
            .damaged(folder: folder, file: RunCheckpoint.stateName, reason: reason)
        }
        guard (try? CheckedJSON.check(json, maximumBytes: 1 << 20)) != nil,
            let format = try? decoder.decode(Format.self, from: json)
        else {
            throw damaged("it is not the JSON of a run's state")
        }
        guard format.version == Self.currentVersion else {
            throw .unsupportedVersion(folder: folder, version: format.version)
        }
        guard let state = try? decoder.decode(Self.self, from: json) else {
            throw damaged("it is not the JSON of a run's state")
        }
        for (name, count) in [
            ("step", state.step), ("epoch", state.epoch), ("batch_in_epoch", state.batchInEpoch),
            ("trainable_parameters", state.trainableParameters), ("optimizer_step", state.optimizerStep),
        ] where count < 0 {
            throw damaged("\(name) is \(count)")
        }
        self = state
    }

    /// Indented JSON with sorted snake-case keys.
    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return try encoder.encode(self) + Data("\n".utf8)
    }
}
