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
            microBatches.map { microBatch in
                let message = scratch.message(permafrost__ordered_micro_batch__init)
                message.pointee.number = microBatch.number
                message.pointee.first_sequence = microBatch.firstSequence
                return Optional(message)
            })
        message.pointee.loss_scale = lossScale
        message.pointee.digest = digest
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
