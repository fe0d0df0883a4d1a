import Queueing
import Randomness
import Synchronization
import Tensors
import Wire

@testable import Methods
@testable import Worker

/// A leader's group whose replicas are led by hand.
struct GroupBench {
    let group: ReplicaGroup
    let sent = SentMessages()
    let late = Mutexed<[String]>([])
    private(set) var chance: SeededGenerator
    /// More micro-batches than sums, so that some have two.
    private let microBatches: Int

    init(_ seed: UInt64 = 1, microBatches: Int = 6) {
        chance = SeededGenerator(seed: seed, stream: "group")
        self.microBatches = microBatches
        group = ReplicaGroup(
            width: StepMessages.width, send: { [sent] in sent.add(($0, $1, $2, $3)) },
            tellLate: { [late] id, session, lateness in late.change { $0.append("\(id) \(session) \(lateness)") } })
    }

    /// What somebody was given of a step.
    struct Given {
        let step: Int
        let microBatches: [Int]
        let sums: [Int]
    }

    mutating func step(_ number: Int) -> SharedStep {
        StepMessages.step(number, microBatches: microBatches, sums: 4, using: &chance)
    }

    /// A step begins.
    ///
    /// - Returns: what each replica was given, and all sums that were.
    mutating func begin(_ number: Int) throws -> (parts: [String: Given], sums: [Int]) {
        let sums = try group.begin(step(number))
        return (Self.parts(of: sent.take()), sums)
    }

    /// What each replica was given by some messages.
    static func parts(of messages: [SentMessages.Message]) -> [String: Given] {
        var parts: [String: Given] = [:]
        for message in messages {
            guard case .stepOrder(let order) = message.body else { continue }
            let numbers = order.microBatches.map { Int($0.number) }
            parts[message.replica] = Given(
                step: Int(order.step), microBatches: numbers, sums: Set(numbers.map { $0 % 4 }).sorted())
        }
        return parts
    }

    func send(_ body: Body, _ payload: Frame? = nil, from id: String, session: UInt64 = 1) throws {
        try [payload].compactMap(\.self).withBytes { payloads throws(WireError) in
            try group.received(body, payloads, from: id, session: session)
        }
    }

    /// Somebody sends its sums, each of one number everywhere, and not what its micro-batches came to.
    func sendSums(_ given: Given, from id: String, session: UInt64 = 1) throws {
        for sum in given.sums {
            let values = Storage(count: StepMessages.parameters)
            values.matrix(rows: 1, columns: values.count).fill(Float(sum + 1))
            for (body, payload) in TensorPieces.cut(values, kind: .sum, step: given.step, index: sum) {
                try send(body, payload, from: id, session: session)
            }
        }
    }

    static func part(_ given: Given) -> Body.StepPart {
        Body.StepPart(
            step: UInt64(given.step), lossSums: given.microBatches.map { Double($0) + 0.5 },
            correct: given.microBatches.map { _ in 1 }, seconds: 0)
    }

    func deliver(_ given: Given, from id: String, session: UInt64 = 1) throws {
        try sendSums(given, from: id, session: session)
        try send(.stepPart(Self.part(given)), from: id, session: session)
    }

    /// What is there now.
    func collect(_ step: Int) -> [SharedPart] { group.collect(step, within: .zero) }

    /// A bench whose replicas have joined, and what they are given of a first step.
    static func begun(_ ids: [String] = ["r"]) throws -> (bench: GroupBench, parts: [String: Given]) {
        var bench = GroupBench()
        for id in ids { bench.group.joined(id, session: 1) }
        return (bench, try bench.begin(1).parts)
    }
}

/// A value for several threads.
final class Mutexed<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) { mutex = Mutex(value) }

    var value: Value { mutex.withLock { $0 } }

    func change(_ body: (inout sending Value) -> Void) { mutex.withLock { body(&$0) } }
}
