import Dispatch
import Foundation
import Queueing
import Tensors
import Testing
import Wire

@testable import Methods
@testable import Worker

@Suite("A leader's replicas", .timeLimit(.minutes(1)))
struct ReplicaGroupTests {
    @Test("what replicas deliver is collected: every sum and the losses of every micro-batch that was given away")
    func delivered() throws {
        let (bench, parts) = try GroupBench.begun(["r", "s"])
        #expect(parts.count == 2)
        for (id, given) in parts { try bench.deliver(given, from: id) }
        let collected = bench.group.collect(1, within: .seconds(3600))
        let sums = collected.flatMap(\.sums)
        #expect(sums.map(\.number).sorted() == parts.values.flatMap(\.sums).sorted())
        for (number, values) in sums {
            #expect(values.count == StepMessages.parameters && values.base[0] == Float(number + 1))
        }
        let results = collected.flatMap(\.results)
        #expect(results.map(\.microBatch).sorted() == parts.values.flatMap(\.microBatches).sorted())
        #expect(results.allSatisfy { $0.result.lossSum == Double($0.microBatch) + 0.5 && $0.result.correct == 1 })
    }

    @Test("what comes late is no part of any step, and its replica gets its share of the next one")
    func late() throws {
        var (bench, parts) = try GroupBench.begun()
        let given = try #require(parts["r"])
        try bench.sendSums(given, from: "r")
        #expect(bench.collect(1).isEmpty)
        #expect(try bench.begin(2).sums.isEmpty, "it is busy")
        try bench.deliver(given, from: "r")
        #expect(bench.collect(2).isEmpty)
        let next = try bench.begin(3)
        #expect(next.parts["r"]?.step == 3)
        #expect(throws: Never.self, "a copy from the network") {
            try bench.send(.stepPart(GroupBench.part(given)), from: "r")
        }
        try bench.deliver(try #require(next.parts["r"]), from: "r")
        #expect(bench.collect(3).flatMap(\.sums).map(\.number) == next.sums)
    }

    @Test("sums that came in time, whose losses did not, are not taken, and do not mix with those of the next step")
    func half() throws {
        var (bench, parts) = try GroupBench.begun(["r", "s"])
        let (r, s) = (try #require(parts["r"]), try #require(parts["s"]))
        try bench.sendSums(r, from: "r")
        try bench.deliver(s, from: "s")
        #expect(bench.collect(1).flatMap(\.sums).map(\.number) == s.sums)
        let next = try bench.begin(2)
        #expect(Array(next.parts.keys) == ["s"])
        try bench.send(.stepPart(GroupBench.part(r)), from: "r")
        try bench.deliver(try #require(next.parts["s"]), from: "s")
        #expect(bench.collect(2).flatMap(\.sums).map(\.number) == next.sums)
    }

    @Test("what belongs to an earlier session is refused, and changes nothing")
    func earlierSession() throws {
        var (bench, parts) = try GroupBench.begun()
        let given = try #require(parts["r"])
        bench.group.joined("r", session: 2)
        #expect(throws: WireError.unknownSession) { try bench.deliver(given, from: "r", session: 1) }
        #expect(bench.collect(1).isEmpty)
        // Whoever is refused has to introduce itself again.
        #expect(try bench.begin(2).sums.isEmpty)
        bench.group.joined("r", session: 3)
        let next = try bench.begin(3)
        try bench.deliver(try #require(next.parts["r"]), from: "r", session: 3)
        #expect(bench.collect(3).flatMap(\.sums).map(\.number) == next.sums)
    }

    @Test("a part with losses or counts that nothing has is refused, and computed here", arguments: 0..<10)
    func wrong(change: Int) throws {
        let (bench, parts) = try GroupBench.begun()
        let given = try #require(parts["r"])
        var part = GroupBench.part(given)
        switch change {
        case 0: part.lossSums.removeLast()
        case 1: part.lossSums.append(1)
        case 2: part.correct.removeLast()
        case 3: part.correct = part.correct.map { _ in .max }
        case 4: part.lossSums[0] = .nan
        case 5: part.lossSums[0] = -1
        case 6: part.lossSums = part.lossSums.map { _ in .greatestFiniteMagnitude }
        case 7: part.seconds = .infinity
        case 8: part.seconds = -1
        default: part.step = .max
        }
        try bench.sendSums(given, from: "r")
        #expect(throws: WireError.self) { try bench.send(.stepPart(part), from: "r") }
        #expect(bench.group.collect(1, within: .seconds(3600)).isEmpty, "nobody is waited for")
    }

    @Test("sums that were not ordered, come in another order, or are damaged are refused", arguments: 0..<6)
    func wrongSums(change: Int) throws {
        let (bench, parts) = try GroupBench.begun()
        let given = try #require(parts["r"])
        try #require(given.sums.count == 2)
        let values = Storage(count: StepMessages.parameters)
        let pieces = given.sums.map { TensorPieces.cut(values, kind: .sum, step: 1, index: $0)[0] }
        guard case .tensorPiece(var piece) = pieces[change == 0 ? 1 : 0].body else { return }
        switch change {
        case 1: piece.index = 0
        case 2: piece.step = 2
        case 3: piece.kind = .gradient
        case 4: piece.checksum ^= 1
        case 5: piece.count += 1
        default: break
        }
        #expect(throws: WireError.self) { try bench.send(.tensorPiece(piece), pieces[0].payload, from: "r") }
        #expect(bench.group.collect(1, within: .seconds(3600)).isEmpty, "nobody is waited for")
    }

    @Test("a replica that sends no losses after its sums, or losses before them, is refused")
    func withoutSums() throws {
        let (bench, parts) = try GroupBench.begun()
        #expect(throws: WireError.self) {
            try bench.send(.stepPart(GroupBench.part(try #require(parts["r"]))), from: "r")
        }
        #expect(bench.group.collect(1, within: .seconds(3600)).isEmpty)
    }

    @Test("a replica that goes or comes anew while it is awaited is awaited no more", arguments: [true, false])
    func leaves(isBack: Bool) throws {
        let (bench, parts) = try GroupBench.begun(["r", "s"])
        try bench.deliver(try #require(parts["s"]), from: "s")
        let group = bench.group
        let thread = Thread { isBack ? group.joined("r", session: 2) : group.left("r") }
        thread.start()
        // The suite's time limit is shorter.
        #expect(bench.group.collect(1, within: .seconds(3600)).flatMap(\.sums).map(\.number) == parts["s"]?.sums)
    }

    @Test("who is too late is told once, and what it says then is refused until it introduces itself again")
    func tooLate() throws {
        var (bench, parts) = try GroupBench.begun()
        _ = bench.collect(1)
        for step in 2...2 + ReplicaRoster.mostLate {
            #expect(try bench.begin(step).sums.isEmpty)
            _ = bench.collect(step)
        }
        #expect(bench.late.value == ["r 1 owes(step: 1)"])
        #expect(throws: WireError.unknownSession) { try bench.deliver(try #require(parts["r"]), from: "r") }
        bench.group.joined("r", session: 2)
        #expect(try bench.begin(9).parts["r"]?.step == 9)
    }

    @Test(
        "a step that could not be taken is given away anew, and what is left of the first attempt is not taken for it")
    func again() throws {
        var (bench, parts) = try GroupBench.begun(["r", "s"])
        let first = try #require(parts["r"])
        try bench.deliver(try #require(parts["s"]), from: "s")
        // The leader's own part failed, and it collects nothing.
        let second = try bench.begin(1)
        #expect(Array(second.parts.keys) == ["s"])
        try bench.deliver(first, from: "r")
        #expect(bench.collect(1).isEmpty)
        _ = try bench.begin(1)
        #expect(bench.collect(1).isEmpty)
    }

    @Test("micro-batches that are more than a message may have are computed here")
    func large() throws {
        var bench = GroupBench()
        bench.group.joined("r", session: 1)
        let step = bench.step(1)
        let large = MicroBatch(lengths: Array(repeating: 1, count: 1025), targets: Array(repeating: [1], count: 1025)) {
            _ in
        }
        let mixed = StepMessages.step(1, step.microBatches + [large], sums: step.sums, state: step.state)
        #expect(try bench.group.begin(mixed).isEmpty)
        _ = bench.sent.take()
        #expect(try bench.begin(2).sums.isEmpty == false)
    }

    @Test("who computed how much is counted when it was of use")
    func counts() throws {
        var (bench, parts) = try GroupBench.begun(["r", "s"])
        let gradient = Storage(count: StepMessages.parameters).matrix(rows: 1, columns: StepMessages.parameters)
        try bench.deliver(try #require(parts["r"]), from: "r")
        _ = bench.collect(1)
        #expect(bench.group.counts.all == 0, "the step is not taken")
        bench.group.ended(1, gradient: gradient)
        try bench.deliver(try #require(parts["s"]), from: "s")
        _ = try bench.begin(2)
        _ = bench.collect(2)
        bench.group.ended(2, gradient: gradient)
        let ofUse = try #require(parts["r"]).microBatches.count
        #expect(bench.group.counts.all == 12 && bench.group.counts.replicas == ["r": ofUse])
    }

    @Test("every step is told to those who have the state before it, and to nobody else")
    func ended() throws {
        var bench = GroupBench()
        let gradient = Storage(count: StepMessages.parameters)
        func end(_ step: Int) -> [String] {
            bench.group.ended(step, gradient: gradient.matrix(rows: 1, columns: gradient.count))
            return bench.sent.take().map { "\($0.replica) \($0.session)" }
        }
        bench.group.joined("r", session: 1)
        #expect(end(1).isEmpty, "it gets the state with the next step")
        _ = try bench.begin(2)
        #expect(Set(end(2)) == ["r 1"])
        bench.group.joined("s", session: 5)
        bench.group.joined("r", session: 2)
        #expect(end(3).isEmpty)
        _ = try bench.begin(4)
        bench.group.left("s")
        #expect(Set(end(4)) == ["r 2"])
    }
}
