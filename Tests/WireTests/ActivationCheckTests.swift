import Testing
import Wire

@Suite("Checking activations")
struct ActivationCheckTests {
    private let check = ActivationCheck(
        limits: WireLimits(), run: "run-1", width: 4, maximumCut: 24, classCount: 2, maximumLength: 6)

    @Test("honest activations come out with the rows of each sample", arguments: PayloadCodec.allCases)
    func honest(codec: PayloadCodec) throws {
        let message = Message(codec: codec)
        let checked = try message.check(with: check)
        #expect(checked.sequence == 9)
        #expect(checked.cut == 24)
        #expect(checked.codec == codec)
        #expect([checked.rows, checked.columns] == [6, 4])
        #expect(checked.samples.map(\.id) == [70, 71, 75])
        #expect(checked.samples.map(\.label) == [1, 0, 1])
        #expect(checked.samples.map(\.rows) == [0..<2, 2..<5, 5..<6])
        #expect(checked.byteCount == message.payload.count)
        message.payload.withUnsafeBytes { payload in
            let rowBytes = 4 * codec.bytesPerValue
            let second = checked.bytes(of: checked.samples[1], in: payload)
            #expect(Array(second) == Array(message.payload[2 * rowBytes..<5 * rowBytes]))
        }
    }

    @Test("a lie in the header is refused with its own error", arguments: Lie.all)
    func lies(lie: Lie) {
        var message = Message(codec: .f32)
        lie.tell(&message)
        #expect(throws: lie.error) { try message.check(with: check) }
    }

    @Test("every number of the payload is covered by its checksum")
    func everyByteCounts() {
        for index in Message(codec: .bf16).payload.indices {
            var message = Message(codec: .bf16)
            message.payload[index] ^= 1
            #expect(throws: WireError.self) { try message.check(with: check) }
        }
    }

    @Test("more samples, rows or bytes than the limits allow are refused")
    func limits() {
        let message = Message(codec: .f32)
        var check = check
        check.limits.samples = 2
        #expect(throws: WireError.tooManySamples(count: 3, limit: 2)) { try message.check(with: check) }
        check.limits.tokens = 5
        #expect(throws: WireError.tooManyRows(rows: 6, limit: 5)) { try message.check(with: check) }
        check.limits.frameBytes = 95
        #expect(throws: WireError.frameTooLarge(bytes: 96, limit: 95)) { try message.check(with: check) }
    }

    @Test("the payload is not touched when the header alone is wrong")
    func headerFirst() {
        var message = Message(codec: .f32)
        message.activations.labels[2] = 2
        message.activations.checksum ^= 1
        #expect(throws: WireError.labelOutOfRange(sample: 75, label: 2, classCount: 2)) {
            try message.check(with: check)
        }
    }
}

/// Three samples with 2, 3 and 1 tokens of width 4.
struct Message {
    var run = "run-1"
    var activations: Body.Activations
    var payload: [UInt8]
    var payloadFrames = 1

    init(codec: PayloadCodec) {
        payload = encoded(codec, (0..<24).map { Float($0) - 7.5 })
        activations = Body.Activations(
            sequence: 9, sampleIDs: [70, 71, 75], lengths: [2, 3, 1], labels: [1, 0, 1], cut: 24,
            codec: codec.rawValue, rows: 6, columns: 4, checksum: payload.withUnsafeBytes(payloadChecksum))
    }

    /// Writes one value and states the right checksum for it.
    mutating func set(_ index: Int, to value: Float) {
        payload.withUnsafeMutableBytes {
            $0.storeBytes(of: value.bitPattern.littleEndian, toByteOffset: 4 * index, as: UInt32.self)
        }
        activations.checksum = payload.withUnsafeBytes(payloadChecksum)
    }

    /// The sender owns samples 70 to 79.
    func check(with check: ActivationCheck) throws(WireError) -> CheckedActivations {
        let result = payload.withUnsafeBytes { payload in
            let payloads = Array(repeating: payload, count: payloadFrames)
            return Result { () throws(WireError) -> CheckedActivations in
                try check.check(activations, run: run, payloads: payloads, owns: { (70..<80).contains($0) })
            }
        }
        return try result.get()
    }
}

/// One untrue statement, and the error it must be refused with.
struct Lie: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let error: WireError
    let tell: @Sendable (inout Message) -> Void

    init(_ description: String, _ error: WireError, _ tell: @escaping @Sendable (inout Message) -> Void) {
        testDescription = description
        self.error = error
        self.tell = tell
    }

    static let all: [Lie] = [
        Lie("another run", .unknownRun("run-2")) { $0.run = "run-2" },
        Lie("no payload", .payloadMissing) { $0.payloadFrames = 0 },
        Lie("two payloads", .tooManyFrames(found: 2, expected: 1)) { $0.payloadFrames = 2 },
        Lie("short payload", .wrongPayloadLength(bytes: 95, expected: 96)) { $0.payload.removeLast() },
        Lie("long payload", .wrongPayloadLength(bytes: 97, expected: 96)) { $0.payload.append(0) },
        Lie("empty payload", .wrongPayloadLength(bytes: 0, expected: 96)) { $0.payload = [] },
        Lie("other codec", .wrongPayloadLength(bytes: 96, expected: 48)) { $0.activations.codec = 2 },
        Lie("codec 0", .unknownCodec(0)) { $0.activations.codec = 0 },
        Lie("codec 3", .unknownCodec(3)) { $0.activations.codec = 3 },
        Lie("more rows", .wrongPayloadLength(bytes: 96, expected: 112)) { $0.activations.rows = 7 },
        Lie("rows beyond all limits", .tooManyRows(rows: .max, limit: 65536)) { $0.activations.rows = .max },
        Lie("wider", .widthMismatch(columns: 5, expected: 4)) { $0.activations.columns = 5 },
        Lie("width beyond all limits", .widthMismatch(columns: .max, expected: 4)) { $0.activations.columns = .max },
        Lie("rows and columns swapped", .widthMismatch(columns: 6, expected: 4)) {
            ($0.activations.rows, $0.activations.columns) = (4, 6)
        },
        Lie("cut above the frozen blocks", .cutOutOfRange(cut: 25, maximum: 24)) { $0.activations.cut = 25 },
        Lie("an id too few", .countsDiffer(ids: 2, lengths: 3, labels: 3)) { $0.activations.sampleIDs.removeLast() },
        Lie("a length too few", .countsDiffer(ids: 3, lengths: 2, labels: 3)) { $0.activations.lengths.removeLast() },
        Lie("a label too many", .countsDiffer(ids: 3, lengths: 3, labels: 4)) { $0.activations.labels.append(0) },
        Lie("no samples", .noSamples) {
            ($0.activations.sampleIDs, $0.activations.lengths, $0.activations.labels) = ([], [], [])
        },
        Lie("a sample without tokens", .lengthOutOfRange(sample: 71, length: 0, limit: 6)) {
            $0.activations.lengths = [2, 0, 4]
        },
        Lie("a sample beyond the context", .lengthOutOfRange(sample: 70, length: 7, limit: 6)) {
            $0.activations.lengths = [7, 3, 1]
        },
        Lie("a length beyond all limits", .lengthOutOfRange(sample: 75, length: .max, limit: 6)) {
            $0.activations.lengths[2] = .max
        },
        Lie("lengths that add up to less", .rowsMismatch(rows: 6, sum: 5)) { $0.activations.lengths = [2, 2, 1] },
        Lie("lengths that add up to more", .rowsMismatch(rows: 6, sum: 7)) { $0.activations.lengths = [2, 3, 2] },
        Lie("the same sample twice", .duplicateSample(70)) { $0.activations.sampleIDs[2] = 70 },
        Lie("a sample of another device", .foreignSample(80)) { $0.activations.sampleIDs[1] = 80 },
        Lie("a class that does not exist", .labelOutOfRange(sample: 71, label: 2, classCount: 2)) {
            $0.activations.labels[1] = 2
        },
        Lie("not a number", .nonFiniteValue(row: 3, column: 2)) { $0.set(14, to: .nan) },
        Lie("infinity", .nonFiniteValue(row: 5, column: 3)) { $0.set(23, to: -.infinity) },
    ]
}
