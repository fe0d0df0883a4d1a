import Testing
import Wire

@testable import Device
@testable import Queueing

@Suite("Device machine: credit, parts and refusals")
struct DeviceSendingTests {
    private let messageBytes = 3 * DeviceBench.sampleBytes

    @Test("without credit one group is computed ahead and nothing is sent")
    func withoutCredit() {
        var bench = DeviceBench()
        bench.start(credit: 0)
        #expect(bench.finishComputing().isEmpty)
        bench.handle(.tick)
        #expect(bench.computed.count == 1 && bench.sendings.isEmpty)
        #expect(bench.machine.waitsFor == .credit)
        bench.grant(messageBytes)
        #expect(bench.sendings.count == 1 && bench.machine.waitsFor == nil)
        bench.finishComputing()
        #expect(bench.computed.count == 2 && bench.sendings.count == 1)
    }

    @Test("while the worker is away one group is computed ahead, and none before the worker has said what it has")
    func away() {
        var bench = DeviceBench()
        bench.handle(.assigned(DeviceBench.assignment()))
        bench.handle(.tick)
        #expect(bench.computed.isEmpty)
        bench.handle(.workerConnected)
        bench.welcome()
        bench.handle(.workerDisconnected)
        bench.finishComputing()
        bench.finishComputing()
        #expect(bench.computed.count == 1 && bench.sendings.isEmpty)
    }

    @Test("a message larger than all credit goes in parts that cover its rows, each of which is acknowledged by itself")
    func parts() {
        for (credit, expected) in [(191, 2), (64, 3), (32, 6), (40, 6)] {
            var bench = DeviceBench(samples: 3)
            bench.start(credit: credit)
            bench.finishComputing()
            var order: [UInt32] = []
            while let part = bench.unacknowledged.keys.min(by: { $0.index < $1.index }) {
                #expect(bench.ending == nil)
                order.append(part.index)
                bench.acknowledge(part.sequence, part: part.index)
            }
            #expect(bench.parts == [1: UInt32(expected)])
            #expect(order == Array(0..<UInt32(expected)))
            #expect(bench.sendings.reduce(0) { $0 + $1.bytes } == messageBytes)
            #expect(bench.ending == .end)
        }
    }

    @Test("a message keeps its parts over sessions, unless the new credit is too small for them")
    func partsOverSessions() {
        var bench = DeviceBench(samples: 3, partBytes: 96)
        bench.start(credit: 1000)
        bench.finishComputing()
        #expect(bench.parts == [1: 2])
        bench.acknowledge(1, part: 0)
        bench.handle(.workerDisconnected)
        bench.handle(.workerConnected)
        bench.welcome(credit: 100)
        #expect(bench.parts == [1: 2] && bench.sendings.count == 3)
        bench.handle(.workerDisconnected)
        bench.handle(.workerConnected)
        bench.welcome(credit: 64)
        #expect(bench.parts == [1: 3])
        bench.runToEnd()
        #expect(bench.ending == .end)
    }

    @Test("a row larger than the credit fails with both sizes, once nobody has granted more for the time-out")
    func rowBeyondCredit() {
        var bench = DeviceBench()
        bench.start(credit: 31)
        bench.finishComputing()
        #expect(bench.machine.nextDeadline == .seconds(30))
        bench.now = .seconds(29)
        bench.handle(.tick)
        #expect(bench.ending == nil)
        bench.now = .seconds(30)
        bench.handle(.tick)
        #expect(bench.ending == .fail(.device(.rowBeyondCredit(bytes: 32, creditBytes: 31))))
    }

    @Test("a device that waits for credit with nothing on its way asks again: the grant may have been lost")
    func lostGrant() {
        var bench = DeviceBench()
        bench.start(credit: 0)
        bench.finishComputing()
        for round in 1...3 {
            bench.now = bench.machine.nextDeadline ?? .zero
            #expect(bench.now == .seconds(30 * round))
            #expect(bench.handle(.tick) == [.hello(samples: 10, isNewSession: false)])
            bench.welcome(credit: 0)
        }
        bench.grant(1000)
        #expect(bench.sendings.count == 1)
    }

    @Test("a message that only has to wait for others' credit waits")
    func waitsForCredit() {
        var bench = DeviceBench()
        bench.start(credit: 200)
        bench.finishComputing()
        bench.finishComputing()
        #expect(bench.sendings.count == 1)
        bench.acknowledge(1)
        #expect(bench.sendings.count == 2)
        bench.acknowledge(1)
        #expect(bench.sendings.count == 2)
    }

    @Test("silence never ends a device: a part without an answer is sent again and again")
    func silence() {
        var bench = DeviceBench(samples: 3, maximumAttempts: 2)
        bench.start()
        bench.finishComputing()
        for round in 1...20 {
            bench.now = bench.machine.nextDeadline ?? .zero
            #expect(bench.now == .seconds(30 * round))
            bench.handle(.tick)
        }
        #expect(bench.sendings.map(\.attempt) == Array(1...21))
        bench.acknowledge(1)
        #expect(bench.ending == .end)
    }

    @Test("answers to heartbeats keep a slow link free of second copies; a part that arrived unanswered is sent again")
    func heartbeats() {
        var bench = DeviceBench(samples: 3)
        bench.start()
        bench.finishComputing()
        for second in stride(from: 20, through: 200, by: 20) {
            bench.now = .seconds(second)
            // A heartbeat from before the part.
            bench.handle(.answered(heartbeatSentAt: .seconds(-1)))
            bench.handle(.tick)
        }
        #expect(bench.sendings.count == 1)
        bench.handle(.answered(heartbeatSentAt: .seconds(1)))
        for second in stride(from: 220, through: 240, by: 10) {
            bench.now = .seconds(second)
            bench.handle(.answered(heartbeatSentAt: .seconds(second - 1)))
            bench.handle(.tick)
            #expect(bench.sendings.count == (second < 230 ? 1 : 2))
        }
    }

    @Test("a refused message is sent again at once, and given up with the worker's first words")
    func rejected() {
        var bench = DeviceBench(maximumAttempts: 3)
        bench.start()
        bench.finishComputing()
        #expect(bench.reject(9, .noSamples).isEmpty)
        bench.reject(1, .payloadMissing)
        bench.reject(1, .noSamples)
        #expect(bench.sendings.map(\.attempt) == [1, 2, 3])
        let reject = Body.Reject(sequence: 1, error: .payloadMissing)
        bench.reject(1, .noSamples)
        #expect(
            bench.ending == .fail(.publishing(.rejected(sequence: 1, attempts: 3, number: 20, text: reject.text))))
    }

    @Test("a worker without room is tried again after longer and longer pauses, for as long as it takes")
    func noRoom() {
        var bench = DeviceBench(maximumAttempts: 2)
        bench.start()
        bench.finishComputing()
        bench.finishComputing()
        var waits: [Duration] = []
        for _ in 0..<10 {
            bench.reject(1, .storeFull(neededBytes: 2, freeBytes: 1))
            bench.reject(2, .draining)
            guard let due = bench.machine.nextDeadline else { break }
            waits.append(due - bench.now)
            let count = bench.sendings.count
            bench.now = due - .milliseconds(1)
            bench.handle(.tick)
            bench.finishComputing()
            #expect(bench.sendings.count == count, "a worker without room gets nothing new")
            bench.now = due
            bench.handle(.tick)
            #expect(bench.sendings.count > count)
        }
        #expect(bench.ending == nil)
        #expect(waits.count == 10 && waits[9] > waits[0] * 5 && waits.allSatisfy { $0 <= .seconds(15) })
        bench.runToEnd()
        #expect(bench.ending == .end)
    }

    @Test("what the transport has no room for is sent again soon")
    func notTaken() {
        var bench = DeviceBench()
        bench.start()
        bench.finishComputing()
        bench.handle(.notTaken(.init(sequence: 1, index: 0)))
        bench.now = .milliseconds(100)
        bench.handle(.tick)
        #expect(bench.sendings.count == 2)
    }
}
