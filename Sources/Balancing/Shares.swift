/// Payload bytes that each device may have on their way: one message, what its uplink carries until an acknowledgement
/// comes back, and an equal part of what is left then, so that a device never waits for the acknowledgement of what is
/// still being sent.
///
/// Where the total is too small for all, everybody has one message and a part of the rest by what it wishes beyond; whose
/// uplink nobody has measured yet wishes what the others do on average. Where not even one message each is there, everybody
/// has an equal part: messages must be sent in parts of that size.
func creditBytes(devices: [DeviceMeasure], limits: CreditLimits) -> [Int] {
    guard !devices.isEmpty else { return [] }
    let message = limits.messageBytes
    guard limits.totalBytes / devices.count >= message else {
        return devices.map { _ in limits.totalBytes / devices.count }
    }
    let measured = devices.map { device in
        device.uplinkBytesPerSecond.map { $0 * (device.roundTripSeconds + limits.storingSeconds) }
    }
    let known = measured.compactMap(\.self)
    let usual = known.isEmpty ? 1 : known.reduce(0, +) / Double(known.count)
    let wishes = measured.map { $0 ?? usual }, wished = wishes.reduce(0, +)
    let free = Double(limits.totalBytes - message * devices.count)
    let (part, left) = wished > free ? (free / wished, 0) : (1, (free - wished) / Double(devices.count))
    return wishes.map { message + Int(min($0 * part + left, free)) }
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
