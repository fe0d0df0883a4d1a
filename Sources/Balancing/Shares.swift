/// Payload bytes that each device may have on their way: what its uplink holds in a round trip, and one message, so that
/// a device never waits for the acknowledgement of what is still being sent.
///
/// Where the total is too small for all, everybody has one message and an equal part of its wish beyond that. Where not
/// even that is there, everybody has an equal part: messages must be sent in parts of that size.
func creditBytes(devices: [DeviceMeasure], limits: CreditLimits) -> [Int] {
    guard !devices.isEmpty else { return [] }
    let message = limits.messageBytes
    guard limits.totalBytes / devices.count >= message else {
        return devices.map { _ in limits.totalBytes / devices.count }
    }
    let wishes = devices.map { ($0.uplinkBytesPerSecond ?? 0) * $0.roundTripSeconds }
    let free = Double(limits.totalBytes - message * devices.count)
    let wished = wishes.reduce(0, +)
    let part = wished > free ? free / wished : 1
    return wishes.map { message + Int(min($0 * part, free)) }
}

/// The worker of each device. A device that has one stays there; the others go, the largest first, to the worker with
/// the least to do: its missing frozen blocks and its steps.
func workerShares(devices: [DeviceMeasure], server: ServerMeasure, model: ModelFacts, cuts: [Int]) -> [String] {
    let costs = devices.indices.map { place in
        let missing = Double(max(0, model.frozenBlocks - cuts[place]))
        return devices[place].remainingTokens * missing * server.advanceSecondsPerBlockToken
            + devices[place].tokens * Double(max(1, model.epochs)) * server.stepSecondsPerToken
    }
    var loads = Dictionary(server.workers.map { ($0, 0.0) }) { first, _ in first }
    var chosen = devices.map { $0.worker.flatMap { loads[$0] == nil ? nil : $0 } }
    for (place, worker) in chosen.enumerated() {
        if let worker { loads[worker, default: 0] += costs[place] }
    }
    let free = chosen.indices.filter { chosen[$0] == nil }.sorted { (costs[$1], $0) < (costs[$0], $1) }
    for place in free {
        let least = server.workers.min { (loads[$0, default: 0], $0) < (loads[$1, default: 0], $1) } ?? ""
        loads[least, default: 0] += costs[place]
        chosen[place] = least
    }
    return chosen.map { $0 ?? "" }
}
