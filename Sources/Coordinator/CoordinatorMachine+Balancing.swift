import Balancing
import Ledger
import Queueing
import Wire

// How measures become cuts.
extension CoordinatorMachine {
    /// A device is there; without balancing, that changes nothing.
    mutating func balance(_ device: Roster.Device) {
        policy?.registered(
            device: device.id, samples: device.samples ?? 0, memoryBytes: device.memoryBytes, cut: device.cut)
    }

    /// What a device told of its work.
    mutating func measure(_ progress: Body.DeviceProgress, of device: Roster.Device) {
        var totals = BalancePolicy.DeviceTotals()
        // No device has published more than it holds, whatever it says.
        totals.publishedSamples = min(Int(told: progress.publishedSamples), device.samples ?? 0)
        totals.publishedTokens = Double(progress.tokens)
        totals.computeSeconds = Double(progress.computeNanoseconds) * 1e-9
        totals.blockTokens = Double(progress.blockTokens)
        totals.uplinkBytesPerSecond = Self.bounded(progress.uplinkBytesPerSecond, by: 1e12)
        totals.roundTripSeconds = Self.bounded(progress.roundTripSeconds, by: 3600)
        totals.cut = device.cut
        policy?.observed(device: device.id, totals)
    }

    /// What the owner told of its work.
    mutating func measure(_ report: Body.QueueReport) {
        var totals = BalancePolicy.ServerTotals()
        totals.advanceSeconds = report.advanceSeconds
        totals.advanceBlockTokens = Double(report.advanceBlockTokens)
        totals.stepSeconds = report.stepSeconds
        totals.stepTokens = Double(report.stepTokens)
        policy?.observed(server: totals)
    }

    /// Changes cuts when measures have moved and other cuts are better by enough.
    mutating func rebalance(now: Duration) {
        guard let owner = roster.owner, drain == nil, phase == .gathering || phase == .running else { return }
        policy?.took(workers: [owner] + roster.pipelines.helpers)
        guard let plan = policy?.reconsider() else { return }
        var changed = 0
        for assignment in plan.assignments {
            guard let number = roster.number(of: assignment.device) else { continue }
            roster.devices[number].creditBytes = assignment.creditBytes
            guard roster.devices[number].cut != assignment.cut else { continue }
            roster.devices[number].cut = assignment.cut
            reassigned[number] = assignment.reason
            changed += 1
        }
        predictedSeconds = plan.predictedSeconds.map { (age + now).seconds + $0 }
        bottleneck = plan.bottleneck.description
        let change =
            switch changed {
            case 0: "the cuts stay as they are: nothing is better by enough"
            case 1: "1 device has another cut"
            default: "\(changed) devices have other cuts"
            }
        reasons.append(change)
        recordMeasures()
    }

    /// A stated figure within what is possible; 0 for none.
    private static func bounded(_ value: Double, by limit: Double) -> Double {
        value.isFinite ? min(max(0, value), limit) : 0
    }

    private mutating func recordMeasures() {
        for measure in policy?.deviceMeasures() ?? [] {
            guard let number = roster.number(of: measure.id), measure.samples > 0,
                let seconds = measure.secondsPerBlockToken
            else { continue }
            let measures = DeviceMeasures(
                blockSeconds: seconds * measure.tokens / Double(measure.samples),
                uplinkBytesPerSecond: measure.uplinkBytesPerSecond)
            roster.devices[number].measures = measures
            record(.deviceMeasured(run: settings.run, device: measure.id, measures))
        }
    }
}
