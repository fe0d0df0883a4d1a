import Queueing
import Testing
import Wire

@testable import Device

@Suite("Device machine: without a coordinator")
struct DevicePatienceTests {
    private static let silence = PatienceError.coordinatorSilent(endpoint: "tcp://server:7070", seconds: 60)

    @Test("it misses the coordinator when it has no worker, when that does not answer, and when all is settled")
    func waiting() {
        var bench = DeviceBench(stays: true)
        #expect(!bench.machine.isBusy)
        bench.handle(.assigned(DeviceBench.assignment()))
        #expect(!bench.machine.isBusy)
        bench.handle(.workerConnected)
        #expect(!bench.machine.isBusy)
        bench.welcome()
        #expect(bench.machine.isBusy)
        bench.handle(.workerDisconnected)
        // The group under way is computed to its end.
        #expect(bench.machine.isBusy)
        bench.finishComputing()
        #expect(!bench.machine.isBusy)
        bench.handle(.workerConnected)
        bench.welcome()
        bench.runToEnd()
        #expect(bench.machine.isSettled && !bench.machine.isBusy)
    }

    @Test("it does not while it computes, publishes, or waits for its worker's credit or room")
    func busy() {
        var bench = DeviceBench(stays: true)
        bench.start(credit: DeviceBench.sampleBytes * 3)
        #expect(bench.machine.isBusy)
        bench.finishComputing()
        #expect(bench.machine.isBusy && bench.sendings.count == 1)
        bench.reject(bench.sendings[0].part.sequence, .storeFull(neededBytes: 9, freeBytes: 1))
        #expect(bench.machine.waitsFor != nil && bench.machine.isBusy)

        bench = DeviceBench(stays: true)
        bench.start(credit: 0)
        bench.finishComputing()
        #expect(bench.machine.waitsFor == .credit && bench.machine.isBusy)
    }

    @Test("abandoned with everything settled it leaves and says so; otherwise it fails with what to do")
    func abandoned() {
        var bench = DeviceBench(stays: true)
        bench.start()
        bench.runToEnd()
        let reason = "everything is with the worker. \(Self.silence.problem)"
        #expect(bench.handle(.abandoned(Self.silence)) == [.leave(reason: reason)])

        bench = DeviceBench(stays: true)
        bench.handle(.coordinatorConnected)
        #expect(bench.handle(.abandoned(Self.silence)) == [.fail(.abandoned(Self.silence))])
        #expect(bench.machine.isDone)
    }
}
