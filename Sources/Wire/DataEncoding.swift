import CWire

extension Body.Hello {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__Hello> {
        let message = scratch.message(permafrost__hello__init)
        message.pointee.samples = samples
        return message
    }
}

extension Body.Welcome {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__Welcome> {
        let message = scratch.message(permafrost__welcome__init)
        message.pointee.credit_bytes = creditBytes
        message.pointee.n_settled = settled.count
        message.pointee.settled = scratch.list(
            settled.map { range in
                let message = scratch.message(permafrost__sequence_range__init)
                message.pointee.first = range.lowerBound
                message.pointee.last = range.upperBound
                return Optional(message)
            })
        message.pointee.n_compressions = compressions.count
        message.pointee.compressions = scratch.list(compressions.map { Permafrost__Compression($0) })
        return message
    }
}

extension Body.Activations {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__Activations> {
        let message = scratch.message(permafrost__activations__init)
        message.pointee.sequence = sequence
        message.pointee.n_sample_ids = sampleIDs.count
        message.pointee.sample_ids = scratch.list(sampleIDs)
        message.pointee.n_lengths = lengths.count
        message.pointee.lengths = scratch.list(lengths)
        message.pointee.n_target_lengths = targetLengths.count
        message.pointee.target_lengths = scratch.list(targetLengths)
        message.pointee.n_targets = targets.count
        message.pointee.targets = scratch.list(targets)
        message.pointee.cut = cut
        message.pointee.codec = Permafrost__Codec(codec)
        message.pointee.rows = rows
        message.pointee.columns = columns
        message.pointee.checksum = checksum
        message.pointee.part = part
        message.pointee.parts = parts
        message.pointee.origin = origin
        message.pointee.compression = Permafrost__Compression(compression)
        return message
    }
}

extension Body.HandoverFile {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__HandoverFile> {
        let message = scratch.message(permafrost__handover_file__init)
        message.pointee.sequence = sequence
        message.pointee.step = step
        message.pointee.name = scratch.text(name)
        message.pointee.offset = offset
        message.pointee.bytes = bytes
        message.pointee.checksum = checksum
        return message
    }
}

extension Body.Finished {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__Finished> {
        let message = scratch.message(permafrost__finished__init)
        message.pointee.messages = messages
        message.pointee.samples = samples
        return message
    }
}

extension Body.Credit {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__Credit> {
        let message = scratch.message(permafrost__credit__init)
        message.pointee.bytes = bytes
        return message
    }
}

extension Body.Ack {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__Ack> {
        let message = scratch.message(permafrost__ack__init)
        message.pointee.sequence = sequence
        message.pointee.credit_bytes = creditBytes
        message.pointee.part = part
        message.pointee.origin = origin
        return message
    }
}

extension Body.Reject {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__Reject> {
        let message = scratch.message(permafrost__reject__init)
        message.pointee.sequence = sequence
        message.pointee.number = number
        message.pointee.text = scratch.text(text)
        message.pointee.part = part
        message.pointee.origin = origin
        return message
    }
}

extension Body.Stop {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__Stop> {
        let message = scratch.message(permafrost__stop__init)
        message.pointee.reason = scratch.text(reason)
        return message
    }
}
