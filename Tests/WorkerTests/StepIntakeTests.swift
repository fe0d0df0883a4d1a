import Queueing
import Randomness
import Tensors
import Testing
import Wire

@testable import Methods
@testable import Worker

@Suite("What a replica is told")
struct StepIntakeTests {
    private static func intake() -> StepIntake {
        StepIntake(StepMessages.check, parameters: StepMessages.parameters, stateCount: StepMessages.states)
    }

    /// What a leader sends to its only replica, which has just come: the state, an order, and a gradient.
    private static func conversation(
        _ step: SharedStep, using chance: inout SeededGenerator
    ) throws -> (messages: [PieceMessage], given: [Int]) {
        let sent = SentMessages()
        let group = ReplicaGroup(
            width: StepMessages.width, send: { sent.add(($0, $1, $2, $3)) }, tellLate: { _, _, _ in })
        group.joined("r", session: 1)
        let given = try group.begin(step)
        _ = group.collect(step.step, within: .zero)
        let gradient = Storage(normal: StepMessages.parameters, using: &chance)
        group.ended(step.step, gradient: gradient.matrix(rows: 1, columns: gradient.count))
        let messages = sent.take().map { message in
            PieceMessage((message.body, message.payload ?? Frame([])))
        }
        return (messages, given)
    }

    private static func take(_ message: PieceMessage, _ intake: inout StepIntake) throws -> StepIntake.Work? {
        let hasPayload = if case .stepOrder = message.body { false } else { true }
        return try message.withPayloads { payloads throws(WireError) in
            try intake.take(message.body, run: "run", hasPayload ? payloads : [])
        }
    }

    @Test(
        "a whole conversation comes to the state, the part and the gradient, as the leader has them", arguments: 0..<12)
    func whole(seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed, stream: "intake")
        let count = Int.random(in: 2...12, using: &chance)
        let step = StepMessages.step(5, microBatches: count, sums: min(8, count), using: &chance)
        let (messages, given) = try Self.conversation(step, using: &chance)
        var intake = Self.intake()
        let work = try messages.compactMap { try Self.take($0, &intake) }
        try #require(work.count == 3, "seed \(seed)")
        guard case .state(4, let states) = work[0], case .part(let part) = work[1], case .gradient(5, _) = work[2]
        else { return _ = Issue.record("seed \(seed): \(work)") }
        for (found, state) in zip(states, step.state) {
            #expect(found.matrix(rows: 1, columns: found.count).values == state.values.flat.values, "seed \(seed)")
        }
        #expect(part.numbers == step.microBatches(of: given) && part.sums == step.sums, "seed \(seed)")
        #expect(part.firstSequences == part.numbers.map { step.firstSequences[$0] }, "seed \(seed)")
        #expect(part.digest == step.digest && part.lossScale == 0.25, "seed \(seed)")
        for (number, microBatch) in zip(part.numbers, part.microBatches) {
            let sent = try StepMessages.activations(step.microBatches[number])
            #expect(try StepMessages.activations(microBatch) == sent, "seed \(seed)")
        }
    }

    @Test(
        "messages that are lost, doubled, swapped or changed never come to anything that the leader has not meant",
        arguments: 0..<300)
    func hostile(seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed, stream: "intake/hostile")
        let step = StepMessages.step(5, microBatches: 4, sums: 4, using: &chance)
        var (messages, _) = try Self.conversation(step, using: &chance)
        let original = messages.map(\.payload)
        for _ in 0..<Int.random(in: 1...4, using: &chance) { Self.harm(&messages, using: &chance) }
        var intake = Self.intake()
        for message in messages {
            do {
                switch try Self.take(message, &intake) {
                case .state(_, let states):
                    #expect(states.count == StepMessages.states, "seed \(seed)")
                    #expect(states.allSatisfy { $0.count == StepMessages.parameters }, "seed \(seed)")
                    #expect(states.map(Self.bytes).allSatisfy(original.contains), "seed \(seed)")
                case .part(let part):
                    #expect(part.microBatches.count == part.numbers.count, "seed \(seed)")
                    #expect(part.numbers == part.numbers.sorted() && (1...8).contains(part.sums), "seed \(seed)")
                case .gradient(_, let values): #expect(original.contains(Self.bytes(values)), "seed \(seed)")
                case .stage, .stream: Issue.record("nobody ordered a stage, seed \(seed)")
                case nil: break
                }
            } catch is WireError {
                intake.reset()
            }
        }
    }

    private static func bytes(_ values: Storage) -> [UInt8] {
        Array(UnsafeRawBufferPointer(UnsafeBufferPointer(start: values.base, count: values.count)))
    }

    private static func harm(_ messages: inout [PieceMessage], using chance: inout SeededGenerator) {
        guard !messages.isEmpty else { return }
        let index = Int.random(in: messages.indices, using: &chance)
        let extreme = [0, 1, 2, 7, UInt64(Int64.max), .max].randomElement(using: &chance) ?? 0
        switch Int.random(in: 0..<6, using: &chance) {
        case 0: messages.remove(at: index)
        case 1: messages.insert(messages[index], at: index)
        case 2: messages.swapAt(index, Int.random(in: messages.indices, using: &chance))
        case 3 where !messages[index].payload.isEmpty:
            let bit = Int.random(in: 0..<messages[index].payload.count * 8, using: &chance)
            messages[index].payload[bit / 8] ^= 1 << (bit % 8)
        case 4: messages[index].payload.removeLast(min(4, messages[index].payload.count))
        default: messages[index].body = changed(messages[index].body, to: extreme, using: &chance)
        }
    }

    /// One number of a header is another one.
    private static func changed(_ body: Body, to number: UInt64, using chance: inout SeededGenerator) -> Body {
        let field = Int.random(in: 0..<5, using: &chance), short = UInt32(truncatingIfNeeded: number)
        switch body {
        case .tensorPiece(var piece):
            switch field {
            case 0: piece.kind = Body.TensorPiece.Kind.allCases.randomElement(using: &chance) ?? .sum
            case 1: piece.step = number
            case 2: piece.index = short
            case 3: piece.offset = number
            default: piece.count = number
            }
            return .tensorPiece(piece)
        case .stepOrder(var order):
            switch field {
            case 0: order.step = number
            case 1: order.sums = short
            case 2: order.microBatches = Array(repeating: .init(number: short, firstSequence: short), count: 3)
            case 3: order.microBatches = []
            default: order.lossScale = .nan
            }
            return .stepOrder(order)
        case .activations(var activations):
            switch field {
            case 0: activations.sequence = number
            case 1: activations.rows = short
            case 2: activations.parts = short
            case 3: activations.part = short
            default: activations.lengths = [short]
            }
            return .activations(activations)
        default: return body
        }
    }

    @Test("orders that nobody could follow are refused")
    func orders() {
        func order(_ numbers: [UInt32], step: UInt64 = 1, sums: UInt32 = 2, lossScale: Float = 1) -> Body {
            .stepOrder(
                .init(
                    step: step, sums: sums, microBatches: numbers.map { .init(number: $0, firstSequence: 0) },
                    lossScale: lossScale, digest: 0))
        }
        var intake = Self.intake()
        for wrong in [
            order([]), order([1, 1]), order([2, 1]), order([0], step: 0), order([0], step: .max), order([0], sums: 0),
            order([0], sums: 9), order([0], sums: .max), order([0], lossScale: .nan),
            order(Array(0...UInt32(16_384))),
        ] {
            #expect(throws: WireError.self) { _ = try intake.take(wrong, run: "run", []) }
        }
        #expect(throws: Never.self) { _ = try intake.take(order([0, 3]), run: "run", []) }
        #expect(throws: WireError.self, "nothing was announced after a refusal") {
            var fresh = Self.intake()
            let messages = try MicroBatchMessages.cut(
                MicroBatch(lengths: [1], targets: [[1]]) { $0.fill(1) }, number: 0, width: StepMessages.width)
            _ = try Self.take(PieceMessage(messages[0]), &fresh)
        }
    }

    @Test("states of two steps do not come to one")
    func mixedStates() throws {
        var chance = SeededGenerator(seed: 1, stream: "intake/mixed")
        let values = Storage(normal: StepMessages.parameters, using: &chance)
        var intake = Self.intake()
        func piece(_ index: Int, step: Int) -> PieceMessage {
            PieceMessage(TensorPieces.cut(values, kind: .state, step: step, index: index)[0])
        }
        _ = try Self.take(piece(0, step: 3), &intake)
        #expect(throws: WireError.self) { _ = try Self.take(piece(1, step: 4), &intake) }
    }
}
