import Foundation
import Queueing
import Randomness
import Testing
import Wire

@testable import Worker

@Suite("Hand-over, what goes when")
struct HandoverQueueTests {
    private static let messages = (0..<20).map { index in
        HandoverQueue.Message(device: UInt32(index % 3), sequence: UInt64(index / 3 + 1), rows: 7 + index, rowBytes: 8)
    }

    @Test(
        "over lost connections, refusals and little credit everything arrives, in whole rows and within the credit",
        arguments: 0..<20 as Range<UInt64>)
    func everything(seed: UInt64) {
        var chance = SeededGenerator(seed: seed, stream: "handover")
        var queue = HandoverQueue(messages: Self.messages, pieces: [10, 20, 30])
        var settled = SequenceSet()
        var pieces: Set<UInt64> = []
        var rows: [UInt64: [UInt32: Int]] = [:]
        var flying: [HandoverQueue.Item] = []
        var credit = 0
        var now = Duration.zero
        func welcome() {
            credit = Int.random(in: 40...100, using: &chance)
            (flying, rows, pieces) = ([], [:], [])
            queue.welcomed(.init(creditBytes: UInt64(credit), settled: settled.ranges))
        }
        welcome()
        for _ in 0..<20_000 where !queue.isComplete {
            now += .milliseconds(100)
            if Int.random(in: 0..<300, using: &chance) == 0 { welcome() }
            if let (item, attempt) = queue.next(now: now) {
                if attempt == 1 { credit -= item.bytes }
                #expect(credit >= 0 && item.bytes % (item.origin == 0 ? 1 : 8) == 0, "seed \(seed)")
                flying.append(item)
            }
            guard !flying.isEmpty, Bool.random(using: &chance) else { continue }
            let item = flying.remove(at: Int.random(in: 0..<flying.count, using: &chance))
            if Int.random(in: 0..<5, using: &chance) == 0 {
                let reject = Body.Reject(
                    sequence: item.sequence, number: 55, text: "", part: item.part, origin: item.origin)
                #expect(queue.rejected(reject, now: now) == true, "seed \(seed)")
                continue
            }
            credit += item.bytes
            if item.origin == 0 {
                pieces.insert(item.sequence)
            } else {
                let number = HandoverSequence.number(device: item.origin - 1, sequence: item.sequence)
                rows[number, default: [:]][item.part] = item.bytes / 8
                if rows[number]?.count == Int(item.parts) { settled.insert(number) }
            }
            queue.acknowledged(
                .init(
                    sequence: item.sequence, creditBytes: UInt64(item.bytes), part: item.part, origin: item.origin))
        }
        #expect(queue.isComplete && queue.doneCount == queue.itemCount, "seed \(seed)")
        let expected = Self.messages.map { HandoverSequence.number(device: $0.device, sequence: $0.sequence) }
        #expect(expected.allSatisfy(settled.contains) && settled.count == 20, "seed \(seed)")
        #expect(pieces == [1, 2, 3], "seed \(seed)")
    }

    @Test("what the other worker has is not sent again, files are")
    func settled() {
        var queue = HandoverQueue(messages: Self.messages, pieces: [10])
        let all = Self.messages.map { HandoverSequence.number(device: $0.device, sequence: $0.sequence) }
        queue.welcomed(.init(creditBytes: 1000, settled: SequenceSet(all.map { $0...$0 }).ranges))
        let first = queue.next(now: .zero)
        #expect(first?.item.origin == 0)
        let second = queue.next(now: .zero)
        #expect(second == nil && !queue.isComplete)
        queue.acknowledged(.init(sequence: 1, creditBytes: 10))
        #expect(queue.isComplete)
    }

    @Test("a welcome without credit makes no crumbs: parts are cut when there is something to send them for")
    func noCredit() throws {
        let message = HandoverQueue.Message(device: 0, sequence: 1, rows: 1000, rowBytes: 1000)
        var queue = HandoverQueue(messages: [message, message], pieces: [])
        queue.welcomed(.init(creditBytes: 0, settled: []))
        #expect(queue.next(now: .zero) == nil && !queue.isComplete && queue.itemCount == 2)
        queue.granted(500)
        #expect(queue.next(now: .zero) == nil, "no row fits")
        queue.granted(250_000)
        func sent() -> [Int] { Array(sequence(state: ()) { _ in queue.next(now: .zero)?.item.bytes }) }
        #expect(sent() == [250_000] && queue.itemCount == 5)
        // As long as credit may come back, little of it is no reason to cut the next one small.
        queue.granted(750_000 + 10_000)
        #expect(sent() == [250_000, 250_000, 250_000] && queue.creditBytes == 10_500)
    }

    @Test("a refusal that says something about the message is tried a few times, then it is an error")
    func refused() throws {
        var queue = HandoverQueue(messages: [Self.messages[0]], pieces: [])
        queue.welcomed(.init(creditBytes: 1000, settled: []))
        var attempts: UInt32 = 0
        var now = Duration.zero
        while true {
            let next = queue.next(now: now)
            let (item, attempt) = try #require(next)
            attempts = attempt
            let reject = Body.Reject(sequence: item.sequence, number: 25, text: "", origin: item.origin)
            now += .seconds(2)
            guard queue.rejected(reject, now: now - .seconds(2)) else { break }
        }
        #expect(attempts == 5)
    }

    @Test("pieces of files are put together in any order; names that leave the folder are refused")
    func pieces() throws {
        let folder = try TemporaryFolder()
        let pieces = HandoverPieces(folder: folder.url.appendingPathComponent("aside"))
        func keep(_ name: String, _ offset: UInt64, _ bytes: [UInt8], of total: UInt64, step: UInt64 = 7) throws {
            try bytes.withUnsafeBytes {
                try pieces.keep(
                    .init(
                        sequence: 1, step: step, name: name, offset: offset, bytes: total,
                        checksum: payloadChecksum($0)), $0)
            }
        }
        try keep("state.json", 2, [3, 4, 5], of: 5)
        #expect(try pieces.finish() == nil, "something is missing")
        try keep("state.json", 0, [1, 2], of: 5)
        try keep("empty", 0, [], of: 0)
        #expect(try pieces.finish() == 7)
        #expect(try folder.bytes("aside/state.json") == [1, 2, 3, 4, 5])
        for name in ["../out", "/etc/out", "", ".", "..", ".hidden", "a/b", "ä", String(repeating: "x", count: 200)] {
            #expect(throws: WireError.self, "\(name)") { try keep(name, 0, [1], of: 1) }
        }
        #expect(throws: WireError.self) { try keep("state.json", 4, [1, 2], of: 5) }
        #expect(throws: WireError.self) { try keep("state.json", .max, [1, 2], of: 5) }
        #expect(throws: WireError.self) { try keep("state.json", 0, [1], of: 6) }
        #expect(throws: WireError.self) { try keep("other", 0, [1], of: 1, step: 8) }
        #expect(throws: WireError.self) { try keep("huge", 0, [1], of: .max) }
    }

    @Test("a folder that cannot be written to is named, with the number of a full disk")
    func unwritable() throws {
        let folder = try TemporaryFolder()
        let inTheWay = folder.url.appendingPathComponent("file")
        try Data().write(to: inTheWay)
        let pieces = HandoverPieces(folder: inTheWay.appendingPathComponent("aside"))
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        let piece = Body.HandoverFile(
            sequence: 1, step: 7, name: "state.json", offset: 0, bytes: 0, checksum: payloadChecksum(nothing))
        let error = #expect(throws: WorkerError.self) { try pieces.keep(piece, nothing) }
        #expect(error?.exitCode == .runFolderUnwritable && error?.problem.contains(inTheWay.path) == true)
    }
}
