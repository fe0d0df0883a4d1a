import Methods
import Models

/// What TSFA decides when a round begins, from the channel of that moment. One user at a time.
final class RoundPlanner: @unchecked Sendable {
    /// The part of the band that all devices share equally, for what they send beside ranks: a device that sends no rank
    /// has a share of zero, and still says that it has computed.
    private static let reserve = 0.01

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
    private let computeSeconds: @Sendable (_ round: Int) -> [Double]

    init(
        channel: RadioChannel, layout: TrainableLayout, rank: Int, limits: MethodSettings.Allocation,
        computeSeconds: @escaping @Sendable (_ round: Int) -> [Double]
    ) {
        self.channel = channel
        self.rank = rank
        self.computeSeconds = computeSeconds
        longestQueues = channel.meanSNR.map { _ in 0 }
        seconds = channel.meanSNR.map { _ in nil }
        pairBits = Double(RankSelection.pairBits(layout))
        // Its samples and loss, and the energies of its ranks.
        fixedBits = 32 * Double((layout.classes ?? 0) * layout.model.width + 2 + rank)
        allocation = OnlineAllocation(
            devices: channel.meanSNR.count, limitSeconds: limits.limitSeconds, accuracyWeight: limits.accuracyWeight)
    }

    /// A device's part of the round under way has ended.
    func record(_ device: Int, seconds: Double) { self.seconds[device] = seconds }

    /// Ranks that each device sends in a round.
    func kept(round: Int, energies: [Int: [Double]]) throws -> [Int] {
        let block = channel.block(at: now), computing = computeSeconds(round)
        let devices = channel.meanSNR.indices.map { device in
            RoundAllocation.Device(
                computeSeconds: computing[device],
                bitsPerSecond: (1 - Self.reserve) * channel.bandwidthHertz
                    * channel.efficiency(of: device, block: block),
                pairBits: pairBits, fixedBits: fixedBits,
                errors: RoundAllocation.Device.errors(energies: energies[device] ?? [], rank: rank))
        }
        let measured = seconds.compactMap(\.self)
        let round = try allocation.next(devices, measured: measured.count == seconds.count ? measured : nil)
        seconds = seconds.map { _ in nil }
        longestQueues = zip(longestQueues, allocation.queues.values).map(max)
        shares = round.shares.map { (1 - Self.reserve) * $0 + Self.reserve / Double(round.shares.count) }
        return round.kept
    }
}
