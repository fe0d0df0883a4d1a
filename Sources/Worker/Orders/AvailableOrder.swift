import Datasets
import Randomness

/// No step waits, once there are as many samples as a batch has.
///
/// The batch is spread over the devices as in the deterministic order, and thus by data size. A device gives its next
/// sample that this epoch has not used; where none is ready, it gives one again, that of the fewest uses. A device of which
/// nothing has ever come lends its places to the others, by data size. Where everything is there, the order is the
/// deterministic one.
struct AvailableOrder: StepOrder {
    let seed: UInt64

    func draw(_ epoch: EpochPlan, from shelf: inout SampleShelf) -> [SampleReference]? {
        let planned = epoch.planned
        guard shelf.ready.reduce(0, +) >= planned.count else { return nil }
        var chance = SeededGenerator(
            seed: seed, stream: "order/available/epoch-\(epoch.number)/step-\(epoch.taken)")
        let absent = planned.count { shelf.ready[$0.device] == 0 }
        let lent = EvenDraw.counts(
            absent, weights: shelf.counts, limits: shelf.ready.map { $0 > 0 ? absent : 0 }, using: &chance)
        var borrowers = lent.enumerated().flatMap { Array(repeating: $0.offset, count: $0.element) }[...]
        return planned.compactMap { place in
            let device = shelf.ready[place.device] > 0 ? place.device : borrowers.popFirst() ?? place.device
            return shelf.takeFresh(of: device) ?? shelf.takeAgain(of: device)
        }
    }
}
