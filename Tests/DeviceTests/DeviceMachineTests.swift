import Datasets
import Testing
import Wire

@testable import Device
@testable import Queueing

@Suite("Device machine: introductions and plans")
struct DeviceMachineTests {
    private func sequences(_ bench: DeviceBench) -> [UInt64] { bench.sendings.map(\.part.sequence) }

    @Test("every session with the coordinator begins with a registration")
    func registration() {
        var bench = DeviceBench()
        #expect(bench.handle(.coordinatorConnected) == [.register(samples: 10)])
        bench.start()
        #expect(bench.handle(.coordinatorConnected) == [.register(samples: 10)])
    }

    @Test("a registration is repeated, later and later, until there is an assignment")
    func repeatedRegistration() {
        var bench = DeviceBench()
        bench.handle(.coordinatorConnected)
        var waits: [Duration] = []
        for _ in 0..<9 {
            guard let due = bench.machine.nextDeadline else { break }
            waits.append(due - bench.now)
            bench.now = due
            #expect(bench.handle(.tick) == [.register(samples: 10)])
        }
        #expect(waits.count == 9 && waits[8] > waits[0] * 5 && waits.allSatisfy { $0 <= .seconds(45) })
        bench.handle(.assigned(DeviceBench.assignment()))
        #expect(bench.machine.nextDeadline == nil)
        bench.handle(.coordinatorConnected)
        #expect(bench.machine.nextDeadline == nil)
    }

    @Test("an assignment makes the device connect; it greets when it is connected, and computes when it is welcome")
    func join() {
        var bench = DeviceBench()
        let assignment = DeviceBench.assignment()
        #expect(
            bench.handle(.assigned(assignment)) == [
                .tell(.assigned(cut: 2, generation: 1, worker: "worker")), .connect(assignment),
            ])
        #expect(bench.handle(.workerConnected) == [.hello(samples: 10, isNewSession: true)])
        #expect(
            bench.welcome() == [
                .tell(.joined(worker: "worker", settled: 0, samples: 10)),
                .compute(DeviceBench.planned()[0], cut: 2, codec: nil),
            ])
    }

    @Test("what is not computed yet is written in the codec of the newest assignment; a number without a codec is none")
    func codec() {
        var bench = DeviceBench()
        var assignment = DeviceBench.assignment()
        bench.handle(.assigned(assignment))
        bench.handle(.workerConnected)
        for (number, codec) in [(PayloadCodec.int8.rawValue, .int8), (99, nil)] as [(UInt32, PayloadCodec?)] {
            assignment.generation += 1
            assignment.codec = number
            bench.handle(.assigned(assignment))
            let actions = number == 99 ? bench.finishComputing() : bench.welcome()
            #expect(actions.contains { if case .compute(_, _, codec) = $0 { true } else { false } })
        }
    }

    @Test("groups go out under their place in the first epoch, in the order of the present one", arguments: 1...3)
    func order(epoch: Int) {
        var bench = DeviceBench()
        bench.handle(.assigned(DeviceBench.assignment(epoch: UInt32(epoch))))
        bench.handle(.workerConnected)
        bench.welcome()
        bench.runToEnd()
        #expect(bench.computed == DeviceBench.planned(epoch: epoch))
        #expect(sequences(bench) == DeviceBench.planned(epoch: epoch).map(\.sequence))
        #expect(bench.ending == .end && bench.finishes == 1)
        #expect(bench.machine.settledSamples == 10 && bench.machine.settledTokens == 20)
    }

    @Test("a restarted device computes and sends only what the worker does not have")
    func restart() {
        var bench = DeviceBench(samples: 30)
        bench.start(settled: [1...3, 5...5, 7...9])
        #expect(bench.machine.settledSamples == 21)
        bench.runToEnd()
        #expect(bench.computed.map(\.sequence) == [4, 6, 10] && sequences(bench) == [4, 6, 10])
        #expect(bench.ending == .end)
    }

    @Test("a device of which the worker has everything computes nothing and is done; so is one without samples")
    func nothingLeft() {
        for samples in [0, 10] {
            var bench = DeviceBench(samples: samples)
            bench.start(settled: [1...4])
            #expect(bench.computed.isEmpty && bench.finishes == 1 && bench.ending == .end)
        }
    }

    @Test("another cut holds for groups that are not computed yet; older and repeated plans change nothing")
    func recut() {
        var bench = DeviceBench()
        bench.start()
        #expect(bench.handle(.assigned(DeviceBench.assignment())).isEmpty)
        bench.finishComputing()
        let next = DeviceBench.assignment(cut: 1, generation: 3)
        #expect(bench.handle(.assigned(next)) == [.tell(.assigned(cut: 1, generation: 3, worker: "worker"))])
        #expect(bench.handle(.assigned(DeviceBench.assignment(cut: 4, generation: 2))).isEmpty)
        bench.runToEnd()
        #expect(bench.cuts == [2, 2, 1, 1])
        #expect(bench.hellos == 1 && bench.connections.count == 1)
        #expect(sequences(bench) == [1, 2, 3, 4])
    }

    @Test("a plan with another worker takes everything there that is not settled there")
    func anotherWorker() {
        var bench = DeviceBench()
        bench.start()
        bench.finishComputing()
        bench.finishComputing()
        bench.acknowledge(1)
        let next = DeviceBench.assignment(generation: 2, worker: "successor")
        #expect(bench.handle(.assigned(next)).last == .connect(next))
        #expect(bench.acknowledge(2).isEmpty)
        bench.handle(.workerConnected)
        bench.welcome(settled: [1...1])
        #expect(sequences(bench) == [1, 2, 2])
        #expect(bench.sendings.last?.attempt == 2)
        bench.runToEnd()
        #expect(bench.machine.isSettled && bench.computed.count == 4)
    }

    @Test("a plan with more blocks than the model has is refused with both numbers")
    func cutBeyondModel() {
        var bench = DeviceBench()
        bench.handle(.assigned(DeviceBench.assignment(cut: 5)))
        #expect(bench.ending == .fail(.device(.cutBeyondModel(cut: 5, blocks: 4))))
    }

    @Test("after every connection the device greets again and repeats what is not settled, with the next attempt")
    func reconnection() {
        var bench = DeviceBench()
        bench.start()
        bench.finishComputing()
        bench.finishComputing()
        bench.finishComputing()
        bench.handle(.workerDisconnected)
        // The acknowledgement of 2 was lost with the connection.
        #expect(bench.handle(.workerConnected) == [.hello(samples: 10, isNewSession: true)])
        bench.welcome(settled: [2...2])
        #expect(sequences(bench) == [1, 2, 3, 1, 3])
        #expect(bench.sendings.map(\.attempt) == [1, 1, 1, 2, 2])
        bench.runToEnd()
        #expect(bench.computed.count == 4 && bench.ending == .end)
    }

    @Test("what a worker lost after it had acknowledged it is computed and sent again")
    func lostByWorker() {
        var bench = DeviceBench(stays: true)
        bench.start()
        bench.runToEnd()
        #expect(bench.finishes == 1 && bench.ending == nil && bench.machine.waitsFor == .stop)
        bench.handle(.workerDisconnected)
        bench.handle(.workerConnected)
        bench.welcome(settled: [1...1, 4...4])
        #expect(bench.machine.settledSamples == 4 && !bench.machine.isSettled)
        bench.runToEnd()
        #expect(bench.computed.map(\.sequence) == [1, 2, 3, 4, 2, 3])
        #expect(bench.finishes == 2 && bench.machine.isSettled)
    }

    @Test("a welcome that comes twice gives no credit twice; one that misses something settled begins a new session")
    func secondWelcome() {
        var bench = DeviceBench()
        bench.start(credit: 3 * DeviceBench.sampleBytes)
        bench.finishComputing()
        bench.finishComputing()
        #expect(bench.welcome(credit: 3 * DeviceBench.sampleBytes).isEmpty)
        #expect(bench.sendings.count == 1)
        bench.acknowledge(1)
        #expect(bench.sendings.count == 2)
        #expect(bench.welcome(settled: []) == [.hello(samples: 10, isNewSession: false)])
    }

    @Test("a device whose worker does not know its session, or counts other credit, greets again, once")
    func unknownSession() {
        for error in [WireError.unknownSession, .creditExceeded(bytes: 2, available: 1)] {
            var bench = DeviceBench()
            bench.start()
            bench.finishComputing()
            #expect(bench.reject(1, error) == [.hello(samples: 10, isNewSession: false)])
            #expect(bench.reject(1, error).isEmpty)
            bench.welcome()
            #expect(sequences(bench) == [1, 1])
        }
    }

    @Test("Hello is repeated in a new session, later and later, until it is answered; a refusal of it is told")
    func repeatedHello() {
        var bench = DeviceBench()
        bench.handle(.assigned(DeviceBench.assignment()))
        bench.handle(.workerConnected)
        var waits: [Duration] = []
        for _ in 0..<8 {
            bench.reject(0, .unknownSender("d"))
            guard let due = bench.machine.nextDeadline else { break }
            waits.append(due - bench.now)
            bench.now = due
            #expect(bench.handle(.tick) == [.hello(samples: 10, isNewSession: false)])
        }
        #expect(waits.count == 8 && waits.allSatisfy { $0 <= .seconds(23) } && waits[7] > waits[0] * 5)
        guard case .worker(_, let reason?) = bench.machine.waitsFor else {
            Issue.record("\(String(describing: bench.machine.waitsFor))")
            return
        }
        #expect(reason.contains("\"d\""))
        bench.welcome()
        #expect(bench.machine.waitsFor == nil && bench.computed.count == 1)
    }

    @Test("a device that the worker takes nothing from any more gives up")
    func senderRefused() {
        var bench = DeviceBench()
        bench.handle(.assigned(DeviceBench.assignment()))
        bench.handle(.workerConnected)
        let reject = Body.Reject(sequence: 0, error: .senderRefused(deadLetters: 16))
        bench.handle(.rejected(reject))
        #expect(
            bench.ending
                == .fail(
                    .publishing(.rejected(sequence: 0, attempts: 1, number: reject.number, text: reject.text))))
    }

    @Test("stop makes the device say goodbye at once, before the plan and amid it", arguments: [false, true])
    func stop(isAssigned: Bool) {
        var bench = DeviceBench()
        if isAssigned {
            bench.start()
            bench.finishComputing()
        }
        #expect(bench.handle(.stopped(reason: "enough")) == [.leave(reason: "enough")])
        #expect(bench.handle(.assigned(DeviceBench.assignment())).isEmpty)
        #expect(bench.finishComputing().isEmpty)
        #expect(bench.acknowledge(1).isEmpty)
    }
}
