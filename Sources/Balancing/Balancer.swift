/// Chooses cuts, credits and workers from measures. Pure: the same measures give the same plan.
///
/// **The optimum.** A run's time is max(max D, W₁) plus a constant (see `Workload`); D grows with a device's own cut,
/// W₁ falls with every cut. Let c(T) be every device's largest cut with D ≤ T. A time V that some cuts reach has these
/// cuts ≤ c(V), so W₁(c(V)) ≤ V: V is *feasible*. If T is feasible so is every longer time, and c(T) reaches it.
/// The smallest feasible T is therefore the optimum, and bisection over the floating-point numbers finds exactly it.
///
/// **Ties.** Where a device's size of step or an uplink decides, other devices could compute less without making the
/// run longer. Among the optimal plans, one is taken that minimises the longest computing time of a device: the same
/// bisection, for the smallest T' with W₁(c(T')) within the optimal time.
///
/// So, of two devices that hold equally many tokens and memory the faster one never has the lower cut, and a device
/// that becomes faster, all else equal, never gets a lower one: were T' or T smaller by more than its cut allows, it
/// would have been reachable before.
///
/// **Fairness.** A plan decides who computes and how far ahead a device may send, never what is trained when: the order
/// of samples is a function of seed and shard sizes (`SampleOrder`), so no device's data is trained less or earlier
/// because it is fast. A device's credit is its own, so a slow one never holds up what a fast one sends. Frozen blocks
/// do not change, so activations do not go stale, however early they are sent and whatever becomes of the cut.
public enum Balancer {
    /// Cuts, credits and workers of the rest of the run.
    ///
    /// - Parameters:
    ///   - devices: at least one. Rates must be finite and above zero; what is not measured is nil.
    ///   - server: with at least one worker.
    /// - Returns: the plan with the shortest predicted time.
    public static func plan(
        devices: [DeviceMeasure], server: ServerMeasure, model: ModelFacts, credits: CreditLimits
    ) -> Plan {
        let workload = Workload(devices: devices, server: server, model: model)
        return plan(
            keeping: optimalCuts(workload), devices: devices, server: server, model: model, credits: credits)
    }

    /// How long the rest of the run takes with given cuts, one for each device.
    public static func prediction(
        cuts: [Int], devices: [DeviceMeasure], server: ServerMeasure, model: ModelFacts
    ) -> Prediction {
        Workload(devices: devices, server: server, model: model).prediction(cuts: cuts) { devices[$0].id }
    }

    /// The cuts of the shortest time, and of the least computing among these.
    static func optimalCuts(_ workload: Workload) -> [Int] {
        let isWithin = { (seconds: Double, limit: Double) in
            workload.serverSeconds(cuts: workload.largestCuts(computingWithin: seconds)) <= limit
        }
        // No time is shorter than what the wires and the smallest cuts take.
        let least = workload.indices.reduce(0) { seconds, device in
            let smallest = workload.possibleCuts(device).lowerBound
            return max(
                seconds, workload.wireSeconds(device), workload.computingSeconds(device, cut: smallest))
        }
        let enough = max(
            least, workload.serverSeconds(cuts: workload.largestCuts(computingWithin: least)))
        let shortest = smallestNumber(from: least, to: enough) { isWithin($0, $0) }
        let computing = smallestNumber(from: 0, to: shortest) { isWithin($0, shortest) }
        return workload.largestCuts(computingWithin: computing)
    }

    /// Credits, workers and the prediction for given cuts, one for each device.
    static func plan(
        keeping cuts: [Int], devices: [DeviceMeasure], server: ServerMeasure, model: ModelFacts, credits: CreditLimits
    ) -> Plan {
        let workload = Workload(devices: devices, server: server, model: model)
        let prediction = workload.prediction(cuts: cuts) { devices[$0].id }
        let bytes = creditBytes(devices: devices, limits: credits)
        let workers = workerShares(devices: devices, server: server, model: model, cuts: cuts)
        let reasons = Reasons(workload: workload, model: model, prediction: prediction)
        return Plan(
            assignments: devices.indices.map { place in
                Plan.Assignment(
                    device: devices[place].id, cut: cuts[place], creditBytes: bytes[place], worker: workers[place],
                    reason: reasons.sentence(for: place, device: devices[place], cut: cuts[place]))
            }, prediction: prediction,
            isComplete: devices.allSatisfy { $0.secondsPerBlockToken != nil || $0.remainingTokens == 0 })
    }
}

/// The smallest number of a range that satisfies a condition which, once true, stays true; the upper end if none does.
///
/// Floating-point numbers from zero up are in the order of their bit patterns, so that this finds the exact number
/// within 64 trials.
private func smallestNumber(from low: Double, to high: Double, where isTrue: (Double) -> Bool) -> Double {
    guard high > low else { return high }
    var low = low.bitPattern, high = high.bitPattern
    while low < high {
        let middle = low + (high - low) / 2
        if isTrue(Double(bitPattern: middle)) { high = middle } else { low = middle + 1 }
    }
    return Double(bitPattern: low)
}
