import Queueing

extension QueueBench {
    /// Devices that publish at a time, and what each may have on its way.
    private static let ingestDevices = 8, ingestCredit = 4 << 20

    /// - Throws: `QueueBenchError`, `TransportError`, `StoreError`, `KeyError`.
    func measureIngest() throws -> QueueBenchReport.Ingest {
        var shape = QueueBenchShape.usual(
            devices: Self.ingestDevices, creditBytesPerDevice: Self.ingestCredit, messages: 1)
        shape.messages = max(1, options.roundBytes / shape.messageBytes / shape.devices)
        let keys = try (0..<shape.devices).map { _ in try CurveKeyPair.generate() }
        let bytes = shape.devices * shape.messages * shape.messageBytes
        // Round 0 warms up.
        let rounds = try (0...max(1, options.rounds)).map { round in
            progress("ingest, round \(round) of \(max(1, options.rounds))")
            return QueueBenchReport.Round(
                disk: try withFolder { try QueueBenchReferences.diskRate(folder: $0, bytes: bytes) },
                durable: try withFolder { try ingestRate(shape, folder: $0) },
                durableCurve: try withFolder { try ingestRate(shape, folder: $0, keys: keys) },
                transfer: try QueueBenchReferences.transferRate(shape, isKept: false),
                keptTransfer: try QueueBenchReferences.transferRate(shape, isKept: true),
                memory: try ingestRate(shape, folder: nil),
                memoryCurve: try ingestRate(shape, folder: nil, keys: keys))
        }.dropFirst()
        func median(of value: (QueueBenchReport.Round) -> Double) -> Double { Runs.median(rounds.map(value)) }
        return QueueBenchReport.Ingest(
            devices: shape.devices, messageBytes: shape.messageBytes, roundBytes: bytes, rounds: Array(rounds),
            medians: QueueBenchReport.Round(
                disk: median(of: \.disk), durable: median(of: \.durable), durableCurve: median(of: \.durableCurve),
                transfer: median(of: \.transfer), keptTransfer: median(of: \.keptTransfer),
                memory: median(of: \.memory), memoryCurve: median(of: \.memoryCurve)),
            medianDurableToDisk: median { $0.durable / $0.disk },
            medianMemoryToTransfer: median { $0.memory / $0.transfer },
            medianMemoryToKeptTransfer: median { $0.memory / $0.keptTransfer },
            medianDurableCurveToPlain: median { $0.durableCurve / $0.durable },
            medianMemoryCurveToPlain: median { $0.memoryCurve / $0.memory })
    }

    /// Payload bytes a second from the first message to the last acknowledgement.
    private func ingestRate(_ shape: QueueBenchShape, folder: String?, keys: [CurveKeyPair] = []) throws -> Double {
        let worker = try QueueBenchWorker(shape, folder: folder, keys: keys)
        let fleet = try QueueBenchFleet(
            shape, endpoint: worker.endpoint, context: try ZeroMQContext(), keys: keys, workerKey: worker.publicKey)
        try fleet.connect()
        let clock = RoleClock()
        try fleet.publishAll()
        let seconds = clock.now.seconds
        try worker.stop()
        return Double(shape.devices * shape.messages * shape.messageBytes) / seconds
    }
}
