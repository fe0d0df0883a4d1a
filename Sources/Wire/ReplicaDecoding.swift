import CWire

extension Body.WorkerPeer {
    init(_ message: Permafrost__WorkerPeer, _ reader: HeaderReader) throws(WireError) {
        self.init(
            worker: try reader.name(message.worker), endpoint: try reader.name(message.endpoint),
            key: try reader.name(message.key))
    }
}

extension Body.StepOrder {
    init(_ message: Permafrost__StepOrder, _ reader: HeaderReader) throws(WireError) {
        self.init(
            step: message.step, sums: message.sums,
            microBatches: try reader.list(message.micro_batches, count: message.n_micro_batches) {
                microBatch throws(WireError) in
                Body.OrderedMicroBatch(microBatch)
            }, lossScale: message.loss_scale, digest: message.digest,
            stage: try message.stage.map { stage throws(WireError) in try Body.StageShare(stage.pointee, reader) })
    }
}

extension Body.OrderedMicroBatch {
    init(_ message: Permafrost__OrderedMicroBatch) {
        self.init(
            number: message.number, firstSequence: message.first_sequence,
            lengths: Array(UnsafeBufferPointer(start: message.lengths, count: message.n_lengths)),
            targetLengths: Array(UnsafeBufferPointer(start: message.target_lengths, count: message.n_target_lengths)),
            targets: Array(UnsafeBufferPointer(start: message.targets, count: message.n_targets)))
    }
}

extension Body.StageShare {
    init(_ message: Permafrost__StageShare, _ reader: HeaderReader) throws(WireError) {
        self.init(
            stage: message.stage, stages: message.stages, firstBlock: message.first_block, endBlock: message.end_block,
            microBatches: message.micro_batches, fusesBackward: message.fuses_backward != 0,
            operations: try reader.text(message.operations, limit: reader.limits.listBytes),
            keepsSums: message.keeps_sums != 0)
    }
}

extension Body.StepPart {
    init(_ message: Permafrost__StepPart, _ reader: HeaderReader) throws(WireError) {
        self.init(
            step: message.step,
            lossSums: Array(UnsafeBufferPointer(start: message.loss_sums, count: message.n_loss_sums)),
            correct: Array(UnsafeBufferPointer(start: message.correct, count: message.n_correct)),
            seconds: message.seconds)
    }
}

extension Body.TensorPiece {
    init(_ message: Permafrost__TensorPiece, _ reader: HeaderReader) throws(WireError) {
        guard let kind = Kind(rawValue: message.kind.rawValue) else {
            throw .malformedHeader(bytes: reader.headerBytes)
        }
        self.init(
            kind: kind, step: message.step, index: message.index, offset: message.offset, count: message.count,
            checksum: message.checksum)
    }
}
