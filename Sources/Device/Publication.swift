import Datasets
import Queueing

/// What of a device's samples is to be computed, held, on its way, and settled at the worker.
struct Publication {
    /// What is known of a group once it is computed.
    struct Shape: Equatable {
        let rows: Int
        let bytesPerRow: Int
        /// About how long the header of each part is.
        let headerBytes: Int

        var bytes: Int { rows * bytesPerRow }
    }

    /// The next part to be sent.
    struct Next: Equatable {
        let part: PublishWindow.Part
        let parts: UInt32
        let bytes: Int
    }

    private struct Held {
        let shape: Shape
        /// Chosen when the first of them is sent; 0 before.
        var parts: UInt32 = 0
        var acknowledged = 0
    }

    private enum State {
        case pending, computing, settled
        case held(Held)
    }

    private let groups: [PublicationGroup]
    private let tokens: [Int]
    /// By place in sending order.
    private var states: [State]
    /// The place of each sequence.
    private let places: [UInt64: Int]
    /// No group before this place is pending.
    private var firstPending = 0
    /// Places of held groups of which something is still to be sent for the first time in this session, and the part of
    /// the first of them that is next.
    private var unsent: ArraySlice<Int> = []
    private var nextPart: UInt32 = 0

    /// Payload bytes in memory.
    private(set) var heldBytes = 0
    private(set) var settledSamples = 0
    private(set) var settledTokens = 0
    private var settledGroups = 0
    private(set) var isComputing = false

    /// - Parameters:
    ///   - groups: in sending order; their sequences are 1 to their count.
    ///   - lengths: the tokens of each sample.
    init(_ groups: [PublicationGroup], lengths: [Int]) {
        self.groups = groups
        tokens = groups.map { $0.samples.reduce(0) { $0 + lengths[$1] } }
        states = Array(repeating: .pending, count: groups.count)
        places = Dictionary(uniqueKeysWithValues: groups.enumerated().map { ($0.element.sequence, $0.offset) })
    }

    /// Messages, each counted once.
    var messageCount: Int { groups.count }

    /// Whether the worker has everything.
    var isSettled: Bool { settledGroups == groups.count }

    /// Whether something computed waits for being sent.
    var hasUnsent: Bool { !unsent.isEmpty }

    /// Takes the next group to be computed.
    mutating func takePending() -> PublicationGroup? {
        while firstPending < groups.count {
            let place = firstPending
            firstPending += 1
            guard case .pending = states[place] else { continue }
            states[place] = .computing
            isComputing = true
            return groups[place]
        }
        return nil
    }

    /// A group's activations are there.
    ///
    /// - Returns: whether they are still needed; they are not when they were settled meanwhile.
    mutating func computed(_ sequence: UInt64, _ shape: Shape) -> Bool {
        isComputing = false
        guard let place = places[sequence], case .computing = states[place] else { return false }
        states[place] = .held(Held(shape: shape))
        heldBytes += shape.bytes
        unsent.append(place)
        return true
    }

    /// The next part to be sent; nil when there is none.
    ///
    /// - Parameter limit: the most payload bytes that a part of a message with such headers may have. It is asked
    ///   when a message's parts are not yet chosen.
    mutating func next(limit: (_ headerBytes: Int) -> Int) -> Next? {
        guard let place = unsent.first, case .held(var held) = states[place] else { return nil }
        let shape = held.shape
        if held.parts == 0 {
            held.parts = PartSize.count(
                rows: shape.rows, bytesPerRow: shape.bytesPerRow, limit: limit(shape.headerBytes))
            states[place] = .held(held)
        }
        return Next(
            part: PublishWindow.Part(sequence: groups[place].sequence, index: nextPart), parts: held.parts,
            bytes: PartSize.bytes(
                ofPart: nextPart, of: held.parts, rows: shape.rows, bytesPerRow: shape.bytesPerRow))
    }

    /// How long one row of the next part is.
    var nextRowBytes: Int? {
        guard let place = unsent.first, case .held(let held) = states[place] else { return nil }
        return held.shape.bytesPerRow
    }

    /// Into how many parts a held message was cut.
    func parts(of sequence: UInt64) -> UInt32? {
        guard let place = places[sequence], case .held(let held) = states[place] else { return nil }
        return held.parts
    }

    /// The next part was sent.
    mutating func sentNext() {
        guard let place = unsent.first, case .held(let held) = states[place] else { return }
        nextPart += 1
        if nextPart >= held.parts {
            unsent = unsent.dropFirst()
            nextPart = 0
        }
    }

    /// A part of a held message was acknowledged for the first time in this session.
    ///
    /// - Returns: whether it was the last one: then the message is settled.
    mutating func acknowledged(_ sequence: UInt64) -> Bool {
        guard let place = places[sequence], case .held(var held) = states[place] else { return false }
        held.acknowledged += 1
        states[place] = .held(held)
        guard held.acknowledged >= held.parts else { return false }
        settle(place)
        return true
    }

    /// Whether everything that was settled before is among this.
    func isKept(in settled: [ClosedRange<UInt64>]) -> Bool {
        groups.indices.allSatisfy { place in
            guard case .settled = states[place] else { return true }
            return settled.holds(groups[place].sequence)
        }
    }

    /// The worker has said what it has, and knows of nothing else: all other held messages are to be sent from their
    /// first part on, and what it has lost is to be computed again.
    ///
    /// - Parameters:
    ///   - settled: what it has, in ascending order.
    ///   - limit: the most payload bytes of a part. Held messages keep their parts as long as these are no larger.
    /// - Returns: the sequences of messages that were held and are no longer needed.
    mutating func welcomed(settled: [ClosedRange<UInt64>], limit: Int) -> [UInt64] {
        var dropped: [UInt64] = []
        unsent = []
        nextPart = 0
        firstPending = groups.count
        for place in groups.indices {
            let isSettled = settled.holds(groups[place].sequence)
            switch states[place] {
            case .settled where !isSettled:
                states[place] = .pending
                settledGroups -= 1
                settledSamples -= groups[place].samples.count
                settledTokens -= tokens[place]
            case .pending where isSettled, .computing where isSettled: settle(place)
            case .held where isSettled:
                settle(place)
                dropped.append(groups[place].sequence)
            case .held(let held):
                let shape = held.shape
                let largest =
                    held.parts == 0
                    ? 0 : PartSize.bytes(ofPart: 0, of: held.parts, rows: shape.rows, bytesPerRow: shape.bytesPerRow)
                states[place] = .held(Held(shape: shape, parts: largest <= limit ? held.parts : 0))
                unsent.append(place)
            default: break
            }
            if case .pending = states[place] { firstPending = min(firstPending, place) }
        }
        return dropped
    }

    private mutating func settle(_ place: Int) {
        if case .held(let held) = states[place] { heldBytes -= held.shape.bytes }
        states[place] = .settled
        settledGroups += 1
        settledSamples += groups[place].samples.count
        settledTokens += tokens[place]
    }
}

extension [ClosedRange<UInt64>] {
    /// Whether a number lies in one of these ranges, which are in ascending order.
    fileprivate func holds(_ number: UInt64) -> Bool {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].upperBound < number { low = middle + 1 } else { high = middle }
        }
        return low < endIndex && self[low].contains(number)
    }
}
