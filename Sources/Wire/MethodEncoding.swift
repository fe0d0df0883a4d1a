import CWire

extension Body.MethodPlace {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__MethodPlace> {
        let message = scratch.message(permafrost__method_place__init)
        message.pointee.number = number
        message.pointee.part = part
        return message
    }
}

extension Body.MethodGreeting {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__MethodGreeting> {
        let message = scratch.message(permafrost__method_greeting__init)
        message.pointee.life = life
        message.pointee.next = next.message(scratch)
        return message
    }
}

extension Body.MethodPart {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__MethodPart> {
        let message = scratch.message(permafrost__method_part__init)
        message.pointee.place = place.message(scratch)
        message.pointee.parts = parts
        message.pointee.checksum = checksum
        message.pointee.content = content?.message(scratch)
        return message
    }
}

extension Body.MethodContent {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__MethodContent> {
        let message = scratch.message(permafrost__method_content__init)
        message.pointee.kind = Permafrost__MethodKind(kind)
        message.pointee.step = step
        message.pointee.version = version
        message.pointee.pair = pair
        message.pointee.is_plus = isPlus ? 1 : 0
        message.pointee.samples = samples?.message(scratch)
        message.pointee.n_scalars = scalars.count
        message.pointee.scalars = scratch.list(
            scalars.map { scalar in
                let message = scratch.message(permafrost__method_scalar__init)
                message.pointee.name = scratch.text(scalar.name)
                message.pointee.value = scalar.value
                return Optional(message)
            })
        message.pointee.n_tensors = tensors.count
        message.pointee.tensors = scratch.list(
            tensors.map { tensor in
                let message = scratch.message(permafrost__method_tensor__init)
                message.pointee.name = scratch.text(tensor.name)
                message.pointee.rows = tensor.rows
                message.pointee.columns = tensor.columns
                message.pointee.has_indices = tensor.hasIndices ? 1 : 0
                return Optional(message)
            })
        return message
    }
}

extension Body.MethodSamples {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__MethodSamples> {
        let message = scratch.message(permafrost__method_samples__init)
        message.pointee.n_sample_ids = sampleIDs.count
        message.pointee.sample_ids = scratch.list(sampleIDs)
        message.pointee.n_lengths = lengths.count
        message.pointee.lengths = scratch.list(lengths)
        message.pointee.n_target_lengths = targetLengths.count
        message.pointee.target_lengths = scratch.list(targetLengths)
        message.pointee.n_targets = targets.count
        message.pointee.targets = scratch.list(targets)
        return message
    }
}
