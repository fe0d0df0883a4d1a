import Diagnostics
import Pipeline
import Randomness
import Testing

@Suite("The checker")
struct CheckTests {
    /// Printed with every failure.
    private static let seed: UInt64 = 6

    private func randomSchedule(using generator: inout SeededGenerator) throws -> (Schedule, PipelineCosts) {
        let costs = Examples.random(Int.random(in: 1...4, using: &generator), using: &generator)
        let kind = ScheduleKind.allCases.randomElement(using: &generator) ?? .gpipe
        let barrier = Bool.random(using: &generator) ? StepBarrier.allStages : .ownStage
        let schedule = try Schedule.make(
            kind, costs: costs, microBatches: Int.random(in: 1...6, using: &generator), barrier: barrier)
        return (schedule, costs)
    }

    @Test("everything that is generated passes, also when operations take quite other times than expected")
    func generated() throws {
        var generator = SeededGenerator(seed: Self.seed, stream: "generated")
        for round in 0..<80 {
            let (schedule, costs) = try randomSchedule(using: &generator)
            #expect(throws: Never.self, "seed \(Self.seed), round \(round)") {
                _ = try CheckedSchedule(schedule, costs: costs)
                var others = costs
                for stage in others.stages.indices {
                    others.stages[stage].forward *= 10 * generator.uniform()
                    others.stages[stage].frozenForward *= 10 * generator.uniform()
                    others.stages[stage].backwardInput *= 10 * generator.uniform()
                }
                _ = try CheckedSchedule(schedule, costs: others)
            }
            #expect(LegalityOracle.isLegal(schedule), "seed \(Self.seed), round \(round)")
        }
    }

    @Test("of 1,500 schedules with something dropped, doubled, swapped, moved or changed, it refuses the illegal ones")
    func mutations() throws {
        var generator = SeededGenerator(seed: Self.seed, stream: "mutations")
        var refused = 0, passed = 0
        for round in 0..<150 {
            let (schedule, _) = try randomSchedule(using: &generator)
            for _ in 0..<10 {
                let mutated = mutated(schedule, using: &generator)
                let isLegal = LegalityOracle.isLegal(mutated, steps: mutated.stepsAhead + 4)
                let isPassed = (try? CheckedSchedule(mutated, costs: PipelineCosts(unitsFor: mutated))) != nil
                #expect(isPassed == isLegal, "seed \(Self.seed), round \(round): \(mutated)")
                if isPassed { passed += 1 } else { refused += 1 }
            }
        }
        #expect(refused > 500 && passed > 50, "\(refused) refused, \(passed) passed")
    }

    private func mutated(_ schedule: Schedule, using generator: inout SeededGenerator) -> Schedule {
        var schedule = schedule
        let stage = Int.random(in: schedule.stages.indices, using: &generator)
        var list = schedule.stages[stage].step
        let a = Int.random(in: list.indices, using: &generator), b = Int.random(in: list.indices, using: &generator)
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: list.remove(at: a)
        case 1: list.insert(list[a], at: b)
        case 2: list.swapAt(a, b)
        case 3: list.swapAt(a, max(0, a - 1))
        case 4: list.insert(list.remove(at: a), at: min(b, list.count))
        case 5: list[a].stepsAhead = list[a].stepsAhead == 0 ? 1 : 0
        case 6: list[a].microBatch = Int.random(in: 0...schedule.microBatches, using: &generator)
        default:
            if schedule.stages[stage].room > 1 { schedule.stages[stage].room -= 1 }
            if let operation = schedule.stages[stage].prologue.indices.randomElement(using: &generator),
                Bool.random(using: &generator)
            {
                schedule.stages[stage].prologue.remove(at: operation)
            }
        }
        schedule.stages[stage].step = list
        return schedule
    }

    @Test("an error names stage, operation and rule")
    func names() throws {
        let costs = Examples.equal(2, frozen: 1)
        let good = try Schedule.make(.zeroBubble1, costs: costs, microBatches: 2)
        let error = { (change: (inout Schedule) -> Void) -> ScheduleError? in
            var schedule = good
            change(&schedule)
            do {
                _ = try CheckedSchedule(schedule, costs: costs)
                return nil
            } catch {
                return error as? ScheduleError
            }
        }
        let first = good.stages[1].step
        #expect(first.map(\.description).joined(separator: " ") == "F0.0 F0.1 F.0 B.0 F.1 B.1 W.0 W.1 step")
        #expect(
            error { $0.stages[1].step.swapAt(3, 6) }
                == .broken(
                    stage: 1, operation: .init(.backwardWeights, 0), rule: .before(.init(.backwardInput, 0))))
        #expect(
            error { $0.stages[0].step.removeAll { $0 == .init(.forward, 1) } }
                == .broken(stage: 0, operation: .init(.forward, 1), rule: .missing))
        #expect(
            error { $0.stages[0].step.append(.init(.backwardInput, 1)) }
                == .broken(stage: 0, operation: .init(.backwardInput, 1), rule: .repeated))
        #expect(
            error { $0.stages[0].step[0].microBatch = 7 }
                == .broken(stage: 0, operation: .init(.frozenForward, 7), rule: .foreign))
        #expect(
            error { $0.stages[0].step[2].stepsAhead = 1 }
                == .broken(stage: 0, operation: .init(.forward, 0, stepsAhead: 1), rule: .early))
        let deadlock = error {
            $0.stages[0].step.swapAt(3, 4)
            $0.stages[1].step.swapAt(3, 4)
        }
        #expect(deadlock?.problem == "stage 0: B.0 waits for ever for B.0 of stage 1")
    }

    @Test("F0 that runs further ahead than there is room for is refused, and passes with more room")
    func room() throws {
        let list = ["F0.1", "F0.0+1", "F.0", "B.0", "W.0", "F.1", "B.1", "W.1", "step"].compactMap {
            StageOperation($0)
        }
        var schedule = Schedule(
            name: "by hand", microBatches: 2,
            stages: [
                .init(
                    blocks: .init(frozen: true, trainable: true), room: 2, prologue: [.init(.frozenForward, 0)],
                    step: list)
            ])
        let costs = PipelineCosts(unitsFor: schedule)
        do {
            _ = try CheckedSchedule(schedule, costs: costs)
            Issue.record("three results have no room where two may lie")
        } catch {
            #expect(error.problem == "stage 0: F0.0+1 waits for ever for room, until F.0 of stage 0 reads a result")
            #expect(error.exitCode == .scheduleBroken && error.remedy.contains("room"))
        }
        schedule.stages[0].room = 3
        #expect(throws: Never.self) { try CheckedSchedule(schedule, costs: costs) }
    }

    @Test("sizes that cannot be are refused before anything is computed")
    func sizes() {
        for (stages, microBatches) in [(0, 1), (1, 0), (65, 1), (1, 1025), (64, 129), (-1, 8), (2, .max)] {
            #expect(throws: ScheduleError.self) {
                try Schedule.make(
                    .permafrost, costs: Examples.equal(max(0, stages)), microBatches: microBatches)
            }
        }
        for bad in [-1, .nan, .infinity] {
            #expect(throws: ScheduleError.self) {
                try Schedule.make(.gpipe, costs: Examples.equal(2, backward: bad), microBatches: 2)
            }
        }
    }
}
