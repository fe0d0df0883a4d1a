import CWire

extension Body.WorkerPeer {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__WorkerPeer> {
        let message = scratch.message(permafrost__worker_peer__init)
        message.pointee.worker = scratch.text(worker)
        message.pointee.endpoint = scratch.text(endpoint)
        message.pointee.key = scratch.text(key)
        return message
    }
}

extension Body.StepOrder {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__StepOrder> {
        let message = scratch.message(permafrost__step_order__init)
        message.pointee.step = step
        message.pointee.sums = sums
        message.pointee.n_micro_batches = microBatches.count
        message.pointee.micro_batches = scratch.list(
            microBatches.map { Optional($0.message(scratch)) })
        message.pointee.loss_scale = lossScale
        message.pointee.digest = digest
        message.pointee.stage = stage?.message(scratch)
        return message
    }
}

extension Body.OrderedMicroBatch {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__OrderedMicroBatch> {
        let message = scratch.message(permafrost__ordered_micro_batch__init)
        message.pointee.number = number
        message.pointee.first_sequence = firstSequence
        message.pointee.n_lengths = lengths.count
        message.pointee.lengths = scratch.list(lengths)
        message.pointee.n_target_lengths = targetLengths.count
        message.pointee.target_lengths = scratch.list(targetLengths)
        message.pointee.n_targets = targets.count
        message.pointee.targets = scratch.list(targets)
        return message
    }
}

extension Body.StageShare {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__StageShare> {
        let message = scratch.message(permafrost__stage_share__init)
        message.pointee.stage = stage
        message.pointee.stages = stages
        message.pointee.first_block = firstBlock
        message.pointee.end_block = endBlock
        message.pointee.micro_batches = microBatches
        message.pointee.fuses_backward = fusesBackward ? 1 : 0
        message.pointee.operations = scratch.text(operations)
        message.pointee.keeps_sums = keepsSums ? 1 : 0
        return message
    }
}

extension Body.StepPart {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__StepPart> {
        let message = scratch.message(permafrost__step_part__init)
        message.pointee.step = step
        message.pointee.n_loss_sums = lossSums.count
        message.pointee.loss_sums = scratch.list(lossSums)
        message.pointee.n_correct = correct.count
        message.pointee.correct = scratch.list(correct)
        message.pointee.seconds = seconds
        return message
    }
}

extension Body.TensorPiece {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__TensorPiece> {
        let message = scratch.message(permafrost__tensor_piece__init)
        message.pointee.kind = Permafrost__TensorKind(kind.rawValue)
        message.pointee.step = step
        message.pointee.index = index
        message.pointee.offset = offset
        message.pointee.count = count
        message.pointee.checksum = checksum
        return message
    }
}
