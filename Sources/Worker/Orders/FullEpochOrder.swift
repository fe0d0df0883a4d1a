import Datasets
import Randomness

/// Every sample once an epoch. A step is made of what is ready: it waits only while less than a batch is.
///
/// As long as everything is there in time, the order is the deterministic one. From the first step on that would have had
/// to wait, the rest of the epoch is drawn: the batch is spread over the devices that have something ready by what each
/// still has to give in this epoch, here or not. A fast device therefore gets no more of a batch than its part of the
/// data, and a device that had nothing is caught up over the whole rest of the epoch.
struct FullEpochOrder: StepOrder {
    let seed: UInt64

    func draw(_ epoch: EpochPlan, from shelf: inout SampleShelf) -> [SampleReference]? {
        let planned = epoch.planned
        if epoch.isInOrder, shelf.isReady(planned) {
            shelf.take(planned)
            return planned
        }
        guard shelf.fresh.reduce(0, +) >= planned.count else { return nil }
        var chance = SeededGenerator(
            seed: seed, stream: "order/full-epoch/epoch-\(epoch.number)/step-\(epoch.taken)")
        let counts = EvenDraw.counts(planned.count, weights: shelf.unused, limits: shelf.fresh, using: &chance)
        return counts.enumerated().flatMap { device, count in
            (0..<count).compactMap { _ in shelf.takeFresh(of: device) }
        }
    }
}
