import Diagnostics
import Foundation

/// Measures what the queue bears: a real worker, fed over TCP on this machine by simulated publishers that speak the
/// real protocol. There is no model: activations are random numbers of the stated width.
public struct QueueBench: Sendable {
    /// What can be measured.
    public enum Case: String, Sendable, CaseIterable {
        /// How fast activations are stored, against the disk and against ZeroMQ alone.
        case ingest
        /// Memory while many devices publish to a worker that is stopped.
        case bounds
        /// Many devices with small activations.
        case devices
    }

    /// How much is measured.
    public struct Options: Sendable {
        /// What is measured.
        public var cases = Set(Case.allCases)
        /// How long the worker is stopped.
        public var stoppedSeconds = 30.0
        /// Devices that publish to the worker that is stopped.
        public var publishers = 64
        /// Devices with small activations.
        public var devices = 1000
        /// Rounds of the ingest, of which the medians count.
        public var rounds = 5
        /// Payload bytes of one round.
        public var roundBytes = 512 << 20
        /// Where stores are made, and removed again: on the disk that is measured.
        public var folder = FileManager.default.temporaryDirectory.path

        /// Everything, in short.
        public init() {}
    }

    let options: Options
    let progress: @Sendable (String) -> Void

    /// - Parameter progress: told in words what is being measured.
    public init(_ options: Options, progress: @escaping @Sendable (String) -> Void = { _ in }) {
        self.options = options
        self.progress = progress
    }

    /// Measures. Takes the machine for a few minutes; what else runs on it shows in the figures.
    ///
    /// An error with a number ends the measuring; it is in the report, beside what was measured until then.
    ///
    /// - Throws: an error without a number.
    public func run() throws -> QueueBenchReport {
        var report = QueueBenchReport(processors: ProcessInfo.processInfo.activeProcessorCount)
        do {
            // What takes the least memory first: a process does not give all of it back.
            // First, because what a thousand devices leave in the heap is not theirs.
            if options.cases.contains(.bounds) { report.bounds = try measureBounds() }
            if options.cases.contains(.devices) { report.devices = try measureDevices() }
            if options.cases.contains(.ingest) { try measureIngest(into: &report) }
        } catch let error as any NumberedError {
            report.error = ErrorAnswer(error)
        }
        return report
    }

    /// Lends a folder that is removed afterwards.
    func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
        let folder = "\(options.folder)/permafrost-bench-\(UUID().uuidString)"
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw QueueBenchError.folderUnwritable(path: folder, reason: error.localizedDescription)
        }
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try body(folder)
    }
}
