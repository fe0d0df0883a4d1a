import Datasets
import Queueing
import Randomness
import Testing
import Wire

@testable import Device

@Suite("Device machine: random walks")
struct DeviceWalkTests {
    @Test(
        "whatever is lost, refused, repeated, restarted or planned anew, in the end the worker has every message once",
        arguments: 0..<60 as Range<UInt64>)
    func walk(seed: UInt64) {
        var chance = SeededGenerator(seed: seed, stream: "device-walk")
        let samples = Int.random(in: 1...60, using: &chance), batch = Int.random(in: 1...5, using: &chance)
        var bench = DeviceBench(
            samples: samples, publishBatch: batch, partBytes: Int.random(in: 32...400, using: &chance),
            maximumAttempts: .max, stays: true, seed: seed)
        var worker = SimulatedWorker(seed: seed)
        var generation: UInt64 = 1
        bench.handle(.assigned(DeviceBench.assignment()))

        func tell(_ event: DeviceMachine.Event) { worker.take(bench.tell(event)) }
        for _ in 0..<3000 {
            switch Int.random(in: 0..<1000, using: &chance) {
            case 0..<300: worker.work(isMoody: true)
            case 300..<580: for event in worker.nextAnswer(twice: false) { tell(event) }
            case 580..<600: for event in worker.nextAnswer(twice: true) { tell(event) }
            case 600..<605: worker.loseAnswer()
            case 605..<760: worker.take(bench.finishComputing())
            case 760..<775: if worker.isConnected { tell(worker.disconnect()) }
            case 775..<780: tell(worker.restart(losing: Bool.random(using: &chance)))
            case 780..<785:
                generation += 1
                let cut = UInt32.random(in: 0...4, using: &chance)
                tell(.assigned(DeviceBench.assignment(cut: cut, generation: generation)))
            case 785..<800: tell(.answered(heartbeatSentAt: bench.now - .milliseconds(100)))
            case 800..<850: if !worker.isConnected { tell(worker.connect()) }
            default:
                bench.now += .milliseconds(Int.random(in: 0...3000, using: &chance))
                tell(.tick)
            }
        }
        // The weather clears up.
        for _ in 0..<20_000 where !(bench.machine.isSettled && worker.settled.count == bench.messageCount) {
            if !worker.isConnected { tell(worker.connect()) }
            worker.work(isMoody: false)
            for event in worker.nextAnswer(twice: false) { tell(event) }
            worker.take(bench.finishComputing())
            bench.now += .milliseconds(200)
            tell(.tick)
        }
        let planned = DeviceBench.planned(samples: samples, publishBatch: batch)
        #expect(worker.settled == Set(planned.map(\.sequence)), "seed \(seed)")
        #expect(worker.applied.values.allSatisfy { $0 == 1 }, "seed \(seed)")
        #expect(worker.overspent == 0, "seed \(seed)")
        #expect(bench.machine.isSettled && bench.machine.settledSamples == samples, "seed \(seed)")
        #expect(bench.held.isEmpty && bench.ending == nil, "seed \(seed)")
        #expect(Set(bench.computed) == Set(planned), "seed \(seed)")
    }
}
