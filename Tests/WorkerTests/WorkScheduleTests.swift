import Datasets
import Randomness
import Testing

@testable import Worker

@Suite("Work schedule")
struct WorkScheduleTests {
    /// A schedule with its messages and its compute threads played by hand, everything in random order.
    struct Play {
        var schedule: WorkSchedule
        var steps: [[SampleReference]] = []
        var epochs: [Int] = []
        var advanced: [SampleReference] = []
        var mostAdvances = 0
        private let advanceLimit: Int
        private let cuts: [Int]
        private var messages: [(samples: [SampleReference], cut: Int)]
        private var advances: [[SampleReference]] = []
        private var isStepping = false
        private var ready: Set<SampleReference> = []

        init(
            seed: UInt64 = 3, counts: [Int], cuts: [Int], epochs: Int = 3, batch: Int = 8, advanceLimit: Int = 2,
            startStep: Int = 0, using chance: inout SeededGenerator
        ) {
            self.advanceLimit = advanceLimit
            self.cuts = cuts
            schedule = WorkSchedule(
                seed: seed, counts: counts, epochs: epochs, batch: batch, frozenBlocks: 4, advanceLimit: advanceLimit,
                startStep: startStep)
            messages = counts.enumerated().flatMap { device, count in
                Batches.cut((0..<count).map { SampleReference(device: device, index: $0) }, size: 3).map {
                    ($0, cuts[device])
                }
            }.shuffled(using: &chance)
        }

        mutating func run(using chance: inout SeededGenerator) {
            for _ in 0..<10_000 where !schedule.isFinished {
                switch Int.random(in: 0..<3, using: &chance) {
                case 0: arrive()
                case 1 where !advances.isEmpty:
                    let samples = advances.remove(at: Int.random(in: 0..<advances.count, using: &chance))
                    ready.formUnion(samples)
                    schedule.advanced(samples)
                case 2 where isStepping:
                    isStepping = false
                    schedule.stepped()
                default: continue
                }
                while let work = schedule.next() { start(work) }
            }
        }

        private mutating func arrive() {
            guard let (samples, cut) = messages.popLast() else { return }
            if cut == 4 { ready.formUnion(samples) }
            schedule.arrived(samples, cut: cut)
        }

        private mutating func start(_ work: WorkSchedule.Work) {
            switch work {
            case .step(let epoch, let samples):
                #expect(!isStepping, "one step at a time")
                #expect(samples.allSatisfy { ready.contains($0) }, "a step's samples have passed all frozen blocks")
                isStepping = true
                steps.append(samples)
                epochs.append(epoch)
            case .advance(let samples, let cut):
                #expect(cut < 4, "samples at the full cut need no frozen blocks")
                #expect(samples.allSatisfy { cuts[$0.device] == cut })
                advances.append(samples)
                advanced += samples
                mostAdvances = max(mostAdvances, advances.count)
                #expect(advances.count <= advanceLimit)
            }
        }
    }

    @Test("whatever arrives when, every epoch trains every sample once, in the order of the seed", arguments: 0..<40)
    func order(seed: UInt64) {
        var chance = SeededGenerator(seed: seed, stream: "arrivals")
        let counts = [13, 1, 20], cuts = [4, 2, 0]
        var play = Play(counts: counts, cuts: cuts, using: &chance)
        play.run(using: &chance)
        let planned = (1...3).map { Batches.cut(SampleOrder.global(seed: 3, counts: counts, epoch: $0), size: 8) }
        #expect(play.steps == planned.flatMap { $0 }, "seed \(seed)")
        #expect(play.epochs == [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3], "seed \(seed)")
        #expect(play.schedule.isFinished && play.schedule.queueDepth == 0, "seed \(seed)")
        for epoch in planned { #expect(Set(epoch.flatMap { $0 }).count == 34) }
    }

    @Test(
        "what a run trains before it stops and after it is resumed is what an undisturbed run trains",
        arguments: 0..<60)
    func resumed(seed: UInt64) {
        var chance = SeededGenerator(seed: seed, stream: "resumption")
        let devices = Int.random(in: 1...4, using: &chance)
        let counts = (0..<devices).map { _ in Int.random(in: 1...20, using: &chance) }
        let cuts = (0..<devices).map { _ in Int.random(in: 0...4, using: &chance) }
        let epochs = Int.random(in: 1...4, using: &chance), batch = Int.random(in: 1...12, using: &chance)
        let planned = (1...epochs).flatMap { epoch in
            Batches.cut(SampleOrder.global(seed: 3, counts: counts, epoch: epoch), size: batch).map { (epoch, $0) }
        }
        let split = Int.random(in: 0...planned.count, using: &chance)
        var undisturbed = Play(counts: counts, cuts: cuts, epochs: epochs, batch: batch, using: &chance)
        undisturbed.run(using: &chance)
        var resumed = Play(
            counts: counts, cuts: cuts, epochs: epochs, batch: batch, startStep: split, using: &chance)
        resumed.run(using: &chance)
        #expect(undisturbed.steps == planned.map(\.1), "seed \(seed)")
        #expect(undisturbed.steps.prefix(split) + resumed.steps == undisturbed.steps, "seed \(seed), split \(split)")
        #expect(undisturbed.epochs.prefix(split) + resumed.epochs == planned.map(\.0), "seed \(seed), split \(split)")
        #expect(resumed.schedule.isFinished && resumed.schedule.queueDepth == 0, "seed \(seed), split \(split)")
    }

    @Test("samples of batches that were taken before a resumption are in no queue until their next epoch")
    func resumedQueue() {
        let order = (1...2).map { SampleOrder.global(seed: 1, counts: [10], epoch: $0) }
        // Of the four batches in each epoch, six are taken: two of the second epoch, with six samples.
        var schedule = WorkSchedule(
            seed: 1, counts: [10], epochs: 2, batch: 3, frozenBlocks: 4, advanceLimit: 1, startStep: 6)
        schedule.arrived(Array(order[1][..<6]), cut: 4)
        #expect(schedule.queueDepth == 0 && schedule.next() == nil)
        schedule.arrived(Array(order[1][6...]), cut: 4)
        #expect(schedule.queueDepth == 4)
        #expect(schedule.next() == .step(epoch: 2, samples: Array(order[1][6..<9])))

        var earlier = WorkSchedule(
            seed: 1, counts: [10], epochs: 2, batch: 3, frozenBlocks: 4, advanceLimit: 1, startStep: 3)
        earlier.arrived(order[0], cut: 4)
        #expect(earlier.queueDepth == 1)
        #expect(earlier.next() == .step(epoch: 1, samples: [order[0][9]]))
        earlier.stepped()
        #expect(earlier.queueDepth == 10)
    }

    @Test("a run of which every step was taken is finished from the beginning", arguments: [8, 9, 1000])
    func nothingLeft(startStep: Int) {
        var schedule = WorkSchedule(
            seed: 1, counts: [10], epochs: 2, batch: 3, frozenBlocks: 4, advanceLimit: 1, startStep: startStep)
        #expect(schedule.isFinished && schedule.next() == nil)
    }

    @Test("the missing frozen blocks are run once per sample, never for a sample at the full cut")
    func frozenBlocks() {
        var chance = SeededGenerator(seed: 5, stream: "arrivals")
        var play = Play(counts: [9, 30, 7], cuts: [4, 1, 4], using: &chance)
        play.run(using: &chance)
        #expect(play.advanced.count == 30)
        #expect(Set(play.advanced) == Set((0..<30).map { SampleReference(device: 1, index: $0) }))
        #expect(play.mostAdvances == 2)
    }

    @Test("no more passes over frozen blocks run at once than there are threads for", arguments: [1, 3])
    func limit(advances: Int) {
        var schedule = WorkSchedule(
            seed: 1, counts: [6], epochs: 1, batch: 6, frozenBlocks: 4, advanceLimit: advances)
        for index in 0..<6 { schedule.arrived([SampleReference(device: 0, index: index)], cut: 1) }
        #expect((0..<6).count { _ in schedule.next() != nil } == advances)
        schedule.advanced([SampleReference(device: 0, index: 0)])
        #expect(schedule.next() == .advance(samples: [SampleReference(device: 0, index: advances)], cut: 1))
        #expect(schedule.next() == nil)
    }

    @Test("a step waits for its last sample, and the next one for the end of the step")
    func waits() {
        var schedule = WorkSchedule(seed: 1, counts: [4], epochs: 1, batch: 2, frozenBlocks: 4, advanceLimit: 1)
        let order = SampleOrder.global(seed: 1, counts: [4], epoch: 1)
        schedule.arrived(Array(order[1...]), cut: 4)
        #expect(schedule.next() == nil)
        #expect(schedule.queueDepth == 3)
        schedule.arrived([order[0]], cut: 4)
        #expect(schedule.next() == .step(epoch: 1, samples: Array(order[..<2])))
        #expect(schedule.next() == nil)
        schedule.stepped()
        #expect(schedule.next() == .step(epoch: 1, samples: Array(order[2...])))
        #expect(!schedule.isFinished)
        schedule.stepped()
        #expect(schedule.isFinished && schedule.next() == nil)
    }
}
