import Diagnostics
import Pipeline
import Randomness
import Testing

@Suite("Memory caps")
struct CapTests {
    /// Printed with every failure.
    private static let seed: UInt64 = 7

    /// The most bytes that lie in each stage's stash when everything takes as long as costs say, from the timetable.
    private func lying(_ schedule: Schedule, costs: PipelineCosts, simulated: PipelineCosts) throws -> [Int] {
        let timetable = try Timetable(schedule, costs: simulated, steps: 5)
        let frozen = schedule.stages.indices.filter { schedule.stages[$0].blocks.frozen }
        let firstTrainable = schedule.stages.firstIndex { $0.blocks.trainable } ?? 0
        var events: [(time: Double, stage: Int, bytes: Int)] = []
        for (stage, entries) in timetable.stages.enumerated() {
            let cost = costs.stages[stage]
            for entry in entries {
                switch entry.kind {
                case .frozenForward:
                    let reader = frozen.first { $0 > stage } ?? firstTrainable
                    events.append((entry.start, reader, costs.boundaryBytes))
                    if stage != frozen.first { events.append((entry.end, stage, -costs.boundaryBytes)) }
                case .forward:
                    events.append((entry.start, stage, cost.activationBytes))
                    if stage == firstTrainable, !frozen.isEmpty {
                        events.append((entry.end, stage, -costs.boundaryBytes))
                    }
                case .backwardInput where !schedule.fusesBackward:
                    events.append((entry.end, stage, cost.weightStashBytes - cost.activationBytes))
                case .backwardWeights:
                    let bytes = schedule.fusesBackward ? cost.activationBytes : cost.weightStashBytes
                    events.append((entry.end, stage, -bytes))
                case .backwardInput, .step: break
                }
            }
        }
        events.sort { ($0.time, $0.bytes) < ($1.time, $1.bytes) }
        var now = Array(repeating: 0, count: schedule.stages.count)
        return events.reduce(into: now) { most, event in
            now[event.stage] += event.bytes
            most[event.stage] = max(most[event.stage], now[event.stage])
        }
    }

    @Test("what lies in a simulated stash never exceeds the bound, whatever the operations take: 200 schedules")
    func bound() throws {
        var generator = SeededGenerator(seed: Self.seed, stream: "bound")
        var reached = 0
        for round in 0..<200 {
            let costs = Examples.random(Int.random(in: 1...4, using: &generator), using: &generator)
            let kind = ScheduleKind.allCases[round % ScheduleKind.allCases.count]
            let schedule = try Schedule.make(
                kind, costs: costs, microBatches: Int.random(in: 1...6, using: &generator))
            let bound = try CheckedSchedule(schedule, costs: costs).stashBound
            var others = costs
            if Bool.random(using: &generator) {
                for stage in others.stages.indices { others.stages[stage].forward *= 5 * generator.uniform() }
            }
            let found = try lying(schedule, costs: costs, simulated: others)
            for (most, limit) in zip(found, bound) {
                #expect(most <= limit, "seed \(Self.seed), round \(round), \(kind)")
                if most == limit { reached += 1 }
            }
        }
        #expect(reached > 150, "the bound is no more than what can lie there")
    }

    @Test("a cap is kept or refused with the smallest one that is kept: 25 pipelines, every kind")
    func caps() throws {
        var generator = SeededGenerator(seed: Self.seed, stream: "caps")
        for round in 0..<25 {
            let costs = Examples.random(Int.random(in: 1...4, using: &generator), using: &generator)
            let kind = ScheduleKind.allCases[round % ScheduleKind.allCases.count]
            let microBatches = Int.random(in: 1...6, using: &generator)
            let make = { (cap: Int) in
                try Schedule.make(kind, costs: costs, microBatches: microBatches, capBytes: cap)
            }
            let smallest = smallestCap(kind, costs, microBatches)
            for cap in [smallest, smallest + 50, 2 * smallest] {
                _ = try CheckedSchedule(make(cap), costs: costs, capBytes: cap)
            }
            guard smallest > 0 else { continue }
            let expected = ScheduleError.capTooSmall(
                schedule: kind.rawValue, capBytes: smallest - 1, smallestBytes: smallest)
            #expect(throws: expected, "seed \(Self.seed), round \(round)") { try make(smallest - 1) }
        }
    }

    /// The smallest cap that the refusal of none names.
    private func smallestCap(_ kind: ScheduleKind, _ costs: PipelineCosts, _ microBatches: Int) -> Int {
        do throws(ScheduleError) {
            _ = try Schedule.make(kind, costs: costs, microBatches: microBatches, capBytes: 0)
            return 0
        } catch {
            guard case .capTooSmall(kind.rawValue, 0, let smallest) = error else { return -1 }
            return smallest
        }
    }

    @Test("permafrost needs no more than one micro-batch and one result; less memory only makes it slower")
    func sparing() throws {
        let costs = Examples.lora(4)
        var slower = 0.0
        for cap in [1000, 300, 200, 110] {
            let schedule = try Schedule.make(.permafrost, costs: costs, microBatches: 8, capBytes: cap)
            let figures = try ScheduleFigures(schedule, costs: costs)
            #expect(figures.stepSeconds >= slower)
            #expect(figures.stashBound.allSatisfy { $0 <= cap })
            slower = figures.stepSeconds
        }
        #expect(throws: ScheduleError.capTooSmall(schedule: "permafrost", capBytes: 109, smallestBytes: 110)) {
            try Schedule.make(.permafrost, costs: costs, microBatches: 8, capBytes: 109)
        }
    }

    @Test("a cap that a schedule breaks is named with the stage and the bytes")
    func named() throws {
        let costs = Examples.equal(3)
        let schedule = try Schedule.make(.oneForwardOneBackward, costs: costs, microBatches: 4)
        do {
            _ = try CheckedSchedule(schedule, costs: costs, capBytes: 299)
            Issue.record("three micro-batches are under way on the first stage")
        } catch {
            #expect(error == .overCap(stage: 0, peakBytes: 300, capBytes: 299))
            #expect(error.exitCode == .scheduleBroken && error.remedy.contains("300"))
        }
    }
}
