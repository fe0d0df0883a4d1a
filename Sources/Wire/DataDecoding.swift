import CWire

extension Body.Hello {
    init(_ message: Permafrost__Hello, _ reader: HeaderReader) throws(WireError) {
        self.init(
            samples: message.samples)
    }
}

extension Body.Welcome {
    init(_ message: Permafrost__Welcome, _ reader: HeaderReader) throws(WireError) {
        guard message.n_settled <= reader.limits.settledRanges else {
            throw .malformedHeader(bytes: reader.headerBytes)
        }
        let settled = try reader.list(message.settled, count: message.n_settled) { range throws(WireError) in
            guard range.first <= range.last else { throw .malformedHeader(bytes: reader.headerBytes) }
            return range.first...range.last
        }
        self.init(
            creditBytes: message.credit_bytes, settled: settled,
            compressions: UnsafeBufferPointer(start: message.compressions, count: message.n_compressions).map(
                \.rawValue))
    }
}

extension Body.Activations {
    init(_ message: Permafrost__Activations, _ reader: HeaderReader) throws(WireError) {
        self.init(
            sequence: message.sequence,
            sampleIDs: Array(UnsafeBufferPointer(start: message.sample_ids, count: message.n_sample_ids)),
            lengths: Array(UnsafeBufferPointer(start: message.lengths, count: message.n_lengths)),
            targetLengths: Array(UnsafeBufferPointer(start: message.target_lengths, count: message.n_target_lengths)),
            targets: Array(UnsafeBufferPointer(start: message.targets, count: message.n_targets)),
            cut: message.cut, codec: message.codec.rawValue, rows: message.rows, columns: message.columns,
            checksum: message.checksum, part: message.part, parts: message.parts, origin: message.origin)
        compression = message.compression.rawValue
    }
}

extension Body.HandoverFile {
    init(_ message: Permafrost__HandoverFile, _ reader: HeaderReader) throws(WireError) {
        self.init(
            sequence: message.sequence, step: message.step, name: try reader.name(message.name),
            offset: message.offset, bytes: message.bytes, checksum: message.checksum)
    }
}

extension Body.Finished {
    init(_ message: Permafrost__Finished, _ reader: HeaderReader) throws(WireError) {
        self.init(
            messages: message.messages, samples: message.samples)
    }
}

extension Body.Credit {
    init(_ message: Permafrost__Credit, _ reader: HeaderReader) throws(WireError) {
        self.init(
            bytes: message.bytes)
    }
}

extension Body.Ack {
    init(_ message: Permafrost__Ack, _ reader: HeaderReader) throws(WireError) {
        self.init(
            sequence: message.sequence, creditBytes: message.credit_bytes, part: message.part, origin: message.origin)
    }
}

extension Body.Reject {
    init(_ message: Permafrost__Reject, _ reader: HeaderReader) throws(WireError) {
        self.init(
            sequence: message.sequence, number: message.number, text: try reader.text(message.text),
            part: message.part, origin: message.origin)
    }
}

extension Body.Stop {
    init(_ message: Permafrost__Stop, _ reader: HeaderReader) throws(WireError) {
        self.init(
            reason: try reader.text(message.reason))
    }
}
