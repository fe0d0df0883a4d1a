import Randomness
import Testing
import Wire

@Suite("Checking activations")
struct ActivationCheckTests {
    private let check = ActivationCheck(
        limits: WireLimits(), run: "run-1", width: 4, maximumCut: 24, targetLimit: 5, maximumLength: 6)

    @Test("honest activations come out with the rows and targets of each sample", arguments: PayloadCodec.allCases)
    func honest(codec: PayloadCodec) throws {
        let message = Message(codec: codec)
        let checked = try message.check(with: check)
        #expect(checked.sequence == 9)
        #expect(checked.cut == 24)
        #expect(checked.codec == codec)
        #expect([checked.rows, checked.columns] == [6, 4])
        #expect(checked.samples.map(\.id) == [70, 71, 75])
        #expect(checked.samples.map { Array(checked.targets(of: $0)) } == [[4], [0, 2, 1], [3]])
        #expect(checked.samples.map(\.rows) == [0..<2, 2..<5, 5..<6])
        #expect(checked.byteCount == message.payload.count)
        #expect((checked.part, checked.parts, checked.partRows) == (0, 1, 0..<6))
    }

    @Test("parts have all rows of the message between them, in order, and none is empty")
    func parts() {
        for rows in 1...40 {
            for parts in 1...UInt32(45) {
                let ranges = (0..<parts).map { Body.rows(ofPart: $0, of: parts, rows: rows) }
                guard let whole = ranges as? [Range<Int>] else {
                    // Some part would have been empty.
                    #expect((rows + Int(parts) - 1) / Int(parts) * (Int(parts) - 1) >= rows)
                    continue
                }
                #expect(whole.flatMap { Array($0) } == Array(0..<rows))
                #expect(!whole.contains { $0.isEmpty })
            }
        }
        #expect(Body.rows(ofPart: 2, of: 2, rows: 8) == nil)
        #expect(Body.rows(ofPart: 0, of: .max, rows: 8) == nil)
    }

    @Test("a part is checked against its own rows, and keeps its place in the message")
    func onePart() throws {
        var message = Message(codec: .f32)
        message.activations.part = 1
        message.activations.parts = 3
        message.payload = Array(message.payload[32..<64])
        message.activations.checksum = message.payload.withUnsafeBytes { payloadChecksum($0) }
        let checked = try message.check(with: check)
        #expect((checked.part, checked.parts, checked.partRows, checked.byteCount) == (1, 3, 2..<4, 32))
        message.activations.part = 3
        #expect(throws: WireError.partOutOfRange(part: 3, parts: 3, rows: 6)) { try message.check(with: check) }
        // Of four parts with two rows each the last would be empty.
        (message.activations.part, message.activations.parts) = (0, 4)
        #expect(throws: WireError.partOutOfRange(part: 0, parts: 4, rows: 6)) { try message.check(with: check) }
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

    @Test("more samples, rows, targets or bytes than the limits allow are refused")
    func limits() {
        let message = Message(codec: .f32)
        var check = check
        check.limits.samples = 2
        #expect(throws: WireError.tooManySamples(count: 3, limit: 2)) { try message.check(with: check) }
        check.limits.tokens = 5
        #expect(throws: WireError.tooManyRows(rows: 6, limit: 5)) { try message.check(with: check) }
        var wordy = message
        wordy.activations.targets += [0, 0]
        check.limits.tokens = 6
        check.limits.samples = 3
        #expect(throws: WireError.tooManyTargets(count: 7, limit: 6)) { try wordy.check(with: check) }
        check.limits.frameBytes = 95
        #expect(throws: WireError.frameTooLarge(bytes: 96, limit: 95)) { try message.check(with: check) }
    }

    @Test("the payload is not touched when the header alone is wrong")
    func headerFirst() {
        var message = Message(codec: .f32)
        message.activations.targets[4] = 5
        message.activations.checksum ^= 1
        #expect(throws: WireError.targetOutOfRange(sample: 75, target: 5, limit: 5)) {
            try message.check(with: check)
        }
    }

    @Test("lengths whose sum wraps around to the stated rows are refused, whatever the longest sample may be")
    func wrappedSum() {
        var check = check
        check.maximumLength = .max
        var message = Message(codec: .f32)
        message.activations.lengths = [.max, 6, 1]
        #expect(throws: WireError.rowsMismatch(rows: 6, sum: 4_294_967_302)) { try message.check(with: check) }
        message.activations.targetLengths = [.max, 5, 1]
        #expect(throws: WireError.rowsMismatch(rows: 6, sum: 4_294_967_302)) { try message.check(with: check) }
    }

    @Test("a target that no token number can hold is refused, whatever the limit")
    func limitBeyondTokens() {
        var check = check
        check.targetLimit = .max
        var message = Message(codec: .f32)
        message.activations.targets[0] = 1 << 31
        #expect(throws: WireError.targetOutOfRange(sample: 70, target: 1 << 31, limit: .max)) {
            try message.check(with: check)
        }
        message.activations.targets[0] = 1 << 31 - 1
        #expect(throws: Never.self) { try message.check(with: check) }
    }

    @Test("whatever the lists state, a message passes exactly when they agree with each other and with the run")
    func randomLists() {
        let seed: UInt64 = 4_711
        var chance = SeededGenerator(seed: seed, stream: "wire/lists")
        var passed = 0, refused = 0
        for round in 0..<20_000 {
            let message = Message(random: &chance)
            let isHonest = message.isHonest(limit: check.targetLimit, maximumLength: check.maximumLength)
            do {
                let checked = try message.check(with: check)
                #expect(isHonest, "seed \(seed), round \(round)")
                #expect(
                    checked.samples.flatMap { checked.targets(of: $0) } == message.activations.targets.map(Int32.init))
                #expect(checked.samples.allSatisfy { (1...$0.rows.count).contains($0.targets.count) })
                passed += 1
            } catch {
                #expect(!isHonest, "seed \(seed), round \(round): \(error)")
                refused += 1
            }
        }
        // Both outcomes must be common, or the damage tests nothing.
        #expect(passed > 2000 && refused > 2000, "seed \(seed): \(passed) passed, \(refused) refused")
    }
}

/// Three samples with 2, 3 and 1 tokens of width 4, of which 1, 3 and 1 predict a target.
struct Message {
    var run = "run-1"
    var activations: Body.Activations
    var payload: [UInt8]
    var payloadFrames = 1

    init(codec: PayloadCodec) {
        payload = encoded(codec, (0..<24).map { Float($0) - 7.5 }, columns: 4)
        activations = Body.Activations(
            sequence: 9, sampleIDs: [70, 71, 75], lengths: [2, 3, 1], targetLengths: [1, 3, 1],
            targets: [4, 0, 2, 1, 3],
            cut: 24, codec: codec.rawValue, rows: 6, columns: 4, checksum: payload.withUnsafeBytes(payloadChecksum))
    }

    /// Up to five samples with any lengths and targets, whose lists are often damaged in one place.
    init(random chance: inout SeededGenerator) {
        self.init(codec: .f32)
        let lengths = (0..<Int.random(in: 1...5, using: &chance)).map { _ in Int.random(in: 1...6, using: &chance) }
        let targetLengths = lengths.map { Int.random(in: 1...$0, using: &chance) }
        activations.sampleIDs = lengths.indices.map { UInt64(70 + $0) }
        activations.lengths = lengths.map(UInt32.init)
        activations.targetLengths = targetLengths.map(UInt32.init)
        activations.targets = (0..<targetLengths.reduce(0, +)).map { _ in UInt32.random(in: 0..<5, using: &chance) }
        activations.rows = UInt32(lengths.reduce(0, +))
        payload = encoded(.f32, Array(repeating: 1, count: lengths.reduce(0, +) * 4), columns: 4)
        activations.checksum = payload.withUnsafeBytes(payloadChecksum)
        switch Int.random(in: 0..<8, using: &chance) {
        case 0: damage(&activations.lengths, &chance)
        case 1: damage(&activations.targetLengths, &chance)
        case 2: damage(&activations.targets, &chance)
        case 3: activations.targetLengths.shuffle(using: &chance)
        default: break
        }
    }

    private func damage(_ list: inout [UInt32], _ chance: inout SeededGenerator) {
        let place = Int.random(in: 0..<list.count, using: &chance)
        switch Int.random(in: 0..<4, using: &chance) {
        case 0: list[place] = UInt32.random(in: 0...8, using: &chance)
        case 1: list[place] = chance.next32()
        case 2: list.insert(UInt32.random(in: 0...8, using: &chance), at: place)
        default: list.remove(at: place)
        }
    }

    /// Whether the lists are as the contract says; rows and ids are taken to be right.
    func isHonest(limit: Int, maximumLength: Int) -> Bool {
        let (lengths, targetLengths) = (activations.lengths.map(Int.init), activations.targetLengths.map(Int.init))
        return lengths.count == activations.sampleIDs.count && targetLengths.count == lengths.count
            && lengths.allSatisfy { 1 <= $0 && $0 <= maximumLength }
            && zip(lengths, targetLengths).allSatisfy { 1 <= $1 && $1 <= $0 }
            && lengths.reduce(0, +) == Int(activations.rows)
            && targetLengths.reduce(0, +) == activations.targets.count
            && activations.targets.allSatisfy { $0 < limit }
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
        Lie("codec 9", .unknownCodec(9)) { $0.activations.codec = 9 },
        Lie("more rows", .wrongPayloadLength(bytes: 96, expected: 112)) { $0.activations.rows = 7 },
        Lie("rows beyond all limits", .tooManyRows(rows: .max, limit: 65536)) { $0.activations.rows = .max },
        Lie("wider", .widthMismatch(columns: 5, expected: 4)) { $0.activations.columns = 5 },
        Lie("width beyond all limits", .widthMismatch(columns: .max, expected: 4)) { $0.activations.columns = .max },
        Lie("rows and columns swapped", .widthMismatch(columns: 6, expected: 4)) {
            ($0.activations.rows, $0.activations.columns) = (4, 6)
        },
        Lie("cut above the frozen blocks", .cutOutOfRange(cut: 25, maximum: 24)) { $0.activations.cut = 25 },
        Lie("an id too few", .countsDiffer(ids: 2, lengths: 3, targetLengths: 3)) {
            $0.activations.sampleIDs.removeLast()
        },
        Lie("a length too few", .countsDiffer(ids: 3, lengths: 2, targetLengths: 3)) {
            $0.activations.lengths.removeLast()
        },
        Lie("a target length too many", .countsDiffer(ids: 3, lengths: 3, targetLengths: 4)) {
            $0.activations.targetLengths.append(1)
        },
        Lie("no target lengths", .countsDiffer(ids: 3, lengths: 3, targetLengths: 0)) {
            $0.activations.targetLengths = []
        },
        Lie("no samples", .noSamples) {
            ($0.activations.sampleIDs, $0.activations.lengths, $0.activations.targetLengths) = ([], [], [])
        },
        Lie("a sample without targets", .targetLengthOutOfRange(sample: 71, targets: 0, length: 3)) {
            ($0.activations.targetLengths, $0.activations.targets) = ([2, 0, 1], [1, 1, 1])
        },
        Lie("more targets than tokens", .targetLengthOutOfRange(sample: 75, targets: 2, length: 1)) {
            ($0.activations.targetLengths, $0.activations.targets) = ([1, 2, 2], [1, 1, 1, 1, 1])
        },
        Lie("target lengths that wrap around", .targetLengthOutOfRange(sample: 70, targets: .max, length: 2)) {
            $0.activations.targetLengths = [.max, 3, 3]
        },
        Lie("a target too few", .targetsMismatch(targets: 4, sum: 5)) { $0.activations.targets.removeLast() },
        Lie("a target too many", .targetsMismatch(targets: 6, sum: 5)) { $0.activations.targets.append(0) },
        Lie("no targets at all", .targetsMismatch(targets: 0, sum: 5)) { $0.activations.targets = [] },
        Lie("more targets than the limit", .tooManyTargets(count: 65537, limit: 65536)) {
            $0.activations.targets = Array(repeating: 0, count: 65537)
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
        Lie("lengths that add up to less", .rowsMismatch(rows: 6, sum: 5)) { $0.activations.lengths = [1, 3, 1] },
        Lie("lengths that add up to more", .rowsMismatch(rows: 6, sum: 7)) { $0.activations.lengths = [2, 3, 2] },
        Lie("the same sample twice", .duplicateSample(70)) { $0.activations.sampleIDs[2] = 70 },
        Lie("a sample of another device", .foreignSample(80)) { $0.activations.sampleIDs[1] = 80 },
        Lie("a target that does not exist", .targetOutOfRange(sample: 71, target: 5, limit: 5)) {
            $0.activations.targets[3] = 5
        },
        Lie("a target beyond all limits", .targetOutOfRange(sample: 70, target: .max, limit: 5)) {
            $0.activations.targets[0] = .max
        },
        Lie("not a number", .nonFiniteValue(row: 3, column: 2)) { $0.set(14, to: .nan) },
        Lie("infinity", .nonFiniteValue(row: 5, column: 3)) { $0.set(23, to: -.infinity) },
    ]
}
