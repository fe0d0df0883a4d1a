import Queueing
import Wire

/// What a device tells the coordinator of itself: about once a second when something has changed, at the end, and
/// otherwise now and then, for a report may be lost.
struct DeviceReport {
    static let interval = Duration.seconds(1)
    /// After which an unchanged report is repeated.
    static let repetition = Duration.seconds(10)

    private var blockTokens = 0
    private var computeTime = Duration.zero
    private var last: Body.DeviceProgress?
    /// When it was last seen whether there is news, and when any were told.
    private var lastAt: Duration?
    private var toldAt = Duration.zero

    /// Whether the coordinator may have forgotten the last report.
    var mustRepeat = false

    /// Whether the last report told of more settled samples than the one before.
    private(set) var hasGrown = false

    /// When the next report may go out, if something has changed by then.
    var due: Duration? { lastAt.map { $0 + Self.interval } }

    /// A group was computed.
    ///
    /// - Parameter blockTokens: tokens times blocks.
    mutating func computed(blockTokens: Int, duration: Duration) {
        self.blockTokens += blockTokens
        computeTime += duration
    }

    /// The report that is due now, if any.
    mutating func next(
        _ machine: DeviceMachine, _ worker: Link, _ roundTrip: Duration?, isLast: Bool, now: Duration
    ) -> Body.DeviceProgress? {
        let isOver = machine.isSettled && last?.finished != true
        guard isLast || isOver || mustRepeat || now >= due ?? .zero else { return nil }
        lastAt = now
        var progress = Body.DeviceProgress(
            publishedSamples: UInt64(machine.settledSamples), tokens: UInt64(machine.settledTokens),
            computeNanoseconds: computeTime.nanoseconds, bytesUp: UInt64(worker.bytesSent),
            bytesDown: UInt64(worker.bytesReceived), finished: machine.isSettled)
        progress.blockTokens = UInt64(blockTokens)
        progress.uplinkBytesPerSecond = machine.uplink.bytesPerSecond ?? 0
        progress.roundTripSeconds = roundTrip?.seconds ?? 0
        progress.cut = machine.assignment?.cut ?? 0
        progress.generation = machine.assignment?.generation ?? 0
        guard isLast || mustRepeat || isNews(progress) || now - toldAt >= Self.repetition else { return nil }
        hasGrown = progress.publishedSamples > last?.publishedSamples ?? 0
        last = progress
        toldAt = now
        mustRepeat = false
        return progress
    }

    /// What the link's measures do of themselves is none: heartbeats alone change them.
    private func isNews(_ progress: Body.DeviceProgress) -> Bool {
        guard let last else { return true }
        return (progress.publishedSamples, progress.computeNanoseconds, progress.cut, progress.generation)
            != (last.publishedSamples, last.computeNanoseconds, last.cut, last.generation)
            || progress.finished != last.finished
    }
}
