import Pipeline
import Queueing
import Randomness
import Tensors
import Testing
import Wire

@testable import Methods
@testable import Worker

/// A worker that has replicas and later stages of its own.
@Suite("A leader's replicas beside its stages", .timeLimit(.minutes(1)))
struct ReplicaStagesTests {
    /// A bench with a replica and a later stage, and a step of which both get something.
    private struct Scene {
        var bench = GroupBench()
        let step: SharedStep
        let shares: [StageShare]
        let exchange: StageExchange

        init(_ number: Int = 1, isPart: Bool = false) throws {
            bench.group.arrange(stages: ["s"])
            let step = bench.step(number)
            let unit = StageCosts(forward: 1, backwardInput: 1, backwardWeights: 1)
            let schedule = try Schedule.make(
                .gpipe, costs: PipelineCosts(stages: [unit, unit]), microBatches: step.microBatches.count)
            self.step = StepMessages.step(number, step.microBatches, sums: 4, isPart: isPart, state: step.state)
            shares = [2..<3, 3..<4].enumerated().map { StageShare(stage: $0, blocks: $1, schedule: schedule) }
            exchange = StageExchange(shares[0], microBatches: step.microBatches, width: StepMessages.width) { _ in }
        }

        func beginStages() -> Bool { bench.group.begin(step, shares: [shares[1]], exchange: exchange) }

        /// The later stage sends something of its step.
        func send(_ content: Boundary.Content, step: Int = 1) throws {
            let count = try #require(exchange.count(ofMicroBatch: 0))
            let tensor = StageTensor(content, microBatch: 0, values: Storage(count: count))
            for (body, payload) in StageMessages.cut(tensor, step: step) {
                try bench.send(body, payload, from: "s")
            }
        }

        /// The later stage ends, with so many sums or without any.
        func end(sums: Int, step: Int = 1) throws {
            let count = sums * StepMessages.parameters
            let pieces = sums > 0 ? TensorPieces.cut(Storage(count: count), kind: .sum, step: step, index: 1) : []
            for (body, payload) in pieces { try bench.send(body, payload, from: "s") }
            let losses = sums > 0 ? self.step.microBatches.map { _ in 1.0 } : []
            try bench.send(
                .stepPart(
                    .init(step: UInt64(step), lossSums: losses, correct: losses.map { _ in 0 }, seconds: 1)),
                from: "s")
        }
    }

    @Test("a stage gets no sums of its own and a replica no stage, and what they send does not mix")
    func both() throws {
        var scene = try Scene(isPart: true)
        for id in ["r", "s"] { scene.bench.group.joined(id, session: 1) }
        let parts = try scene.bench.begin(1).parts
        #expect(Array(parts.keys) == ["r"])
        #expect(scene.beginStages())
        let orders = scene.bench.sent.take().compactMap { message in
            if case .stepOrder(let order) = message.body { (message.replica, order.stage?.keepsSums) } else { nil }
        }
        #expect(orders.map(\.0) == ["s"] && orders.map(\.1) == [true])
        let given = try #require(parts["r"])
        try scene.bench.sendSums(given, from: "r")
        try scene.send(.gradient)
        try scene.bench.send(.stepPart(GroupBench.part(given)), from: "r")
        try scene.end(sums: 4)
        let stages = try #require(scene.bench.group.collect(1, silence: .seconds(3600)))
        #expect(stages.map(\.gradient.count) == [4 * StepMessages.parameters])
        scene.bench.group.close(1)
        #expect(scene.bench.group.collect(1, within: .seconds(3600)).flatMap(\.sums).map(\.number) == given.sums)
    }

    @Test("sums that were added up where they are to stay apart are refused")
    func addedUp() throws {
        let scene = try Scene(isPart: true)
        scene.bench.group.joined("s", session: 1)
        #expect(scene.beginStages())
        #expect(throws: WireError.self) { try scene.end(sums: 1) }
        #expect(scene.bench.group.collect(1, silence: .seconds(3600)) == nil, "it is not waited for")
    }

    @Test("a part's stages that were given up get no other part of the step, and what comes late harms nobody")
    func givenUp() throws {
        var scene = try Scene()
        for id in ["r", "s"] { scene.bench.group.joined(id, session: 1) }
        let given = try #require(try scene.bench.begin(1).parts["r"])
        #expect(scene.beginStages())
        scene.bench.group.close(1)
        try scene.send(.gradient)
        try scene.send(.activations)
        try scene.end(sums: 0)
        #expect(!scene.beginStages(), "its pieces would be taken for the other part's")
        try scene.bench.deliver(given, from: "r")
        #expect(scene.bench.collect(1).flatMap(\.sums).map(\.number) == given.sums)
        let next = try Scene(2)
        #expect(scene.bench.group.begin(next.step, shares: [next.shares[1]], exchange: next.exchange))
    }

    @Test("a part whose stages were walked to their end is followed by another part of the same step")
    func twoParts() throws {
        let scene = try Scene(isPart: true)
        scene.bench.group.joined("s", session: 1)
        for _ in 0..<2 {
            #expect(scene.beginStages())
            try scene.send(.gradient)
            try scene.end(sums: 4)
            #expect(scene.bench.group.collect(1, silence: .seconds(3600))?.count == 1)
            scene.bench.group.close(1)
        }
    }

    @Test("when what trains is another one, everybody gets it anew, and who is at something has to begin anew")
    func replaced() throws {
        var scene = try Scene()
        for id in ["r", "s"] { scene.bench.group.joined(id, session: 1) }
        let given = try #require(try scene.bench.begin(1).parts["r"])
        _ = scene.bench.sent.take()
        scene.bench.group.replaced()
        #expect(scene.bench.late.value == ["r 1 owes(step: 1)"])
        #expect(throws: WireError.unknownSession) { try scene.bench.deliver(given, from: "r") }
        _ = try scene.bench.group.begin(scene.bench.step(9))
        let states = scene.bench.sent.take().filter { message in
            if case .tensorPiece(let piece) = message.body { piece.kind == .state && piece.step == 8 } else { false }
        }
        #expect(states.map(\.replica) == Array(repeating: "s", count: StepMessages.states))
    }
}

@Suite("Replicas that do not read", .timeLimit(.minutes(1)))
struct BacklogTests {
    @Test(
        "who does not read gets nothing more after a few steps, and everything once it begins anew", arguments: [0, 5])
    func unread(readSteps: Int) throws {
        var bench = GroupBench()
        bench.group.joined("r", session: 1)
        let gradient = Storage(count: StepMessages.parameters).matrix(rows: 1, columns: StepMessages.parameters)
        var bytes: [Int] = []
        for number in 1...20 {
            let sums = try bench.group.begin(bench.step(number))
            #expect(sums.isEmpty || bench.late.value.isEmpty)
            let begun = bench.sent.take()
            if let given = GroupBench.parts(of: begun)["r"] { try bench.deliver(given, from: "r") }
            _ = bench.collect(number)
            bench.group.ended(number, gradient: gradient)
            let sent = (begun + bench.sent.take()).compactMap { $0.payload?.count }
            bytes.append(sent.reduce(0, +))
            guard number <= readSteps else { continue }
            for count in sent { bench.group.sent(count, to: "r", session: 1) }
        }
        let waiting = bytes.dropFirst(readSteps)
        #expect(waiting.reduce(0, +) <= 3 * (bytes.max() ?? 0), "\(bytes)")
        #expect(bench.late.value.count == 1 && bench.late.value[0].contains("unread"), "\(bench.late.value)")
        #expect(bytes.suffix(10).allSatisfy { $0 == 0 })
        bench.group.joined("r", session: 2)
        #expect(try !bench.group.begin(bench.step(21)).isEmpty)
        // What was sent in the earlier session is not of this one.
        bench.group.sent(1 << 30, to: "r", session: 1)
        for number in 22...40 { _ = try bench.group.begin(bench.step(number)) }
        #expect(bench.late.value.count == 2)
    }

    @Test(
        "whatever the sizes of steps, no more than three of the largest wait", arguments: 1...40 as ClosedRange<UInt64>)
    func bound(seed: UInt64) {
        var chance = SeededGenerator(seed: seed, stream: "backlog")
        var backlog = Backlog(), most = 0, steps = 0
        while !backlog.isTooLong, steps < 1000 {
            backlog.beginStep()
            let bytes = Int.random(in: 1...100, using: &chance)
            most = max(most, bytes)
            backlog.handedOver(bytes)
            #expect(backlog.waitingBytes <= 3 * most, "seed \(seed)")
            backlog.sent(Int.random(in: 0...min(30, backlog.waitingBytes), using: &chance))
            steps += 1
        }
        #expect(steps > 2, "two steps may wait")
    }

    @Test("who reads everything of a step before the one after the next is never late, however large the state is")
    func reads() {
        var backlog = Backlog(), unread: [Int] = []
        for step in 0..<100 {
            backlog.beginStep()
            #expect(!backlog.isTooLong)
            unread.append(step == 0 ? 1000 : 10)
            backlog.handedOver(unread[step])
            if step >= 2 { backlog.sent(unread[step - 2]) }
        }
    }
}
