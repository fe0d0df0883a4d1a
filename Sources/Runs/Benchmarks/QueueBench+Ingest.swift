import Queueing

extension QueueBench {
    /// Devices that publish at a time, and what each may have on its way.
    private static let ingestDevices = 8, ingestCredit = 4 << 20

    /// Keeps what was measured after every round.
    ///
    /// - Throws: `QueueBenchError`, `TransportError`, `StoreError`, `KeyError`.
    func measureIngest(into report: inout QueueBenchReport) throws {
        var shape = QueueBenchShape.usual(
            devices: Self.ingestDevices, creditBytesPerDevice: Self.ingestCredit, messages: 1)
        shape.messages = max(1, options.roundBytes / shape.messageBytes / shape.devices)
        let keys = try (0..<shape.devices).map { _ in try CurveKeyPair.generate() }
        var rounds: [QueueBenchReport.Round] = []
        for round in 0...max(1, options.rounds) {
            progress("ingest, round \(round) of \(max(1, options.rounds))")
            let measured = QueueBenchReport.Round(
                disk: try withFolder { try QueueBenchReferences.diskRate(folder: $0, bytes: shape.totalBytes) },
                durable: try withFolder { try ingestRate(shape, .folder($0)) },
                durableCurve: try withFolder { try ingestRate(shape, .folder($0), keys: keys) },
                transfer: try QueueBenchReferences.transferRate(shape, isKept: false),
                keptTransfer: try QueueBenchReferences.transferRate(shape, isKept: true),
                memory: try ingestRate(shape, .reservedMemory),
                memoryCurve: try ingestRate(shape, .reservedMemory, keys: keys),
                freshMemory: try ingestRate(shape, .memory))
            // Round 0 warms up.
            guard round > 0 else { continue }
            rounds.append(measured)
            report.ingest = QueueBenchReport.Ingest(shape, rounds)
        }
    }

    /// Payload bytes a second from the first message to the last acknowledgement.
    private func ingestRate(
        _ shape: QueueBenchShape, _ storage: QueueBenchStorage, keys: [CurveKeyPair] = []
    ) throws -> Double {
        let worker = try QueueBenchWorker(shape, storage, keys: keys)
        let fleet = try QueueBenchFleet(
            shape, endpoint: worker.endpoint, context: try ZeroMQContext(), keys: keys, workerKey: worker.publicKey)
        try fleet.connect()
        let clock = RoleClock()
        try fleet.publishAll()
        let seconds = clock.now.seconds
        try worker.stop()
        return Double(shape.totalBytes) / seconds
    }
}
