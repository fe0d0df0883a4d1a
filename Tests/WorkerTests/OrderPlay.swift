import Datasets
import Randomness
import Testing

@testable import Worker

/// A schedule in one of the orders, with arrivals, steps and damage played by chance, and books of its own to hold the
/// schedule against.
struct OrderPlay {
    /// A step that was begun, and what was there then.
    struct Step {
        let epoch: Int
        let samples: [SampleReference]
        let planned: [SampleReference]
        /// By device: samples ready, those of them not used in the epoch, and all not used in the epoch.
        let ready: [Int]
        let fresh: [Int]
        let unused: [Int]
        /// Whether each sample was, of its device's, one that is ready and used least.
        let takesLeastUsed: Bool
    }

    let order: TrainingOrder
    let counts: [Int]
    let batch: Int
    let epochs: Int
    let startStep: Int
    private(set) var steps: [Step] = []
    private(set) var schedule: WorkSchedule
    /// Messages that have not arrived.
    private var messages: [[SampleReference]]
    private var ready: Set<SampleReference> = []
    private var uses: [SampleReference: Int] = [:]
    private var isStepping = false
    private let plans: [[[SampleReference]]]
    private let recorded: [[SampleReference]]

    init(
        _ order: TrainingOrder, counts: [Int], batch: Int, epochs: Int, startStep: Int = 0,
        past: WorkSchedule.Past = .init(), using chance: inout SeededGenerator
    ) {
        (self.order, self.counts, self.batch, self.epochs, self.startStep) = (order, counts, batch, epochs, startStep)
        recorded = past.recorded
        schedule = WorkSchedule(
            seed: 3, counts: counts, epochs: epochs, batch: batch, frozenBlocks: 4, advanceLimit: 2,
            startStep: startStep, order: order, past: past)
        plans = (1...epochs).map { Batches.cut(SampleOrder.global(seed: 3, counts: counts, epoch: $0), size: batch) }
        // Devices of very unequal speed: one may be there before another has begun.
        messages = counts.enumerated().flatMap { device, count in
            let pace = Double(Int.random(in: 1...20, using: &chance))
            return Batches.cut(SampleOrder.deviceOrder(seed: 3, device: device, count: count, epoch: 1), size: 3)
                .enumerated().map { place, indices in
                    (
                        pace * Double(place) + chance.uniform(),
                        indices.map { SampleReference(device: device, index: $0) }
                    )
                }
        }.sorted { $0.0 > $1.0 }.map(\.1)
        for sample in past.used { uses[sample, default: 0] += 1 }
    }

    var totalSteps: Int { plans.joined().count }

    /// The samples of the step after so many.
    func planned(after step: Int) -> [SampleReference] { plans[step / plans[0].count][step % plans[0].count] }

    /// Lets every message arrive before anything else happens.
    mutating func arriveAll() {
        while !messages.isEmpty { arrive() }
    }

    /// Plays until every step is taken, or so many.
    ///
    /// - Parameter isDamaged: whether stored messages turn out to be damaged now and then.
    mutating func run(steps most: Int = .max, isDamaged: Bool = false, using chance: inout SeededGenerator) {
        for _ in 0..<100_000 where !schedule.isFinished {
            switch Int.random(in: 0..<4, using: &chance) {
            case 0 where !messages.isEmpty: arrive()
            case 1 where isStepping && isDamaged && Int.random(in: 0..<8, using: &chance) == 0: damage(using: &chance)
            case 1 where isStepping, 2 where isStepping: endStep()
            default: break
            }
            guard steps.count < most || isStepping else { return }
            while steps.count < most, let work = schedule.next() { begin(work) }
            if !isStepping, !schedule.isFinished, steps.count < most { expectReasonToWait() }
        }
    }

    private mutating func arrive() {
        guard let samples = messages.popLast() else { return }
        ready.formUnion(samples)
        schedule.arrived(samples, cut: 4)
    }

    private mutating func begin(_ work: WorkSchedule.Work) {
        guard case .step(let epoch, let samples) = work else { return }
        #expect(!isStepping && samples.allSatisfy { ready.contains($0) })
        let planned = planned(after: startStep + steps.count)
        if planned == plans[epoch - 1][0] { uses = [:] }
        let before = (
            ready: byDevice { ready.contains($0) }, fresh: byDevice { isFresh($0) }, unused: byDevice { !isUsed($0) }
        )
        var takesLeastUsed = true
        for sample in samples {
            let least = ready.filter { $0.device == sample.device }.map { uses[$0, default: 0] }.min() ?? 0
            takesLeastUsed = takesLeastUsed && uses[sample, default: 0] == least
            uses[sample, default: 0] += 1
        }
        steps.append(
            Step(
                epoch: epoch, samples: samples, planned: planned, ready: before.ready, fresh: before.fresh,
                unused: before.unused, takesLeastUsed: takesLeastUsed))
        isStepping = true
    }

    private mutating func endStep() {
        isStepping = false
        schedule.stepped()
    }

    /// A sample of the step under way is damaged: its message has to come again.
    private mutating func damage(using chance: inout SeededGenerator) {
        let samples = steps.removeLast().samples
        isStepping = false
        for sample in samples { uses[sample, default: 1] -= 1 }
        schedule.notStepped(samples)
        let lost = [samples[Int.random(in: 0..<samples.count, using: &chance)]]
        ready.subtract(lost)
        schedule.lost(lost)
        messages.insert(lost, at: Int.random(in: 0...messages.count, using: &chance))
    }

    /// What keeps a step that does not begin.
    private func expectReasonToWait() {
        if steps.count < recorded.count {
            return #expect(
                recorded[steps.count].contains { !ready.contains($0) }, "a recorded step waits for its samples")
        }
        let next = startStep + steps.count, planned = planned(after: next)
        let isNewEpoch = next % plans[0].count == 0
        switch order {
        case .deterministic: #expect(planned.contains { !ready.contains($0) })
        case .fullEpoch:
            let fresh = isNewEpoch ? ready.count : byDevice(isFresh).reduce(0, +)
            #expect(fresh < planned.count, "a batch is ready, and nobody trains it")
        case .available: #expect(ready.count < planned.count, "a batch is ready, and nobody trains it")
        }
    }

    private func isUsed(_ sample: SampleReference) -> Bool { uses[sample, default: 0] > 0 }

    private func isFresh(_ sample: SampleReference) -> Bool { ready.contains(sample) && !isUsed(sample) }

    private func byDevice(_ holds: (SampleReference) -> Bool) -> [Int] {
        counts.enumerated().map { device, count in
            (0..<count).count { holds(SampleReference(device: device, index: $0)) }
        }
    }
}
