import Foundation
import Synchronization
import Testing
import Wire

@testable import Queueing

/// How fast activations become durable, against the disk itself. Speed depends on the machine and what else it does, so
/// that this runs only when it is asked for, and prints instead of judging:
/// `PERMAFROST_BENCH=1 swift test -c release -Xswiftc -enable-testing --filter StoreBench`.
@Suite(
    "Durable ingest", .serialized, .enabled(if: ProcessInfo.processInfo.environment["PERMAFROST_BENCH"] == "1"))
struct StoreBench {
    private static let totalBytes = 256 << 20
    /// Four samples of 40 tokens of width 576.
    private static let rows = 40, columns = 576, samplesPerMessage = 4
    /// As many as credits let be on their way.
    private static let waitingBytes = 32 << 20

    @Test("durable ingest and the disk's sequential sync-write rate, in turns")
    func ingest() throws {
        var ratios: [Double] = []
        for round in 1...5 {
            let disk = try withStoreFolder { try diskRate($0) }
            let ingest = try withStoreFolder { try ingestRate($0) }
            ratios.append(ingest / disk)
            print(
                String(
                    format: "round %d: disk %.0f MB/s, durable ingest %.0f MB/s, ratio %.2f", round, disk / 1e6,
                    ingest / 1e6, ingest / disk))
        }
        print(String(format: "median ratio %.2f", ratios.sorted()[ratios.count / 2]))
    }

    /// Bytes a second of a file that grows by a group's bytes and is synced each time.
    private func diskRate(_ path: String) throws -> Double {
        let block = [UInt8](repeating: 0x5A, count: StoreWriter.groupBytes)
        let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
        defer { close(descriptor) }
        let start = ContinuousClock.now
        for _ in 0..<Self.totalBytes / block.count {
            #expect(write(descriptor, block, block.count) == block.count)
            #expect(fdatasync(descriptor) == 0)
        }
        return Double(Self.totalBytes) / seconds(since: start)
    }

    /// Bytes a second from a message's submission to its completion.
    private func ingestRate(_ path: String) throws -> Double {
        let store = try LMDBActivationStore(
            folder: path, run: "bench", codec: .f32, capacityBytes: Self.totalBytes * 2)
        let writer = StoreWriter(store)
        let sampleBytes = Self.rows * Self.columns * 4
        let slab = Slab(count: sampleBytes * Self.samplesPerMessage)
        let messages = Self.totalBytes / slab.bytes.count
        let room = DispatchSemaphore(value: Self.waitingBytes / slab.bytes.count)
        let failures = Mutex(0)
        let start = ContinuousClock.now
        for message in 0..<messages {
            room.wait()
            let samples = (0..<Self.samplesPerMessage).map {
                storedSample(UInt64(message * Self.samplesPerMessage + $0), rows: Self.rows, columns: Self.columns)
            }
            let part = MessagePart(device: UInt32(message % 8), sequence: UInt64(message / 8 + 1))
            let frame = Frame(owner: slab, bytes: slab.bytes)
            writer.submit(.message(part, samples: samples, payload: frame, codec: .f32)) { result in
                if result != .success(.complete) { failures.withLock { $0 += 1 } }
                room.signal()
            }
        }
        writer.close()
        #expect(failures.withLock { $0 } == 0)
        return Double(messages * slab.bytes.count) / seconds(since: start)
    }

    private func seconds(since start: ContinuousClock.Instant) -> Double {
        let duration = ContinuousClock.now - start
        return Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }
}
