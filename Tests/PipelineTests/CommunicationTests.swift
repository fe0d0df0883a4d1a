import Pipeline
import Randomness
import Testing

@Suite("Communication")
struct CommunicationTests {
    /// Printed with every failure.
    private static let seed: UInt64 = 8

    /// A tensor on its way.
    private struct Message: Hashable {
        var from: Int
        var to: Int
        var content: Boundary.Content
        var microBatch: Int
        var step: Int
    }

    @Test("stages that walk their instructions get whatever they wait for, and nothing is left over: 100 schedules")
    func walk() throws {
        var generator = SeededGenerator(seed: Self.seed, stream: "walk")
        for round in 0..<100 {
            let costs = Examples.random(Int.random(in: 1...4, using: &generator), using: &generator)
            let kind = ScheduleKind.allCases[round % ScheduleKind.allCases.count]
            let schedule = try Schedule.make(
                kind, costs: costs, microBatches: Int.random(in: 1...6, using: &generator))
            let left = try walk(CheckedSchedule(schedule, costs: costs), steps: 4)
            #expect(left?.isEmpty == true, "seed \(Self.seed), round \(round), \(kind)")
        }
    }

    /// Lets the stages walk in turn; returns messages that nobody took, or nil when all stages wait.
    private func walk(_ checked: CheckedSchedule, steps: Int) -> Set<Message>? {
        let lists = checked.instructions().map { list in
            list.prologue.map { ($0, 0) } + (0..<steps).flatMap { step in list.step.map { ($0, step) } }
        }
        var places = Array(repeating: 0, count: lists.count)
        var underWay: Set<Message> = []
        var moved = true
        while moved {
            moved = false
            for (stage, list) in lists.enumerated() {
                while places[stage] < list.count {
                    let (instruction, step) = list[places[stage]]
                    switch instruction {
                    case .receive(let boundary, let from) where step + boundary.stepsAhead < steps:
                        let message = Message(
                            from: from, to: stage, content: boundary.content, microBatch: boundary.microBatch,
                            step: step + boundary.stepsAhead)
                        if underWay.remove(message) == nil { break }
                        places[stage] += 1
                        moved = true
                        continue
                    case .send(let boundary, let to) where step + boundary.stepsAhead < steps:
                        #expect(to != stage)
                        let message = Message(
                            from: stage, to: to, content: boundary.content, microBatch: boundary.microBatch,
                            step: step + boundary.stepsAhead)
                        #expect(underWay.insert(message).inserted)
                        fallthrough
                    default:
                        places[stage] += 1
                        moved = true
                        continue
                    }
                    break
                }
            }
        }
        return zip(places, lists).allSatisfy { $0 == $1.count } ? underWay : nil
    }

    @Test("a fused backward pass sends its gradient after W, a divided one after B")
    func gradients() throws {
        for (kind, expected) in [(ScheduleKind.oneForwardOneBackward, "W"), (.zeroBubble1, "B")] {
            let costs = Examples.equal(2)
            let schedule = try Schedule.make(kind, costs: costs, microBatches: 3)
            let list = try CheckedSchedule(schedule, costs: costs).instructions()[1].step
            var sent = 0
            for (before, after) in zip(list, list.dropFirst()) {
                guard case .send(let boundary, 0) = after, boundary.content == .gradient else { continue }
                guard case .compute(let operation) = before else { continue }
                #expect(operation.kind.symbol == expected && operation.microBatch == boundary.microBatch)
                sent += 1
            }
            #expect(sent == 3)
        }
    }

    @Test("a single stage sends and receives nothing")
    func alone() throws {
        let costs = Examples.lora(1)
        let checked = try CheckedSchedule(
            Schedule.make(.permafrost, costs: costs, microBatches: 4), costs: costs)
        for instruction in checked.instructions()[0].prologue + checked.instructions()[0].step {
            guard case .compute = instruction else {
                Issue.record("\(instruction)")
                continue
            }
        }
    }
}
