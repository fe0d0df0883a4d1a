/// Every check that activations pass before anything of them is used, cheap ones first, the payload last.
public struct ActivationCheck: Sendable {
    /// How large a message may be.
    public var limits: WireLimits
    /// The run that is trained here.
    public var run: String
    /// The width of the model.
    public var width: Int
    /// The highest cut a device may have.
    public var maximumCut: Int
    /// Targets are below it: the number of classes, or the size of the vocabulary.
    public var targetLimit: Int
    /// The most tokens one sample may have.
    public var maximumLength: Int

    /// The expectations of one run.
    public init(
        limits: WireLimits, run: String, width: Int, maximumCut: Int, targetLimit: Int, maximumLength: Int
    ) {
        self.limits = limits
        self.run = run
        self.width = width
        self.maximumCut = maximumCut
        self.targetLimit = targetLimit
        self.maximumLength = maximumLength
    }

    /// The activations in a form that may be used.
    ///
    /// - Parameters:
    ///   - activations: the header as decoded.
    ///   - run: the run in the envelope.
    ///   - payloads: all frames after the header.
    ///   - owns: whether a sample belongs to the sender.
    /// - Throws: the first check that failed.
    public func check(
        _ activations: Body.Activations, run: String, payloads: [UnsafeRawBufferPointer], owns: (UInt64) -> Bool
    ) throws(WireError) -> CheckedActivations {
        guard run == self.run else { throw .unknownRun(run) }
        guard let payload = payloads.first else { throw .payloadMissing }
        guard payloads.count == 1 else { throw .tooManyFrames(found: payloads.count, expected: 1) }
        guard payload.count <= limits.frameBytes else {
            throw .frameTooLarge(bytes: payload.count, limit: limits.frameBytes)
        }
        let (codec, partRows, expected) = try shape(of: activations)
        guard payload.count == expected else { throw .wrongPayloadLength(bytes: payload.count, expected: expected) }
        let samples = try samples(of: activations, owns: owns)
        let targets = try targets(of: activations, samples)

        let checksum = payloadChecksum(payload)
        guard checksum == activations.checksum else {
            throw .checksumMismatch(stated: activations.checksum, computed: checksum)
        }
        if let index = codec.firstNonFinite(payload, columns: width) {
            throw .nonFiniteValue(row: partRows.lowerBound + index / width, column: index % width)
        }
        return CheckedActivations(
            sequence: activations.sequence, cut: Int(activations.cut), codec: codec, rows: Int(activations.rows),
            columns: width, samples: samples, targets: targets, part: activations.part,
            parts: max(1, activations.parts), partRows: partRows)
    }

    /// The layout of a micro-batch whose activations come as something else.
    ///
    /// - Returns: tokens and targets of each sample.
    /// - Throws: the first check that failed.
    public func check(
        _ microBatch: Body.OrderedMicroBatch
    ) throws(WireError) -> (lengths: [Int], targets: [[Int32]]) {
        var rows = 0
        for length in microBatch.lengths.prefix(limits.samples) { rows += Int(length) }
        guard rows <= limits.tokens else {
            throw .tooManyRows(rows: UInt32(clamping: rows), limit: limits.tokens)
        }
        let header = Body.Activations(
            sequence: 0, sampleIDs: microBatch.lengths.indices.map(UInt64.init), lengths: microBatch.lengths,
            targetLengths: microBatch.targetLengths, targets: microBatch.targets, cut: 0, codec: 0,
            rows: UInt32(rows), columns: UInt32(width), checksum: 0)
        let samples = try samples(of: header, owns: { _ in true })
        let targets = try targets(of: header, samples)
        return (samples.map(\.rows.count), samples.map { Array(targets[$0.targets]) })
    }

    /// The payload of activations that came compressed, before anything else of them is checked; nil when they did not.
    ///
    /// - Throws: what is wrong with frames, compression or shape.
    public func expand(
        _ activations: Body.Activations, payloads: [UnsafeRawBufferPointer]
    ) throws(WireError) -> ExpandedPayload? {
        guard activations.compression != PayloadCompression.none.rawValue else { return nil }
        guard let frame = payloads.first else { throw .payloadMissing }
        guard payloads.count == 1 else { throw .tooManyFrames(found: payloads.count, expected: 1) }
        // Before memory is taken for it.
        let bytes = try shape(of: activations).bytes
        guard max(bytes, frame.count) <= limits.frameBytes else {
            throw .frameTooLarge(bytes: max(bytes, frame.count), limit: limits.frameBytes)
        }
        guard let compression = PayloadCompression(rawValue: activations.compression),
            PayloadCompression.available.contains(compression),
            let payload = ExpandedPayload(frame, count: bytes)
        else {
            throw .notExpandable(compression: activations.compression, bytes: frame.count, expected: bytes)
        }
        return payload
    }

    /// The codec, and the rows and bytes that the payload has, once rows, columns, cut and part agree with the run.
    private func shape(
        of activations: Body.Activations
    ) throws(WireError) -> (codec: PayloadCodec, rows: Range<Int>, bytes: Int) {
        guard let codec = PayloadCodec(rawValue: activations.codec) else { throw .unknownCodec(activations.codec) }
        guard activations.columns == width else {
            throw .widthMismatch(columns: activations.columns, expected: width)
        }
        guard activations.cut <= maximumCut else {
            throw .cutOutOfRange(cut: activations.cut, maximum: maximumCut)
        }
        guard activations.rows <= limits.tokens else {
            throw .tooManyRows(rows: activations.rows, limit: limits.tokens)
        }
        guard let rows = activations.partRows else {
            throw .partOutOfRange(part: activations.part, parts: activations.parts, rows: activations.rows)
        }
        return (codec, rows, codec.byteCount(rows: rows.count, columns: width) ?? .max)
    }

    /// The samples with their rows and targets, once counts, lengths and ids agree with each other and with the run.
    private func samples(
        of activations: Body.Activations, owns: (UInt64) -> Bool
    ) throws(WireError) -> [CheckedActivations.Sample] {
        let count = activations.sampleIDs.count
        guard count == activations.lengths.count, count == activations.targetLengths.count else {
            throw .countsDiffer(
                ids: count, lengths: activations.lengths.count, targetLengths: activations.targetLengths.count)
        }
        guard count > 0 else { throw .noSamples }
        guard count <= limits.samples else { throw .tooManySamples(count: count, limit: limits.samples) }
        guard activations.targets.count <= limits.tokens else {
            throw .tooManyTargets(count: activations.targets.count, limit: limits.tokens)
        }

        var samples: [CheckedActivations.Sample] = []
        var seen: Set<UInt64> = []
        samples.reserveCapacity(count)
        seen.reserveCapacity(count)
        var start = 0, targetStart = 0
        for (id, (length, targetLength)) in zip(
            activations.sampleIDs, zip(activations.lengths, activations.targetLengths))
        {
            guard length >= 1, length <= maximumLength else {
                throw .lengthOutOfRange(sample: id, length: length, limit: maximumLength)
            }
            guard targetLength >= 1, targetLength <= length else {
                throw .targetLengthOutOfRange(sample: id, targets: targetLength, length: length)
            }
            guard seen.insert(id).inserted else { throw .duplicateSample(id) }
            guard owns(id) else { throw .foreignSample(id) }
            // At most `limits.samples` terms below 2^32: the sums cannot leave an Int.
            let end = start + Int(length), targetEnd = targetStart + Int(targetLength)
            samples.append(.init(id: id, rows: start..<end, targets: targetStart..<targetEnd))
            (start, targetStart) = (end, targetEnd)
        }
        guard start == activations.rows else { throw .rowsMismatch(rows: activations.rows, sum: start) }
        guard targetStart == activations.targets.count else {
            throw .targetsMismatch(targets: activations.targets.count, sum: targetStart)
        }
        return samples
    }

    /// The targets of all samples, once each is one of the run's.
    private func targets(
        of activations: Body.Activations, _ samples: [CheckedActivations.Sample]
    ) throws(WireError) -> [Int32] {
        var targets: [Int32] = []
        targets.reserveCapacity(activations.targets.count)
        for sample in samples {
            for stated in activations.targets[sample.targets] {
                guard stated < targetLimit, let target = Int32(exactly: stated) else {
                    throw .targetOutOfRange(sample: sample.id, target: stated, limit: targetLimit)
                }
                targets.append(target)
            }
        }
        return targets
    }
}
