import Datasets

/// Which samples are here, and how often the steps of the epoch have used each.
struct SampleShelf {
    enum State {
        case missing, frozenBlocksMissing, ready
    }

    private var states: [[State]]
    private var uses: [[UInt32]]
    /// Each device's own order of the epoch.
    private var orders: [[Int]]
    /// All samples of a device before this place in its order have been used.
    private var firstFresh: [Int]
    /// Of each device, the fewest uses of a sample that is ready, and the place before which none has so few; nil when
    /// something has changed.
    private var leastUsed: [(uses: UInt32, place: Int)?]

    /// Each device's samples.
    let counts: [Int]
    /// Each device's samples that a step can train.
    private(set) var ready: [Int]
    /// Those of them that no step of the epoch has used.
    private(set) var fresh: [Int]
    /// Each device's samples that no step of the epoch has used, wherever they are.
    private(set) var unused: [Int]
    /// Samples that have arrived and that no step of the epoch has used.
    private(set) var depth = 0
    private var arrived = 0

    init(counts: [Int]) {
        self.counts = counts
        states = counts.map { Array(repeating: .missing, count: $0) }
        uses = counts.map { Array(repeating: 0, count: $0) }
        orders = counts.map { Array(0..<$0) }
        let none = counts.map { _ in 0 }
        (ready, fresh, firstFresh) = (none, none, none)
        unused = counts
        leastUsed = counts.map { _ in nil }
    }

    /// An epoch begins, in this order of all samples.
    mutating func begin(_ order: [SampleReference]) {
        uses = counts.map { Array(repeating: 0, count: $0) }
        orders = counts.map { _ in [] }
        for sample in order { orders[sample.device].append(sample.index) }
        firstFresh = counts.map { _ in 0 }
        leastUsed = counts.map { _ in nil }
        (fresh, unused, depth) = (ready, counts, arrived)
    }

    /// Something has become of a sample.
    mutating func set(_ state: State, of sample: SampleReference) {
        let (device, index) = (sample.device, sample.index)
        let old = states[device][index], isUnused = uses[device][index] == 0
        states[device][index] = state
        leastUsed[device] = nil
        let arrivals = (state == .missing ? 0 : 1) - (old == .missing ? 0 : 1)
        let readied = (state == .ready ? 1 : 0) - (old == .ready ? 1 : 0)
        arrived += arrivals
        ready[device] += readied
        guard isUnused else { return }
        depth += arrivals
        fresh[device] += readied
    }

    func isReady(_ samples: [SampleReference]) -> Bool {
        samples.allSatisfy { states[$0.device][$0.index] == .ready }
    }

    /// A step uses these samples.
    mutating func take(_ samples: [SampleReference]) {
        for sample in samples {
            uses[sample.device][sample.index] += 1
            if uses[sample.device][sample.index] == 1 { count(sample, by: -1) }
        }
    }

    /// The step has not used them after all.
    mutating func putBack(_ samples: [SampleReference]) {
        for sample in samples {
            uses[sample.device][sample.index] -= 1
            if uses[sample.device][sample.index] == 0 { count(sample, by: 1) }
            firstFresh[sample.device] = 0
            leastUsed[sample.device] = nil
        }
    }

    private mutating func count(_ sample: SampleReference, by change: Int) {
        unused[sample.device] += change
        leastUsed[sample.device] = nil
        switch states[sample.device][sample.index] {
        case .missing: break
        case .frozenBlocksMissing: depth += change
        case .ready:
            depth += change
            fresh[sample.device] += change
        }
    }

    /// Takes a device's next sample, in its own order, that is ready and that the epoch has not used.
    mutating func takeFresh(of device: Int) -> SampleReference? {
        guard fresh[device] > 0 else { return nil }
        let order = orders[device]
        while uses[device][order[firstFresh[device]]] > 0 { firstFresh[device] += 1 }
        let next = order[firstFresh[device]...].first { uses[device][$0] == 0 && states[device][$0] == .ready }
        return taken(next, of: device)
    }

    /// Takes the sample of a device that is ready and that the epoch has used least; of those the first in its order.
    mutating func takeAgain(of device: Int) -> SampleReference? {
        guard ready[device] > 0 else { return nil }
        let order = orders[device]
        func isReady(_ index: Int) -> Bool { states[device][index] == .ready }
        while true {
            let least = leastUsed[device] ?? (order.filter(isReady).map { uses[device][$0] }.min() ?? 0, 0)
            let place = order.indices[least.place...].first {
                uses[device][order[$0]] == least.uses && isReady(order[$0])
            }
            leastUsed[device] = place.map { (least.uses, $0 + 1) }
            if let place { return taken(order[place], of: device) }
        }
    }

    private mutating func taken(_ index: Int?, of device: Int) -> SampleReference? {
        guard let index else { return nil }
        let sample = SampleReference(device: device, index: index)
        take([sample])
        return sample
    }
}
