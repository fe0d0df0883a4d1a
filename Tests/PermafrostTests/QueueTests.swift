import Diagnostics
import Foundation
import Queueing
import Support
import Testing
import Wire

@Suite("A worker's queue")
struct QueueTests {
    /// A state folder with one run's store, which a worker may hold while the body runs.
    private func withStore(_ body: (URL, LMDBActivationStore) throws -> Void) throws {
        try Fixtures.withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("state/worker/movies-1/store").path
            let store = try LMDBActivationStore(folder: path, run: "movies-1", codec: .f32, capacityBytes: 1 << 20)
            var changes: [StoreChange] = [
                .deadLetter(
                    DeadLetter(
                        deviceID: "gateway-2", device: 2, sequence: 4, errorNumber: 31, error: "a wrong checksum",
                        header: [1, 2, 3])),
                .counted(device: 1, StoreCounters(redelivered: 5, duplicates: 3)),
                message(1, of: 2, sequence: 9),
            ]
            changes += [2, 3, 5].map { message(0, of: 1, sequence: $0) }
            for result in try store.apply(changes) { _ = try result.get() }
            try body(folder, store)
        }
    }

    /// A whole message of device 1, or the first of two parts of one of another device.
    private func message(_ part: UInt32, of device: UInt32, sequence: UInt64) -> StoreChange {
        let sample = StoredSample(
            id: UInt64(device) << 32 | sequence, targets: [1, 2], rows: 2, columns: 2, cut: 6)
        var bytes = [UInt8](repeating: 0, count: device == 1 ? 16 : 8)
        let values = [Float(sequence), 0.5, 3, 4].prefix(bytes.count / 4)
        bytes.withUnsafeMutableBytes { bytes in
            Array(values).withUnsafeBufferPointer { PayloadCodec.f32.encode($0, columns: 2, into: bytes) }
        }
        return .message(
            MessagePart(device: device, sequence: sequence, part: part, parts: device == 1 ? 1 : 2), samples: [sample],
            payload: Frame(bytes), codec: .f32)
    }

    private func answer(_ arguments: [String], in folder: URL) throws -> JSON {
        let outcome = try Program.run(arguments + ["--format", "json"], in: folder)
        #expect(outcome.exitCode == 0, "\(outcome.output) \(outcome.errors)")
        return try JSON(outcome.output)
    }

    @Test("what a store holds is told beside the worker that writes to it")
    func looking() throws {
        try withStore { folder, store in
            let information = try answer(["queue", "info"], in: folder)
            #expect(try information.text("run") == "movies-1")
            for (field, expected) in [
                ("messages", 3), ("samples", 3), ("bytes", 3 * 24 + 8), ("unacked", 1), ("redelivered", 5),
                ("duplicates", 3), ("dead", 1),
            ] as [(String, Double)] {
                #expect(try information.number(field) == expected, "\(field)")
            }
            #expect(try information.number("oldest_age_seconds") < 60)
            let peeked = try answer(["queue", "peek", "1", "3"], in: folder)
            #expect(try peeked.number("sequence") == 3)
            for (arguments, mention) in [
                (["queue", "ls"], "movies-1"), (["queue", "info"], "REDELIVERED"),
                (["queue", "peek", "1"], "message 2 of device 1"),
                (["queue", "peek", "1"], "2.0000 0.5000 3.0000 4.0000"),
                (["queue", "dead"], "a wrong checksum"),
            ] {
                let outcome = try Program.run(arguments, in: folder)
                #expect(outcome.exitCode == 0 && outcome.output.contains(mention), "\(arguments): \(outcome.output)")
            }
            // The worker goes on meanwhile.
            _ = try store.apply([message(0, of: 1, sequence: 7)])[0].get()
            #expect(try answer(["queue", "info"], in: folder).number("messages") == 4)
        }
    }

    @Test("nothing is taken out of a store that a worker holds")
    func held() throws {
        try withStore { folder, store in
            for arguments in [["queue", "purge"], ["queue", "dead", "--purge", "2", "4"]] {
                let outcome = try Program.run(arguments, in: folder)
                #expect(outcome.exitCode == ExitCode.runNotResumable.rawValue, "\(outcome.output)")
                #expect(outcome.errors.contains("another process has this activation store open"))
            }
            #expect(store.count == 3 && store.deadLetters().count == 1)
        }
    }

    @Test("without a worker a dead letter is forgotten, then a device's messages, then all")
    func purging() throws {
        try Fixtures.withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("state/worker/movies-1/store").path
            try {
                let store = try LMDBActivationStore(folder: path, run: "movies-1", codec: .f32, capacityBytes: 1 << 20)
                let letter = DeadLetter(
                    deviceID: "gateway-2", device: 2, sequence: 4, errorNumber: 31, error: "odd", header: [])
                for result in try store.apply([
                    .deadLetter(letter), message(0, of: 1, sequence: 1), message(0, of: 1, sequence: 2),
                    message(0, of: 2, sequence: 9),
                ]) { _ = try result.get() }
            }()
            _ = try answer(["queue", "dead", "--purge", "2", "4"], in: folder)
            let again = try Program.run(["queue", "dead", "--purge", "2", "4"], in: folder)
            #expect(again.exitCode == ExitCode.usage.rawValue && again.errors.contains("is no dead letter"))
            #expect(try answer(["queue", "purge", "1"], in: folder).number("samples") == 2)
            let information = try answer(["queue", "info"], in: folder)
            #expect(try information.number("messages") == 0 && information.number("unacked") == 1)
            #expect(try answer(["queue", "purge"], in: folder).number("bytes") == 8)
        }
    }

    @Test("a folder without a store, another run and a damaged store end with their numbers")
    func refused() throws {
        try Fixtures.withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("state/worker/movies-1/store").path
            _ = try LMDBActivationStore(folder: path, run: "movies-1", codec: .f32, capacityBytes: 1 << 20)
            for (arguments, code, mention) in [
                (["queue", "info", "--state", "gone"], ExitCode.usage, "gone holds no activation store"),
                (["queue", "info", "--run", "movies-2"], .usage, "--run movies-1"),
                (["queue", "peek", "1"], .usage, "no complete message of device 1"),
            ] {
                let outcome = try Program.run(arguments, in: folder)
                #expect(outcome.exitCode == code.rawValue && outcome.errors.contains(mention), "\(outcome.errors)")
            }
            let file = URL(fileURLWithPath: "\(path)/data.mdb")
            var bytes = try Data(contentsOf: file)
            bytes[16] ^= 1
            try bytes.write(to: file)
            let outcome = try Program.run(["queue", "info"], in: folder)
            #expect(outcome.exitCode == ExitCode.storeDamaged.rawValue && outcome.errors.contains("page 0"))
        }
    }
}
