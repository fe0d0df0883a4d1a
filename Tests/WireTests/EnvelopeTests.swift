import Testing
import Wire

@Suite("Headers")
struct EnvelopeTests {
    private let limits = WireLimits()

    @Test("a message of any kind comes back from its bytes as it was", arguments: 0..<RandomMessages.kinds)
    func roundTrip(kind: Int) throws {
        let seed: UInt64 = 20_240_601
        var messages = RandomMessages(seed: seed &+ UInt64(kind))
        for round in 0..<100 {
            let envelope = messages.envelope(kind: kind)
            let decoded = try Envelope.decode(envelope.encode(), limits: limits)
            #expect(decoded == envelope, "seed \(seed), kind \(kind), round \(round)")
        }
    }

    @Test("every kind of message has a name of its own")
    func names() {
        var messages = RandomMessages(seed: 1)
        let names = (0..<RandomMessages.kinds).map { messages.envelope(kind: $0).body.name }
        #expect(Set(names).count == RandomMessages.kinds)
    }

    @Test("a header of another version is refused with both versions")
    func version() {
        // Field 1 (version), varint 2.
        expect(.unsupportedVersion(2), for: [0x08, 2])
        expect(.unsupportedVersion(0), for: [])
    }

    @Test("a header without a body, or with one from the future, is refused")
    func missingBody() {
        expect(.missingBody, for: [0x08, 1])
        // Field 99, length 0.
        expect(.missingBody, for: [0x08, 1, 0x9A, 0x06, 0])
    }

    @Test("bytes that are no header are refused, and so is a cut-off header")
    func malformed() {
        expect(.malformedHeader(bytes: 3), for: [0xFF, 0xFF, 0xFF])
        let whole = Envelope(run: "r", sender: "s", body: .stop(.init(reason: "done"))).encode()
        for count in 1..<whole.count where count != 2 {
            #expect(throws: WireError.self) { try Envelope.decode(Array(whole.prefix(count)), limits: limits) }
        }
    }

    @Test("a header above its limit is refused before it is parsed")
    func tooLarge() {
        var limits = limits
        limits.headerBytes = 100
        #expect(throws: WireError.headerTooLarge(bytes: 101, limit: 100)) {
            try Envelope.decode([UInt8](repeating: 0xFF, count: 101), limits: limits)
        }
    }

    @Test("a text that is not UTF-8 is refused")
    func invalidText() {
        // Version 1, run of two bytes, heartbeat (field 35) of length 0.
        expect(.malformedHeader(bytes: 9), for: [0x08, 1, 0x12, 2, 0xC3, 0x28, 0x9A, 0x02, 0])
    }

    @Test("ids and texts above their limits are refused with their size")
    func longTexts() {
        let id = String(repeating: "d", count: 256)
        expect(
            .textTooLong(bytes: 256, limit: 255),
            for: Envelope(run: "r", sender: id, body: .heartbeat(time: 1)).encode())
        let reason = String(repeating: "é", count: 2049)
        expect(
            .textTooLong(bytes: 4098, limit: 4096),
            for: Envelope(run: "r", sender: "s", body: .stop(.init(reason: reason))).encode())
    }

    @Test("a registration with an unknown role is refused")
    func unknownRole() {
        // Version 1, register (field 30) with role 7.
        expect(.malformedHeader(bytes: 7), for: [0x08, 1, 0xF2, 0x01, 2, 0x08, 7])
    }

    @Test("a plan of many empty devices stays within the memory for its header")
    func amplification() throws {
        // A run plan (field 41) whose devices (field 1) are two bytes each.
        let devices = [[UInt8]](repeating: [0x0A, 0], count: 100_000).flatMap { $0 }
        let length = devices.count
        let varint = [UInt8(length & 0x7F | 0x80), UInt8(length >> 7 & 0x7F | 0x80), UInt8(length >> 14)]
        let header = [0x08, 1, 0xCA, 0x02] + varint + devices
        let envelope = try Envelope.decode(header, limits: limits)
        guard case .runPlan(let plan) = envelope.body else { return #expect(Bool(false), "not a plan") }
        #expect(plan.devices.count == 100_000)
    }

    @Test("the largest message, with a target for every token, fits into a header and comes back")
    func largest() throws {
        let activations = Body.Activations(
            sequence: .max, sampleIDs: (0..<UInt64(limits.samples)).map { .max - $0 },
            lengths: Array(repeating: 64, count: limits.samples),
            targetLengths: Array(repeating: 64, count: limits.samples),
            targets: (0..<UInt32(limits.tokens)).map { 1 << 21 - 1 - $0 }, cut: .max, codec: 1,
            rows: UInt32(limits.tokens), columns: .max, checksum: .max)
        let id = String(repeating: "d", count: limits.nameBytes)
        let envelope = Envelope(run: id, sender: id, attempt: .max, body: .activations(activations))
        #expect(try Envelope.decode(envelope.encode(), limits: limits) == envelope)
    }

    @Test("targets written one field each, as an older encoder may, are read within the memory for their header")
    func unpackedTargets() throws {
        // Activations (field 11) with one field 11, varint, for each target.
        let targets = [[UInt8]](repeating: [0x58, 7], count: 100_000).flatMap { $0 }
        let length = targets.count
        let varint = [UInt8(length & 0x7F | 0x80), UInt8(length >> 7 & 0x7F | 0x80), UInt8(length >> 14)]
        let envelope = try Envelope.decode([0x08, 1, 0x5A] + varint + targets, limits: limits)
        guard case .activations(let activations) = envelope.body else { return #expect(Bool(false), "no activations") }
        #expect(activations.targets == Array(repeating: 7, count: 100_000))
    }

    private func expect(_ error: WireError, for bytes: [UInt8], location: SourceLocation = #_sourceLocation) {
        #expect(throws: error, sourceLocation: location) { try Envelope.decode(bytes, limits: limits) }
    }

    @Test("a list of step reports is read as it was written, and refused when it is cut off or holds something else")
    func stepReports() throws {
        var messages = RandomMessages(seed: 3)
        let reports = (0..<200).flatMap { _ in (0..<RandomMessages.kinds).map { messages.envelope(kind: $0).body } }
            .compactMap { if case .stepReport(let report) = $0 { report } else { nil } }
        #expect(reports.count == 200)
        let bytes = StepReportList.encode(reports)
        // Of numbers that are not numbers, only the bytes can be compared.
        #expect(StepReportList.encode(try StepReportList.decode(bytes)) == bytes)
        #expect(try StepReportList.decode([]) == [])
        let last = StepReportList.encode([reports[199]]).count
        for cut in 1..<last {
            #expect(throws: WireError.self) { try StepReportList.decode(bytes.dropLast(cut)) }
        }
        let stop = Envelope(run: "", sender: "", body: .stop(.init(reason: ""))).encode()
        #expect(throws: WireError.unexpectedMessage("Stop")) {
            try StepReportList.decode([UInt8(stop.count), 0, 0, 0] + stop)
        }
    }
}
