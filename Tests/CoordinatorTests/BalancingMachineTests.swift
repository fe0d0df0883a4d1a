import Balancing
import Ledger
import Testing
import Wire

@testable import Coordinator

@Suite("Cuts follow measures")
struct BalancingMachineTests {
    /// Two devices of four frozen blocks; `a` is ten times as fast as `b`.
    static func machine(isBalanced: Bool = true) -> CoordinatorMachine {
        var settings = DistributedMachineTests.settings
        if isBalanced {
            settings.balancing = .init(
                model: ModelFacts(
                    frozenBlocks: 4, bytesPerToken: 1, memoryBytesPerBlock: 1, fixedMemoryBytes: 0, epochs: 1),
                settings: .init(credits: CreditLimits(totalBytes: 1000, messageBytes: 100)))
        }
        var machine = CoordinatorMachine(settings)
        for id in ["w1", "a", "b"] {
            let samples: UInt64 = 1000
            _ = machine.take(DistributedMachineTests.registration(id, samples: samples), from: id, session: 1)
        }
        return machine
    }

    /// Everybody tells once a second what was measured.
    static func measure(
        _ machine: inout CoordinatorMachine, seconds: ClosedRange<Int>, slowness: [String: Double]
    ) -> [CoordinatorMachine.Action] {
        var actions: [CoordinatorMachine.Action] = []
        for second in seconds {
            let now = Duration.seconds(second)
            for (id, slowness) in slowness.sorted(by: { $0.key < $1.key }) {
                let number = machine.roster.number(of: id) ?? 0
                var progress = CoordinatorMachineTests.progress(UInt64(second))
                progress.tokens = UInt64(10 * second)
                progress.blockTokens = UInt64(100 * second)
                progress.computeNanoseconds = UInt64(Double(second) * slowness * 1e9)
                progress.uplinkBytesPerSecond = 1e6
                progress.cut = UInt32(machine.roster.devices[number].cut)
                actions += machine.take(.deviceProgress(progress), from: id, session: 1, now: now)
            }
            let report = Body.QueueReport(
                devices: [], storeBytes: 0, storeCapacity: 1, isFull: false, advanceSeconds: Double(second),
                advanceBlockTokens: UInt64(100 * second), stepSeconds: 0.001 * Double(second),
                stepTokens: UInt64(10 * second))
            actions += machine.take(.queueReport(report), from: "w1", session: 1, now: now)
            actions += machine.tick(now: now) + machine.settle()
        }
        return actions
    }

    @Test("a fast device gets more blocks and a slow one fewer, with a reason, in one generation, and nothing stops")
    func cuts() throws {
        var machine = Self.machine()
        let generation = machine.generation
        let actions = Self.measure(&machine, seconds: 1...9, slowness: ["a": 0.1, "b": 1])
        #expect(actions.assignment(for: "a")?.cut == 4 && actions.stopped.isEmpty)
        #expect(try #require(actions.assignment(for: "b")).cut < 4)
        #expect(machine.generation == generation + 1 && machine.phase == .running)
        let assigned = actions.entries.compactMap { if case .assigned(let record) = $0 { record } else { nil } }
        #expect(assigned.count == 2 && assigned.allSatisfy { $0.reason.contains("block") && $0.creditBytes > 0 })
        let plans = actions.entries.compactMap { if case .plan(let plan) = $0 { plan } else { nil } }
        #expect(plans.count == 1 && plans[0].predictedSeconds ?? 0 > 0)
        #expect(try RecordedPlan(json: plans[0].json).bottleneck != nil)
        #expect(
            actions.entries.contains {
                if case .deviceMeasured("run", "a", let measures) = $0 { measures.blockSeconds ?? 0 > 0 } else { false }
            })
        // The same measures give no other plan.
        let later = Self.measure(&machine, seconds: 10...20, slowness: ["a": 0.1, "b": 1])
        #expect(later.assignment(for: "a") == nil && machine.generation == generation + 1)
    }

    @Test("without balancing the cuts stay, whatever was measured, and while a worker leaves too")
    func fixed() {
        for isBalanced in [false, true] {
            var machine = Self.machine(isBalanced: isBalanced)
            if isBalanced { _ = DrainTests.drain(&machine) }
            let generation = machine.generation
            let actions = Self.measure(&machine, seconds: 1...9, slowness: ["a": 0.1, "b": 1])
            #expect(actions.assignment(for: "a") == nil && machine.generation == generation)
            #expect(machine.roster.devices.map(\.cut) == [2, 4])
        }
    }

    @Test("whatever a device says of its speed, nothing breaks", arguments: [Double.nan, .infinity, -1, 1e308])
    func nonsense(value: Double) {
        var machine = Self.machine()
        for second in 1...9 {
            var progress = CoordinatorMachineTests.progress(second.isMultiple(of: 2) ? .max : 0)
            progress.tokens = .max
            progress.blockTokens = second.isMultiple(of: 3) ? .max : 1
            progress.computeNanoseconds = .max
            progress.uplinkBytesPerSecond = value
            progress.roundTripSeconds = value
            progress.cut = .max
            progress.generation = .max
            _ = machine.take(.deviceProgress(progress), from: "a", session: 1, now: .seconds(second))
            _ = Self.measure(&machine, seconds: second...second, slowness: ["b": 1])
        }
        #expect(machine.roster.devices.allSatisfy { (0...4).contains($0.cut) })
    }
}
