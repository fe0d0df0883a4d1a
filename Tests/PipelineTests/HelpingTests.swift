import Randomness
import Testing

@testable import Pipeline

@Suite("Threads of stages that help each other")
struct HelpingTests {
    /// Stages without frozen blocks, of random costs; B leaves no less than F.
    private func costs(_ stages: Int, using generator: inout SeededGenerator) -> PipelineCosts {
        PipelineCosts(
            stages: (0..<stages).map { _ in
                let activations = Int.random(in: 50...150, using: &generator)
                return StageCosts(
                    forward: 0.5 + generator.uniform(), backwardInput: 0.5 + generator.uniform(),
                    backwardWeights: 0.05 + generator.uniform(), activationBytes: activations,
                    weightStashBytes: activations + Int.random(in: 0...100, using: &generator))
            })
    }

    /// All kinds, and those that are made for help.
    private func schedules(_ costs: PipelineCosts, microBatches: Int, sums: Int) throws -> [Schedule] {
        try ScheduleKind.allCases.map { try Schedule.make($0, costs: costs, microBatches: microBatches) } + [
            Schedule.helped(costs: costs, microBatches: microBatches, sums: sums, capBytes: nil)
        ]
    }

    @Test("whatever takes how long, a step comes to its end, in order, in the stash that was proven", arguments: 0..<40)
    func random(round: Int) throws {
        var generator = SeededGenerator(seed: UInt64(round), stream: "helping")
        let stages = Int.random(in: 1...4, using: &generator), microBatches = Int.random(in: 1...9, using: &generator)
        let sums = Int.random(in: 1...microBatches, using: &generator)
        let costs = costs(stages, using: &generator)
        for schedule in try schedules(costs, microBatches: microBatches, sums: sums) {
            let bound = try CheckedSchedule(schedule, costs: costs).stashBound
            var progress = StepProgress(schedule, sums: sums, helps: true)
            var underWay: [(operation: StageOperation, stage: Int)?] = Array(repeating: nil, count: stages)
            var stash = Array(repeating: 0, count: stages)
            var done: Set<[Int]> = []
            func isDone(_ kind: StageOperation.Kind, _ microBatch: Int, _ stage: Int) -> Bool {
                done.contains([Int(kind.rawValue), microBatch, stage])
            }
            var steps = 0
            while done.count < 3 * stages * microBatches, steps < 10_000 {
                steps += 1
                let thread = Int.random(in: 0..<stages, using: &generator)
                if let (operation, stage) = underWay[thread] {
                    stash[stage] -=
                        StashChange(
                            operation.kind, cost: costs.stages[stage], fusesBackward: schedule.fusesBackward
                        ).goes
                    progress.end(operation, stage: stage)
                    done.insert([Int(operation.kind.rawValue), operation.microBatch, stage])
                    underWay[thread] = nil
                } else if let (operation, stage) = progress.begin(thread: thread) {
                    let kind = operation.kind, number = operation.microBatch
                    stash[stage] +=
                        StashChange(kind, cost: costs.stages[stage], fusesBackward: schedule.fusesBackward).comes
                    #expect(stash[stage] <= bound[stage], "\(schedule.name), stage \(stage), \(operation)")
                    let inputs: Bool =
                        switch kind {
                        case .forward: stage == 0 || isDone(.forward, number, stage - 1)
                        case .backwardInput:
                            isDone(.forward, number, stage)
                                && (stage == stages - 1
                                    || isDone(
                                        schedule.fusesBackward ? .backwardWeights : .backwardInput, number, stage + 1))
                        default: isDone(.backwardInput, number, stage)
                        }
                    #expect(inputs, "\(schedule.name), stage \(stage), \(operation)")
                    #expect(kind == .forward || number < sums || isDone(kind, number - sums, stage))
                    underWay[thread] = (operation, stage)
                }
            }
            #expect(done.count == 3 * stages * microBatches, "\(schedule.name) of \(stages) stages waits for ever")
            #expect((0..<stages).allSatisfy { progress.isFinished(thread: $0) })
        }
    }

    @Test("equal stages that help each other have no bubble, in the memory of one place", arguments: [2, 3, 4])
    func noBubble(stages: Int) throws {
        let costs = Examples.equal(stages, weights: 0.05, weightStash: 120), microBatches = 4 * stages
        let schedule = try Schedule.helped(
            costs: costs, microBatches: microBatches, sums: microBatches, capBytes: nil)
        #expect(schedule.walkedFigures(costs: costs, sums: microBatches, helps: true).bubbleRatio < 1e-6)
        #expect(schedule.stashBound(costs: costs).allSatisfy { $0 <= stages * 100 })
    }

    @Test("a cap is kept with help too, or refused with the smallest one")
    func cap() throws {
        let costs = Examples.equal(3, weightStash: 120)
        let tight = try Schedule.helped(costs: costs, microBatches: 8, sums: 8, capBytes: 200)
        #expect(tight.stashBound(costs: costs).allSatisfy { $0 <= 200 })
        #expect(throws: ScheduleError.self) {
            try Schedule.helped(costs: costs, microBatches: 8, sums: 8, capBytes: 1)
        }
    }

    @Test("without help, the virtual clock is that of the timetable", arguments: 0..<20)
    func equalsTimetable(round: Int) throws {
        var generator = SeededGenerator(seed: UInt64(round), stream: "virtual-clock")
        let stages = Int.random(in: 1...4, using: &generator), microBatches = Int.random(in: 1...9, using: &generator)
        let costs = costs(stages, using: &generator)
        for kind in [ScheduleKind.gpipe, .oneForwardOneBackward] {
            let schedule = try Schedule.make(kind, costs: costs, microBatches: microBatches)
            let trace = VirtualClock.walk(schedule, sums: microBatches, helps: false) { operation, stage in
                (.seconds(costs.stages[stage].seconds(operation.kind)), 0)
            }
            let makespan = try Timetable(schedule, costs: costs, steps: 1).makespan
            #expect(abs(trace.duration / .seconds(1) - makespan) < 1e-9 * makespan)
        }
    }

    @Test("with enough to fill gaps with, threads of later steps are never idle, and steps take what work takes")
    func fill() throws {
        let costs = Examples.equal(4), microBatches = 8
        let schedule = try Schedule.make(.oneForwardOneBackward, costs: costs, microBatches: microBatches)
        var late: [Duration] = [], filled = Duration.zero, duration = Duration.zero, busy = Duration.zero
        for step in 0..<20 {
            let before = late
            let trace = VirtualClock.walk(schedule, sums: microBatches, helps: false, late: &late) {
                filled += .milliseconds(step == 0 ? 0 : 100)
                return .milliseconds(100)
            } perform: { operation, stage in
                (.seconds(costs.stages[stage].seconds(operation.kind)), 0)
            }
            if step == 0 { continue }
            if step == 1 { filled += before.reduce(.zero, +) }
            duration += trace.duration
            for entry in trace.stages.joined() { busy += entry.end - entry.start }
        }
        filled -= late.reduce(.zero, +)
        let share = (busy + filled) / (duration * 4)
        #expect(abs(share - 1) < 1e-9)
        #expect(filled > .seconds(10))
    }
}
