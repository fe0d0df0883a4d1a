import Methods
import Queueing
import Randomness
import Tensors
import Testing
import Wire

@testable import Worker

@Suite("Micro-batches on their way to another worker")
struct MicroBatchTransferTests {
    private static func checked(_ message: PieceMessage) throws -> CheckedActivations {
        guard case .activations(let activations) = message.body else { throw WireError.missingBody }
        return try message.withPayloads { payloads throws(WireError) in
            try StepMessages.check.check(activations, run: "run", payloads: payloads, owns: { _ in true })
        }
    }

    private static func take(_ message: PieceMessage, _ assembly: inout MicroBatchAssembly) throws {
        let part = try checked(message)
        try message.withPayloads { payloads throws(WireError) in try assembly.take(part, payloads[0]) }
    }

    @Test("a micro-batch of any shape arrives as it was, whatever the size of its parts", arguments: 0..<30)
    func whole(seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed, stream: "micro-batches")
        for number in 0..<20 {
            let microBatch = StepMessages.microBatch(using: &chance)
            let size = Int.random(in: 1...200, using: &chance)
            let messages = try MicroBatchMessages.cut(
                microBatch, number: number, width: StepMessages.width, partSize: size
            ).map(PieceMessage.init)
            var assembly = MicroBatchAssembly(try Self.checked(messages[0]))
            for (index, message) in messages.enumerated() {
                #expect(assembly.microBatch == nil, "seed \(seed)")
                #expect(message.payload.count <= max(size, StepMessages.width) * 4, "seed \(seed)")
                let part = try Self.checked(message)
                #expect(part.sequence == UInt64(number) + 1 && part.part == UInt32(index), "seed \(seed)")
                try Self.take(message, &assembly)
            }
            let found = try #require(assembly.microBatch, "seed \(seed)")
            #expect(found.targets == microBatch.targets, "seed \(seed)")
            #expect(StepMessages.lengths(found) == StepMessages.lengths(microBatch), "seed \(seed)")
            #expect(try StepMessages.activations(found) == StepMessages.activations(microBatch), "seed \(seed)")
        }
    }

    @Test("parts that come twice, overtake each other, or are of another micro-batch are refused")
    func order() throws {
        var chance = SeededGenerator(seed: 3, stream: "micro-batches/order")
        let microBatch = MicroBatch(lengths: [5], targets: [[1]]) { $0.fill(1) }
        func cut(_ microBatch: MicroBatch, _ number: Int) throws -> [PieceMessage] {
            try MicroBatchMessages.cut(microBatch, number: number, width: StepMessages.width, partSize: 12)
                .map(PieceMessage.init)
        }
        let messages = try cut(microBatch, 0), others = try cut(microBatch, 1)
        let longer = try cut(MicroBatch(lengths: [2, 3], targets: [[1], [1]]) { $0.fill(1) }, 0)
        #expect(messages.count == 3)
        let next = [messages[0], messages[2], others[1], longer[1]]
        for wrong in next {
            var assembly = MicroBatchAssembly(try Self.checked(messages[0]))
            try Self.take(messages[0], &assembly)
            #expect(throws: WireError.unexpectedMessage("Activations out of order")) {
                try Self.take(wrong, &assembly)
            }
            #expect(assembly.microBatch == nil)
        }
        var late = MicroBatchAssembly(try Self.checked(messages[1]))
        #expect(throws: WireError.self) { try Self.take(messages[1], &late) }
        var damaged = messages[0]
        damaged.payload[Int.random(in: 0..<damaged.payload.count, using: &chance)] ^= 4
        #expect(throws: WireError.self) { try Self.checked(damaged) }
    }
}
