/// The band that uplinks share, and who sends on it. Devices that send share it equally, unless somebody has decided
/// otherwise.
struct SharedBand {
    private let channel: RadioChannel
    private var sending: [Int]
    private var block = 0
    /// Whether the next block of fading has been asked for.
    private var isWaiting = false
    /// Decided shares; nil for equal ones.
    var shares: [Double]?

    init(_ channel: RadioChannel) {
        self.channel = channel
        sending = channel.meanSNR.map { _ in 0 }
    }

    /// A device has one message more, or one less, to send.
    mutating func change(_ device: Int, by count: Int, at now: Double) {
        sending[device] += count
        block = max(block, channel.block(at: now))
    }

    /// The next block has come.
    mutating func advance(at now: Double) {
        isWaiting = false
        // A sum of rounded times may lie just before the block that it was to reach.
        block = max(block + 1, channel.block(at: now))
    }

    /// Seconds until fading changes, if somebody sends and it has not been asked for yet.
    mutating func secondsToNextBlock(at now: Double) -> Double? {
        guard !isWaiting, sending.contains(where: { $0 > 0 }) else { return nil }
        isWaiting = true
        return Double(block + 1) * channel.blockSeconds - now
    }

    /// Bytes a second of those that send.
    var rates: [(device: Int, bytesPerSecond: Double)] {
        let active = sending.indices.filter { sending[$0] > 0 }
        let equal = sending.map { $0 > 0 ? 1 / Double(active.count) : 0 }
        let rates = channel.bytesPerSecond(block: block, shares: shares ?? equal)
        return active.map { ($0, rates[$0]) }
    }
}
