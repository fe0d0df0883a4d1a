import Methods
import Models

/// What TSFA decides when a round begins, from the channel of that moment. One user at a time.
final class RoundPlanner: @unchecked Sendable {
    /// Bounds of the reserve.
    private static let reserves = 0.01...0.2
    /// The share of the limit that a device may take to say that it has computed, at its mean rate.
    private static let idleShare = 0.05

    /// *Simulated* seconds, as the next round begins.
    var now = 0.0
    /// Of the band, as it was last decided; nil before the first round.
    private(set) var shares: [Double]?
    /// The structural rank, chosen before the run.
    let rank: Int
    /// The longest that a device's queue has been, in seconds.
    private(set) var longestQueues: [Double]
    /// *Simulated* seconds of each device in the round under way, from having the adapters to having sent its update.
    private var seconds: [Double?]
    private var allocation: OnlineAllocation
    private let channel: RadioChannel
    private let pairBits: Double
    private let fixedBits: Double
    /// The part of the band that all devices share equally: one that sends no rank has a share of zero, and still says that
    /// it has computed.
    private let reserve: Double
    private let computeSeconds: @Sendable (_ round: Int) -> [Double]

    init(
        channel: RadioChannel, layout: TrainableLayout, rank: Int, limits: MethodSettings.Allocation,
        computeSeconds: @escaping @Sendable (_ round: Int) -> [Double]
    ) {
        self.channel = channel
        self.rank = rank
        self.computeSeconds = computeSeconds
        longestQueues = channel.meanSNR.map { _ in 0 }
        self.seconds = channel.meanSNR.map { _ in nil }
        pairBits = Double(RankSelection.pairBits(layout))
        let bits = [0, 1].map { 8 * Double(Self.bytes(RankSelection.emptyUpdate(layout, kept: $0))) }
        // And the energies of its ranks, of which zeros have none.
        fixedBits = bits[1] - pairBits + 32 * Double(rank)
        let slowest = channel.meanSNR.indices.map(channel.meanEfficiency).min() ?? 1
        let seconds = bits[0] * Double(channel.meanSNR.count) / (channel.bandwidthHertz * slowest)
        reserve = min(
            max(seconds / (Self.idleShare * limits.limitSeconds), Self.reserves.lowerBound), Self.reserves.upperBound)
        allocation = OnlineAllocation(
            devices: channel.meanSNR.count, limitSeconds: limits.limitSeconds, accuracyWeight: limits.accuracyWeight)
    }

    private static func bytes(_ message: MethodMessage) -> Int {
        message.wireBytes(run: RunTotals.run, sender: RunTotals.server, number: 1)
    }

    /// A device's part of the round under way has ended.
    func record(_ device: Int, seconds: Double) { self.seconds[device] = seconds }

    /// Ranks that each device sends in a round.
    func kept(round: Int, energies: [Int: [Double]]) throws -> [Int] {
        let block = channel.block(at: now), computing = computeSeconds(round)
        let devices = channel.meanSNR.indices.map { device in
            RoundAllocation.Device(
                computeSeconds: computing[device],
                bitsPerSecond: (1 - reserve) * channel.bandwidthHertz
                    * channel.efficiency(of: device, block: block),
                pairBits: pairBits, fixedBits: fixedBits,
                errors: RoundAllocation.Device.errors(energies: energies[device] ?? [], rank: rank))
        }
        let measured = seconds.compactMap(\.self)
        let round = try allocation.next(devices, measured: measured.count == seconds.count ? measured : nil)
        seconds = seconds.map { _ in nil }
        longestQueues = zip(longestQueues, allocation.queues.values).map(max)
        shares = round.shares.map { (1 - reserve) * $0 + reserve / Double(round.shares.count) }
        return round.kept
    }
}
