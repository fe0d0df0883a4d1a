import Foundation
import Queueing

/// A worker in a process of its own, whose memory can be told from that of the devices, and which can be stopped.
final class QueueBenchProcess {
    let endpoint: String
    private let process = Process()
    private let input = Pipe()

    /// Starts this program once more, as a worker.
    ///
    /// - Throws: `QueueBenchError.workerFailed`.
    init(_ shape: QueueBenchShape, folder: String) throws(QueueBenchError) {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["bench", "queue-worker", "--folder", folder, "--shape", jsonText(shape)]
        process.standardInput = input
        process.standardOutput = output
        do { try process.run() } catch { throw .workerFailed(reason: error.localizedDescription) }
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        endpoint = line.trimmingCharacters(in: .whitespacesAndNewlines)
        guard endpoint.hasPrefix("tcp://") else { throw .workerFailed(reason: "it said '\(endpoint)'") }
    }

    deinit {
        guard process.isRunning else { return }
        resume()
        process.terminate()
        process.waitUntilExit()
    }

    /// Bytes that are resident now.
    var residentBytes: Int { ProcessMemory.residentBytes(of: process.processIdentifier) }

    /// The most bytes that were ever resident.
    var peakResidentBytes: Int { ProcessMemory.peakResidentBytes(of: process.processIdentifier) }

    /// Stops it where it is, as a machine that sleeps.
    func suspend() { kill(process.processIdentifier, SIGSTOP) }

    func resume() { kill(process.processIdentifier, SIGCONT) }

    /// Lets it leave, which it does when nobody can speak to it any more.
    ///
    /// - Throws: `QueueBenchError.workerFailed`.
    func end() throws(QueueBenchError) {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw .workerFailed(reason: "it ended with \(process.terminationStatus)")
        }
    }
}

/// What the process of a measured worker does.
public enum QueueBenchWorkerProcess {
    /// Works until the standard input ends, and says on the standard output where.
    ///
    /// - Parameter shape: who publishes what, as JSON.
    /// - Throws: `QueueBenchError`, `TransportError`, `StoreError`.
    public static func run(shape: String, folder: String) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard let shape = try? decoder.decode(QueueBenchShape.self, from: Data(shape.utf8)) else {
            throw QueueBenchError.workerFailed(reason: "'\(shape)' describes no devices")
        }
        let worker = try QueueBenchWorker(shape, .folder(folder))
        try? FileHandle.standardOutput.write(contentsOf: Data("\(worker.endpoint)\n".utf8))
        while (try? FileHandle.standardInput.read(upToCount: 1))?.isEmpty == false {}
        try worker.stop()
    }
}
