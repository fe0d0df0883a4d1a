/// The times of a run as functions of its cuts: what `Balancer` minimises.
///
/// Modelled: a device computes and sends at the same time, so with cut c its last sample arrives after
/// D(c) = tokens · max(c · d, bytes per token ÷ uplink). The server's workers share the missing frozen blocks and the
/// steps evenly, and never idle while there is something to do. The mixing order follows data size, so the first
/// epoch's training is as far as the device that is furthest behind: a step waits for its samples. Later epochs read
/// the store, and begin when the first one has been trained.
///
/// The first epoch, with server work W₁ (missing blocks of all samples, and the steps of one epoch), then lasts
/// max(max D, W₁): were the server idle for the last time at t, it would have done all work A(t) that was there, and
/// be ready at t + W₁ − A(t). What arrives by t is a sum and a minimum of functions that grow linearly and then stay,
/// so A is concave, t + W₁ − A(t) is convex, and its greatest value lies at an end: W₁ at t = 0, or max D at max D.
/// The whole run lasts max(max D, W₁) + the steps of the later epochs.
///
/// Not modelled: that messages and batches are whole (the last message's way through the server), devices that are
/// not there, and steps that wait because the random order asks a device for a sample earlier than its share.
struct Workload {
    private struct Load {
        var tokens: Double
        var secondsPerCut: Double
        var wireSeconds: Double
        /// The cuts that may be chosen.
        var cuts: ClosedRange<Int>
    }

    private let loads: [Load]
    private let frozenBlocks: Int
    private let advanceSeconds: Double
    private let fixedServerSeconds: Double
    /// Steps that follow the first epoch, in seconds. No cut changes them.
    let laterSeconds: Double

    init(devices: [DeviceMeasure], server: ServerMeasure, model: ModelFacts) {
        let workers = Double(max(1, server.workers.count))
        frozenBlocks = max(0, model.frozenBlocks)
        advanceSeconds = server.advanceSecondsPerBlockToken / workers
        loads = devices.map { device in
            let remaining = device.remainingTokens
            let largest = model.largestCut(memoryBytes: device.memoryBytes)
            let smallest = min(max(0, model.minimumCut), largest)
            let kept = min(max(0, device.cut), largest)
            return Load(
                tokens: remaining, secondsPerCut: remaining * (device.secondsPerBlockToken ?? 0),
                wireSeconds: device.uplinkBytesPerSecond.map { remaining * model.bytesPerToken / $0 } ?? 0,
                // Whoever has published everything has nothing left to gain from another cut.
                cuts: device.secondsPerBlockToken == nil || remaining == 0 ? kept...kept : smallest...largest)
        }
        let tokens = devices.reduce(0) { $0 + $1.tokens }
        let firstEpoch = max(0, tokens - server.trainedTokens)
        let all = max(0, tokens * Double(max(1, model.epochs)) - server.trainedTokens)
        let stepSeconds = server.stepSecondsPerToken / workers
        fixedServerSeconds = firstEpoch * stepSeconds + server.pendingBlockTokens * advanceSeconds
        laterSeconds = (all - firstEpoch) * stepSeconds
    }

    /// The devices' places.
    var indices: Range<Int> { loads.indices }

    /// The cuts that a device may have.
    func possibleCuts(_ device: Int) -> ClosedRange<Int> { loads[device].cuts }

    /// How long a device computes.
    func computingSeconds(_ device: Int, cut: Int) -> Double { loads[device].secondsPerCut * Double(cut) }

    /// How long a device sends.
    func wireSeconds(_ device: Int) -> Double { loads[device].wireSeconds }

    /// What a device's missing blocks cost the server, in seconds.
    func advanceSeconds(_ device: Int, cut: Int) -> Double {
        loads[device].tokens * Double(frozenBlocks - cut) * advanceSeconds
    }

    /// The server's work in the first epoch, W₁.
    func serverSeconds(cuts: [Int]) -> Double {
        cuts.indices.reduce(fixedServerSeconds) { $0 + advanceSeconds($1, cut: cuts[$1]) }
    }

    /// For each device the largest possible cut with which it computes no longer than `seconds`; the smallest possible
    /// one where none is.
    func largestCuts(computingWithin seconds: Double) -> [Int] {
        indices.map { device in
            var low = loads[device].cuts.lowerBound
            var high = loads[device].cuts.upperBound
            while low < high {
                let middle = low + (high - low + 1) / 2
                if computingSeconds(device, cut: middle) <= seconds { low = middle } else { high = middle - 1 }
            }
            return low
        }
    }

    /// How long the rest of the run takes with these cuts.
    func prediction(cuts: [Int], ids: (Int) -> String) -> Prediction {
        let server = serverSeconds(cuts: cuts)
        var slowest = (seconds: 0.0, device: -1)
        for device in indices {
            let seconds = max(computingSeconds(device, cut: cuts[device]), wireSeconds(device))
            if seconds > slowest.seconds { slowest = (seconds, device) }
        }
        var bottleneck = Bottleneck.server
        if slowest.seconds > server {
            let isWire = wireSeconds(slowest.device) >= computingSeconds(slowest.device, cut: cuts[slowest.device])
            let id = ids(slowest.device)
            bottleneck = isWire ? .uplink(device: id) : .computing(device: id)
        }
        return Prediction(
            seconds: max(slowest.seconds, server) + laterSeconds, slowestDeviceSeconds: slowest.seconds,
            serverSeconds: server + laterSeconds, bottleneck: bottleneck)
    }
}

/// How long the rest of a run takes, by the model of `Balancer`.
public struct Prediction: Codable, Sendable, Equatable {
    /// From now to the end of training.
    public var seconds: Double
    /// Until the last device has published its last sample.
    public var slowestDeviceSeconds: Double
    /// The work of the server, all workers sharing it.
    public var serverSeconds: Double
    /// What the run waits for.
    public var bottleneck: Bottleneck
}
