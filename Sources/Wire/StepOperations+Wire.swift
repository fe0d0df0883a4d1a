import CWire
import Diagnostics

extension StepOperations {
    /// Operations of a kind that this version does not know are left out.
    init(_ message: Permafrost__NewestStep, _ reader: HeaderReader) throws(WireError) {
        self.init(
            step: Int(told: message.step),
            stages: try reader.list(message.stages, count: message.n_stages) { stage throws(WireError) in
                let operations = try reader.list(stage.operations, count: stage.n_operations) { $0 }
                return Stage(stage: Int(told: stage.stage), operations: operations.compactMap { Operation($0) })
            })
    }

    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__NewestStep> {
        let message = scratch.message(permafrost__newest_step__init)
        message.pointee.step = UInt64(clamping: step)
        message.pointee.n_stages = stages.count
        message.pointee.stages = scratch.list(stages.map { Optional($0.message(scratch)) })
        return message
    }
}

extension StepOperations.Stage {
    fileprivate func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__WalkedStage> {
        let message = scratch.message(permafrost__walked_stage__init)
        message.pointee.stage = UInt32(clamping: stage)
        message.pointee.n_operations = operations.count
        message.pointee.operations = scratch.list(operations.map { Optional($0.message(scratch)) })
        return message
    }
}

extension StepOperations.Operation {
    fileprivate init?(_ message: Permafrost__WalkedOperation) {
        guard let kind = StepOperations.Kind.allCases.first(where: { $0.wireNumber == message.kind.rawValue }) else {
            return nil
        }
        self.init(
            op: kind, microBatch: Int(message.micro_batch), startSeconds: message.start_seconds,
            endSeconds: message.end_seconds)
    }

    fileprivate func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__WalkedOperation> {
        let message = scratch.message(permafrost__walked_operation__init)
        message.pointee.kind = Permafrost__OperationKind(rawValue: op.wireNumber)
        message.pointee.micro_batch = UInt32(clamping: microBatch)
        message.pointee.start_seconds = startSeconds
        message.pointee.end_seconds = endSeconds
        return message
    }
}

extension StepOperations.Kind {
    /// The number on the wire.
    fileprivate var wireNumber: UInt32 {
        switch self {
        case .frozenForward: 1
        case .forward: 2
        case .backwardInput: 3
        case .backwardWeights: 4
        }
    }
}

extension Body.CodecBytes {
    /// Nil for a codec that this version does not know.
    init?(_ message: Permafrost__CodecBytes) {
        guard let codec = PayloadCodec(rawValue: message.codec.rawValue) else { return nil }
        self.init(codec: codec, bytes: message.bytes)
    }

    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__CodecBytes> {
        let message = scratch.message(permafrost__codec_bytes__init)
        message.pointee.codec = Permafrost__Codec(codec.rawValue)
        message.pointee.bytes = bytes
        return message
    }
}
