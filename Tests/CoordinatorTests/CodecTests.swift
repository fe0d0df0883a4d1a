import Randomness
import Testing
import Wire

@testable import Coordinator

@Suite("Codecs follow links")
struct CodecTests {
    @Test(
        "a device writes the most exact codec that its link carries in time, or else the smallest that costs no accuracy"
    )
    func rule() {
        let seed: UInt64 = 61
        var chance = SeededGenerator(seed: seed, stream: "codecs/rule")
        for round in 0..<2000 {
            let known = PayloadCodec.allCases.shuffled(using: &chance).prefix(Int.random(in: 1...4, using: &chance))
            let measures = randomMeasures(&chance)
            guard let present = known.randomElement(using: &chance) else { continue }
            let codec = CodecRule.codec(of: Array(known), measures, present: present)
            #expect(known.contains(codec))
            let exact = known.filter { $0.rawValue <= CodecRule.smallest.rawValue }
            let isSmallest = (exact.isEmpty ? Array(known) : exact).allSatisfy { $0.rawValue <= codec.rawValue }
            #expect(isSmallest || share(codec, measures) <= 1, "seed \(seed), round \(round)")
            for other in known where other.rawValue < codec.rawValue {
                let limit = other.rawValue < present.rawValue ? CodecRule.room : 1
                #expect(share(other, measures) > limit, "seed \(seed), round \(round)")
            }
        }
    }

    @Test("measures that waver by a tenth change a codec once at most")
    func wavering() {
        let seed: UInt64 = 62
        var chance = SeededGenerator(seed: seed, stream: "codecs/wavering")
        for round in 0..<200 {
            let measures = randomMeasures(&chance)
            var codec = CodecRule.codec(of: PayloadCodec.allCases, measures, present: CodecRule.unmeasured)
            var changes = 0
            for _ in 0..<50 {
                var shaken = measures
                shaken.uplinkBytesPerSecond *= Double.random(in: 0.9...1.1, using: &chance)
                let next = CodecRule.codec(of: PayloadCodec.allCases, shaken, present: codec)
                changes += next == codec ? 0 : 1
                codec = next
            }
            #expect(changes <= 1, "seed \(seed), round \(round)")
        }
    }

    @Test("with auto a slow link gets a smaller codec and a fast one the exact one, each once and with a reason")
    func automatic() throws {
        var machine = try Self.machine(.automatic)
        #expect(machine.assignment(of: 0).codec == PayloadCodec.bf16.rawValue)
        let generation = machine.generation
        // 100 tokens a second: 307,200 bytes in f32, 79,200 in int8.
        var actions = Self.measure(&machine, second: 1, ["a": 1e6, "b": 1e5])
        #expect(actions.assignment(for: "a")?.codec == PayloadCodec.f32.rawValue)
        #expect(actions.assignment(for: "b")?.codec == PayloadCodec.int8.rawValue)
        #expect(machine.generation == generation + 1)
        let reasons = actions.entries.compactMap { if case .assigned(let record) = $0 { record.reason } else { nil } }
        #expect(reasons.count == 2 && reasons.contains { $0.contains("0.1 MB/s: int8") })
        for second in 2...5 { actions = Self.measure(&machine, second: second, ["a": 1e6, "b": 1e5]) }
        #expect(machine.generation == generation + 1)
        // A device that comes again has what it had.
        let again = machine.take(Self.registration(PayloadCodec.allCases), from: "b", session: 2)
        #expect(again.assignment(for: "b")?.codec == PayloadCodec.int8.rawValue)
    }

    @Test("no device is told a codec that it does not know")
    func negotiation() throws {
        for (choice, known, expected) in [
            (.fixed(.int4), [.f32, .bf16, .int8], .int8), (.fixed(.int8), [], .bf16), (.fixed(.f32), [.bf16], .bf16),
            (.automatic, [.int8], .int8), (.automatic, [], .bf16),
        ] as [(Coordinator.Configuration.CodecChoice, [PayloadCodec], PayloadCodec)] {
            var machine = try Self.machine(choice, knowing: known)
            #expect(machine.assignment(of: 0).codec == expected.rawValue)
            _ = Self.measure(&machine, second: 1, ["a": 10, "b": 10])
            let codec = try #require(PayloadCodec(rawValue: machine.assignment(of: 0).codec))
            #expect(known.isEmpty ? codec == .bf16 : known.contains(codec))
        }
    }

    private func share(_ codec: PayloadCodec, _ measures: CodecRule.Measures) -> Double {
        let seconds = Double(codec.bytesPerRow(columns: measures.columns)) / measures.uplinkBytesPerSecond
        return seconds / measures.secondsPerRow
    }

    private func randomMeasures(_ chance: inout SeededGenerator) -> CodecRule.Measures {
        CodecRule.Measures(
            columns: Int.random(in: 1...4096, using: &chance),
            secondsPerRow: Double.random(in: 1e-5...1e-2, using: &chance),
            uplinkBytesPerSecond: Double.random(in: 1e4...1e7, using: &chance))
    }

    private static func registration(_ known: [PayloadCodec]) -> Body {
        .register(
            .init(role: .device, samples: 1000, threads: 1, codecs: known.map(\.rawValue) + [99], columns: 768))
    }

    private static func machine(
        _ codec: Coordinator.Configuration.CodecChoice, knowing known: [PayloadCodec] = PayloadCodec.allCases
    ) throws -> CoordinatorMachine {
        var settings = DistributedMachineTests.settings
        settings.codec = codec
        var machine = CoordinatorMachine(settings)
        _ = machine.take(DistributedMachineTests.registration("w1"), from: "w1", session: 1)
        for id in ["a", "b"] { _ = machine.take(registration(known), from: id, session: 1) }
        return machine
    }

    /// Everybody tells of 100 tokens a second, whatever the cut, and of a link.
    private static func measure(
        _ machine: inout CoordinatorMachine, second: Int, _ links: [String: Double]
    ) -> [CoordinatorMachine.Action] {
        var actions: [CoordinatorMachine.Action] = []
        let now = Duration.seconds(second)
        for (id, bytesPerSecond) in links.sorted(by: { $0.key < $1.key }) {
            let cut = machine.roster.devices[machine.roster.number(of: id) ?? 0].cut
            var progress = CoordinatorMachineTests.progress(UInt64(second))
            progress.tokens = UInt64(100 * second)
            progress.blockTokens = UInt64(100 * second * cut)
            progress.computeNanoseconds = UInt64(second) * 1_000_000_000
            progress.uplinkBytesPerSecond = bytesPerSecond
            actions += machine.take(.deviceProgress(progress), from: id, session: 1, now: now)
        }
        return actions + machine.tick(now: now) + machine.settle()
    }
}
