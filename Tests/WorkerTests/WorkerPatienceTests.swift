import Testing
import Wire

@testable import Worker

@Suite("Worker machine: without a coordinator")
struct WorkerPatienceTests {
    @Test("a worker is busy while it stores, trains, or writes a checkpoint, and not while it waits")
    func busy() throws {
        var bench = WorkerBench(staysUntilStopped: true)
        #expect(!bench.machine.isBusy)
        bench.plan()
        for device in ["a", "b"] { bench.greet(device) }
        #expect(!bench.machine.isBusy)
        bench.storesAtOnce = false
        bench.send("a", WorkerBench.message(1, Array(0..<8)))
        #expect(bench.machine.isBusy, "a message is on its way to the store")
        try bench.store()
        bench.storesAtOnce = true
        bench.send("b", WorkerBench.message(1, Array(0..<6)))
        #expect(bench.machine.isBusy && bench.isStepping)
        while bench.isStepping { bench.endStep() }
        #expect(!bench.machine.isBusy, "the rest of the samples is missing")
        bench.send("a", WorkerBench.message(2, [8, 9]))
        while bench.isStepping { bench.endStep() }
        #expect(bench.machine.phase == .ended(.completed) && !bench.machine.isBusy)
    }

    @Test("a worker that makes ready what trains, or a checkpoint, is busy")
    func beginning() {
        var machine = WorkerMachine(
            WorkerMachine.Settings(
                epochs: 1, batch: 4, frozenBlocks: 4, creditBytesPerDevice: 1000, advanceLimit: 1,
                staysUntilStopped: true))
        _ = machine.planned(WorkerBench.plan)
        #expect(machine.hasBegun && machine.isBusy)
        _ = machine.began(step: 0, unrecorded: [])
        #expect(!machine.isBusy)
        _ = machine.drained(Body.Drain())
        #expect(machine.phase == .checkpointing(.drained) && machine.isBusy)
        _ = machine.checkpointed()
        #expect(!machine.isBusy)
    }
}
