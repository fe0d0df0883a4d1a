import Queueing

extension QueueBench {
    /// The most that a device may have on its way.
    private static let boundsCredit = 4 << 20
    /// How long is published before the worker is stopped.
    private static let warmSeconds = 2

    /// - Throws: `QueueBenchError`, `TransportError`.
    func measureBounds() throws -> QueueBenchReport.Bounds {
        let shape = QueueBenchShape.usual(
            devices: options.publishers, creditBytesPerDevice: Self.boundsCredit, messages: 1 << 20)
        ProcessMemory.forgetPeak()
        return try withFolder { folder in
            let worker = try QueueBenchProcess(shape, folder: folder)
            let fleet = try QueueBenchFleet(shape, endpoint: worker.endpoint, context: try ZeroMQContext(), payloads: 4)
            for publisher in fleet.publishers { publisher.manner.ownsPayloads = true }
            try fleet.connect()
            try fleet.publish(for: .seconds(Self.warmSeconds))
            progress("bounds: \(shape.devices) devices, the worker is stopped for \(Int(options.stoppedSeconds)) s")
            worker.suspend()
            try fleet.publish(for: .seconds(options.stoppedSeconds))
            let stoppedBytes = fleet.mostUnacknowledgedBytes
            worker.resume()
            try fleet.publish(for: .seconds(Self.warmSeconds))
            try fleet.settle()
            let report = QueueBenchReport.Bounds(
                publishers: shape.devices, creditBytesPerDevice: shape.creditBytesPerDevice,
                stoppedSeconds: options.stoppedSeconds, stoppedBytes: stoppedBytes,
                acknowledgedBytes: fleet.acknowledgedMessages * shape.messageBytes,
                worker: .init(peakBytes: worker.peakResidentBytes, creditBytes: shape.creditBytes),
                devices: .init(peakBytes: ProcessMemory.peakResidentBytes, creditBytes: shape.creditBytes))
            try worker.end()
            return report
        }
    }
}
