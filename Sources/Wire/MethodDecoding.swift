import CWire

extension Body.MethodPlace {
    init(_ message: Permafrost__MethodPlace) { self.init(number: message.number, part: message.part) }
}

extension Body.MethodGreeting {
    init(_ message: Permafrost__MethodGreeting, _ reader: HeaderReader) throws(WireError) {
        self.init(life: message.life, next: Body.MethodPlace(try reader.present(message.next)))
    }
}

extension Body.MethodPart {
    init(_ message: Permafrost__MethodPart, _ reader: HeaderReader) throws(WireError) {
        self.init(
            place: Body.MethodPlace(try reader.present(message.place)), parts: message.parts,
            checksum: message.checksum,
            content: try message.content.map { content throws(WireError) in
                try Body.MethodContent(content.pointee, reader)
            })
    }
}

extension Body.MethodContent {
    init(_ message: Permafrost__MethodContent, _ reader: HeaderReader) throws(WireError) {
        let most = max(message.n_scalars, message.n_tensors)
        guard most <= reader.limits.methodTensors else {
            throw .tooManyTensors(count: most, limit: reader.limits.methodTensors)
        }
        self.init(
            kind: message.kind.rawValue, step: message.step, version: message.version, pair: message.pair,
            isPlus: message.is_plus != 0, samples: message.samples.map { Body.MethodSamples($0.pointee) },
            scalars: try reader.list(message.scalars, count: message.n_scalars) { scalar throws(WireError) in
                Body.MethodScalar(name: try reader.name(scalar.name), value: scalar.value)
            },
            tensors: try reader.list(message.tensors, count: message.n_tensors) { tensor throws(WireError) in
                Body.MethodTensor(
                    name: try reader.name(tensor.name), rows: tensor.rows, columns: tensor.columns,
                    hasIndices: tensor.has_indices != 0)
            })
    }
}

extension Body.MethodSamples {
    init(_ message: Permafrost__MethodSamples) {
        self.init(
            sampleIDs: Array(UnsafeBufferPointer(start: message.sample_ids, count: message.n_sample_ids)),
            lengths: Array(UnsafeBufferPointer(start: message.lengths, count: message.n_lengths)),
            targetLengths: Array(UnsafeBufferPointer(start: message.target_lengths, count: message.n_target_lengths)),
            targets: Array(UnsafeBufferPointer(start: message.targets, count: message.n_targets)))
    }
}
