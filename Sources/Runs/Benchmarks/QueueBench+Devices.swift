import Foundation
import Queueing

extension QueueBench {
    /// How long each way of publishing is measured.
    private static let measuredSeconds = 10.0

    /// - Throws: `QueueBenchError`, `TransportError`.
    func measureDevices() throws -> QueueBenchReport.Devices {
        // One sample of 16 tokens of width 64: 4 KiB.
        let shape = QueueBenchShape(
            devices: options.devices, samplesPerMessage: 1, rowsPerSample: 16, width: 64,
            creditBytesPerDevice: 64 << 10, messages: 1 << 20, capacityBytes: 64 << 30)
        return try withFolder { folder in
            progress("devices: \(shape.devices) connect")
            let worker = try QueueBenchProcess(shape, folder: folder)
            let before = worker.residentBytes
            let clock = RoleClock()
            let fleet = try QueueBenchFleet(shape, endpoint: worker.endpoint, context: try ZeroMQContext())
            try fleet.connect()
            let connectSeconds = clock.now.seconds
            let connectedBytes = worker.residentBytes
            progress("devices: each sends as soon as it may")
            let saturated = try answers(fleet) { _, publisher in publisher.manner.mostOnTheirWay = 1 }
            progress("devices: each sends once a second")
            let paced = try answers(fleet) { place, publisher in
                publisher.manner.interval = .seconds(1)
                publisher.postpone(until: fleet.clock.now + .seconds(place))
            }
            let report = QueueBenchReport.Devices(
                devices: shape.devices, messageBytes: shape.messageBytes, connectSeconds: connectSeconds,
                saturated: saturated, paced: paced,
                workerBytesPerDevice: (connectedBytes - before) / max(1, shape.devices),
                workerPeakBytes: worker.peakResidentBytes, devicesPeakBytes: ProcessMemory.peakResidentBytes)
            try worker.end()
            return report
        }
    }

    /// - Parameter prepare: tells a publisher how to publish, at its place among all, from 0 to 1.
    private func answers(
        _ fleet: QueueBenchFleet, prepare: (Double, QueueBenchPublisher) -> Void
    ) throws -> QueueBenchReport.Answers {
        for (index, publisher) in fleet.publishers.enumerated() {
            publisher.latencies = []
            prepare(Double(index) / Double(fleet.publishers.count), publisher)
        }
        let clock = RoleClock()
        try fleet.publish(for: .seconds(Self.measuredSeconds))
        let latencies = fleet.publishers.flatMap(\.latencies), seconds = clock.now.seconds
        try fleet.settle()
        return QueueBenchReport.Answers(latencies, seconds: seconds)
    }
}
