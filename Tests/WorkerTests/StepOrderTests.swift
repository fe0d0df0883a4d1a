import Datasets
import Randomness
import Testing

@testable import Worker

@Suite("Orders of steps")
struct StepOrderTests {
    /// A run of random size, whose first draws are the same whatever is done with it.
    static func play(
        _ order: TrainingOrder, _ chance: inout SeededGenerator
    ) -> OrderPlay {
        let devices = Int.random(in: 1...5, using: &chance)
        let counts = (0..<devices).map { _ in Int.random(in: 1...40, using: &chance) }
        return OrderPlay(
            order, counts: counts, batch: Int.random(in: 1...12, using: &chance),
            epochs: Int.random(in: 1...3, using: &chance), using: &chance)
    }

    static func chance(_ seed: UInt64, _ purpose: String) -> SeededGenerator {
        SeededGenerator(seed: seed, stream: "orders/\(purpose)")
    }

    @Test(
        "whatever arrives when, and is damaged, full-epoch and deterministic train every sample once an epoch",
        arguments: [TrainingOrder.fullEpoch, .deterministic], 0..<60)
    func everySampleOnce(order: TrainingOrder, seed: UInt64) {
        var chance = Self.chance(seed, "once")
        var play = Self.play(order, &chance)
        play.run(isDamaged: true, using: &chance)
        #expect(play.schedule.isFinished && play.schedule.queueDepth == 0, "seed \(seed)")
        for epoch in 1...play.epochs {
            let samples = play.steps.filter { $0.epoch == epoch }.flatMap(\.samples)
            #expect(samples.count == play.counts.reduce(0, +), "seed \(seed)")
            #expect(Set(samples).count == samples.count, "seed \(seed)")
        }
        #expect(play.steps.allSatisfy { $0.samples.count == $0.planned.count }, "seed \(seed)")
    }

    @Test("what is there in time is trained in the deterministic order, in every order", arguments: 0..<30)
    func undisturbed(seed: UInt64) {
        for order in TrainingOrder.allCases {
            var chance = Self.chance(seed, "undisturbed")
            var play = Self.play(order, &chance)
            play.arriveAll()
            play.run(using: &chance)
            #expect(play.steps.count == play.totalSteps)
            #expect(play.steps.allSatisfy { $0.samples == $0.planned }, "seed \(seed), \(order)")
        }
    }

    @Test("in full-epoch, arrivals change the first epoch alone", arguments: 0..<30)
    func laterEpochs(seed: UInt64) {
        var chance = Self.chance(seed, "later")
        var play = OrderPlay(.fullEpoch, counts: [30, 11, 7], batch: 8, epochs: 3, using: &chance)
        play.run(using: &chance)
        #expect(play.steps.contains { $0.samples != $0.planned }, "seed \(seed)")
        #expect(play.steps.filter { $0.epoch > 1 }.allSatisfy { $0.samples == $0.planned }, "seed \(seed)")
    }

    @Test(
        "full-epoch spreads a batch over the devices that have something, by what each still has to give",
        arguments: 0..<60)
    func fullEpochMixture(seed: UInt64) {
        var chance = Self.chance(seed, "mixture")
        var play = Self.play(.fullEpoch, &chance)
        play.run(isDamaged: true, using: &chance)
        for step in play.steps where step.samples != step.planned {
            let able = step.fresh.indices.filter { step.fresh[$0] > 0 }
            let left = able.reduce(0) { $0 + step.unused[$1] }
            let shares = step.unused.map { Double($0 * step.samples.count) / Double(left) }
            let isFree = able.allSatisfy { Double(step.fresh[$0]) >= shares[$0].rounded(.up) }
            for device in step.fresh.indices {
                let count = step.samples.count { $0.device == device }
                guard step.fresh[device] > 0 else {
                    #expect(count == 0)
                    continue
                }
                #expect(count >= min(step.fresh[device], Int(shares[device])), "seed \(seed)")
                if isFree { #expect(Double(count) <= shares[device].rounded(.up), "seed \(seed)") }
            }
        }
    }

    @Test(
        "available spreads a batch over the devices by data size, and repeats nothing of a device that has more",
        arguments: 0..<60)
    func availableMixture(seed: UInt64) {
        var chance = Self.chance(seed, "mixture")
        var play = Self.play(.available, &chance)
        play.run(isDamaged: true, using: &chance)
        #expect(play.steps.count == play.totalSteps && play.schedule.isFinished, "seed \(seed)")
        for step in play.steps {
            #expect(step.takesLeastUsed, "seed \(seed)")
            let absent = step.planned.count { step.ready[$0.device] == 0 }
            let here = step.ready.indices.reduce(0) { $0 + (step.ready[$1] > 0 ? play.counts[$1] : 0) }
            for device in step.ready.indices {
                let count = step.samples.count { $0.device == device }
                let planned = step.planned.count { $0.device == device }
                guard step.ready[device] > 0 else {
                    #expect(count == 0)
                    continue
                }
                let lent = Double(absent * play.counts[device]) / Double(here)
                #expect((lent.rounded(.down)...lent.rounded(.up)).contains(Double(count - planned)), "seed \(seed)")
            }
        }
    }

    @Test("in available, every device has its part of each epoch once something of all is here", arguments: 0..<20)
    func availableParts(seed: UInt64) {
        var chance = Self.chance(seed, "parts")
        let counts = [20, 50, 9]
        var play = OrderPlay(.available, counts: counts, batch: 8, epochs: 4, using: &chance)
        play.run(using: &chance)
        let whole = (1...4).filter { epoch in
            play.steps.filter { $0.epoch == epoch }.allSatisfy { $0.ready.allSatisfy { $0 > 0 } }
        }
        for epoch in whole {
            let samples = play.steps.filter { $0.epoch == epoch }.flatMap(\.samples)
            #expect(counts.indices.map { device in samples.count { $0.device == device } } == counts, "seed \(seed)")
        }
        #expect(whole.contains(4), "seed \(seed)")
    }

    @Test(
        "a run that goes on takes the recorded steps again with the same samples, and then uses what the epoch has left",
        arguments: TrainingOrder.allCases, 0..<60)
    func goesOn(order: TrainingOrder, seed: UInt64) {
        var chance = Self.chance(seed, "goes on")
        var first = Self.play(order, &chance)
        let recorded = Int.random(in: 0...first.totalSteps, using: &chance)
        first.run(steps: recorded, isDamaged: true, using: &chance)
        let checkpoint = Int.random(in: 0...recorded, using: &chance)
        let position = StepPosition(
            after: checkpoint, samples: first.counts.reduce(0, +), batchSize: first.batch)
        let known = first.steps.map(\.samples)
        let past = WorkSchedule.Past(
            used: known[..<checkpoint].suffix(position.batch).flatMap { $0 }, recorded: Array(known[checkpoint...]))
        var second = OrderPlay(
            order, counts: first.counts, batch: first.batch, epochs: first.epochs, startStep: checkpoint, past: past,
            using: &chance)
        second.run(isDamaged: true, using: &chance)
        let again = second.steps.map(\.samples)
        #expect(Array(again.prefix(recorded - checkpoint)) == Array(known[checkpoint...]), "seed \(seed)")
        #expect(checkpoint + again.count == first.totalSteps, "seed \(seed)")
        guard order != .available else { return }
        let all = known[..<checkpoint] + again
        for epoch in Batches.cut(Array(all), size: first.totalSteps / first.epochs) {
            let samples = epoch.flatMap { $0 }
            #expect(Set(samples).count == samples.count && samples.count == first.counts.reduce(0, +), "seed \(seed)")
        }
    }

    @Test("a device that is caught up is spread over the rest of its epoch")
    func caughtUp() {
        // The second device comes when half of the first one's samples are used.
        var schedule = WorkSchedule(
            seed: 1, counts: [64, 32], epochs: 1, batch: 8, frozenBlocks: 4, advanceLimit: 1, order: .fullEpoch)
        schedule.arrived((0..<64).map { SampleReference(device: 0, index: $0) }, cut: 4)
        var parts: [Int] = []
        while case .step(_, let samples)? = schedule.next() {
            parts.append(samples.count { $0.device == 1 })
            schedule.stepped()
            if parts.count == 4 { schedule.arrived((0..<32).map { SampleReference(device: 1, index: $0) }, cut: 4) }
        }
        #expect(parts == [0, 0, 0, 0, 4, 4, 4, 4, 4, 4, 4, 4])
        #expect(schedule.isFinished)
    }
}

@Suite("Even draws")
struct EvenDrawTests {
    @Test("every device gets its share, rounded, unless it or another has not so much", arguments: 0..<100)
    func shares(seed: UInt64) {
        var chance = SeededGenerator(seed: seed, stream: "even draws")
        let weights = (0..<Int.random(in: 1...9, using: &chance)).map { _ in Int.random(in: 0...50, using: &chance) }
        let limits = weights.map { _ in Int.random(in: 0...20, using: &chance) }
        let places = Int.random(in: 0...40, using: &chance)
        let counts = EvenDraw.counts(places, weights: weights, limits: limits, using: &chance)
        let able = weights.indices.filter { weights[$0] > 0 && limits[$0] > 0 }
        let total = able.reduce(0) { $0 + weights[$1] }
        #expect(counts.reduce(0, +) == min(places, able.reduce(0) { $0 + limits[$1] }), "seed \(seed)")
        for device in weights.indices {
            guard able.contains(device) else {
                #expect(counts[device] == 0, "seed \(seed)")
                continue
            }
            #expect(counts[device] <= limits[device], "seed \(seed)")
            #expect(counts[device] >= min(limits[device], places * weights[device] / total), "seed \(seed)")
        }
    }

    @Test("a device whose share is less than a place gets its places in the long run")
    func unbiased() {
        var chance = SeededGenerator(seed: 4, stream: "even draws")
        var sums = [0, 0, 0]
        for _ in 0..<10_000 {
            let counts = EvenDraw.counts(4, weights: [90, 9, 1], limits: [4, 4, 4], using: &chance)
            for device in 0..<3 { sums[device] += counts[device] }
        }
        for (sum, share) in zip(sums, [36_000.0, 3_600, 400]) { #expect(abs(Double(sum) - share) < 100) }
    }
}
