import Foundation
import Randomness
import Synchronization
import Testing
import Wire

@testable import Queueing

@Suite("The store in a folder")
struct LMDBStoreTests {
    @Test("random changes, closed and opened again, keep exactly what a model says", arguments: 1...6)
    func random(seed: UInt64) throws {
        try withStoreFolder { path throws in
            let folder = StoreFolder(path: path)
            var chances = StoreChances(seed: seed), model = StoreModel()
            for _ in 0..<6 {
                let store = try folder.open()
                #expect(try model.matches(store), "seed \(seed)")
                for _ in 0..<15 {
                    let changes = chances.changes(&model)
                    for result in try store.apply(changes) { _ = try result.get() }
                    // The check knows LMDB's file in every state that LMDB leaves it in.
                    try StoreFileCheck.check(folder.file)
                }
                #expect(try model.matches(store), "seed \(seed)")
                try store.verify()
                let kept = model.samples.values.reduce(0) { $0 + $1.rows * 32 + $1.targets.count * 4 }
                let parts = model.partials.values.reduce(0) { $0 + $1.stored.values.reduce(0) { $0 + $1.count * 4 } }
                #expect(store.bytes == kept + parts)
            }
            #expect(model.samples.count > 50 && model.partials.count > 0)
        }
    }

    @Test("whoever opens a store to write waits for those who look at it")
    func readers() throws {
        try withStoreFolder { path throws in
            _ = try StoreFolder(path: path).open()
            let looking = Mutex(try FolderLock.take(path, exclusively: false))
            #expect(looking.withLock { $0 } != nil)
            let hasOpened = DispatchSemaphore(value: 0)
            let opened = Mutex<Result<String, any Error>?>(nil)
            Thread.detachNewThread {
                let result = Result { try StoreFolder(path: path).open().run }
                opened.withLock { $0 = result }
                hasOpened.signal()
            }
            // As long as another writer would have been waited for, and longer.
            #expect(hasOpened.wait(timeout: .now() + 0.5) == .timedOut)
            looking.withLock { $0 = nil }
            #expect(hasOpened.wait(timeout: .now() + 30) == .success)
            #expect(try opened.withLock { $0 }?.get() == "run")
        }
    }

    @Test("a folder belongs to one run, keeps one codec and has one writer")
    func identity() throws {
        try withStoreFolder { path throws in
            let folder = StoreFolder(path: path)
            var store: LMDBActivationStore? = try folder.open()
            #expect(throws: StoreError.inUse(path: path)) { try folder.open() }
            #expect(throws: StoreError.inUse(path: path)) { try LMDBActivationStore(maintaining: path) }
            store = nil
            #expect(store == nil)
            #expect(throws: StoreError.wrongRun(path: folder.file, run: "run", expected: "other")) {
                try folder.open(run: "other")
            }
            #expect(throws: StoreError.wrongCodec(path: folder.file, codec: "f32", expected: "bf16")) {
                try folder.open(codec: .bf16)
            }
            let maintained = try LMDBActivationStore(maintaining: path)
            #expect(maintained.run == "run" && maintained.codec == .f32)
        }
    }

    @Test("who only looks sees everything, changes nothing, and needs a store to be there")
    func reading() throws {
        try withStoreFolder { path throws in
            #expect(throws: StoreError.self) { try LMDBActivationStore(reading: path) }
            let folder = StoreFolder(path: path)
            var chances = StoreChances(seed: 3), model = StoreModel()
            try { _ = try folder.open().apply(chances.changes(&model, upTo: 30)) }()
            let before = try folder.bytes()
            let reader = try LMDBActivationStore(reading: path)
            #expect(try model.matches(reader))
            #expect(throws: StoreError.self) { try reader.make(.counted(device: 1, StoreCounters())) }
            #expect(try folder.bytes() == before)
        }
    }

    @Test("a purged device's messages are asked for again, others stay")
    func purge() throws {
        try withStoreFolder { path throws in
            let folder = StoreFolder(path: path)
            var chances = StoreChances(seed: 4), model = StoreModel()
            let store = try folder.open()
            for _ in 0..<30 { _ = try store.apply(chances.changes(&model)) }
            try store.purge(device: 1)
            model.samples = model.samples.filter { $0.key >> 32 != 1 }
            model.values = model.values.filter { $0.key >> 32 != 1 }
            model.partials = model.partials.filter { $0.key.device != 1 }
            model.letters = model.letters.filter { $0.key.device != 1 }
            model.settled[1] = nil
            model.counters[1] = nil
            #expect(!model.samples.isEmpty && !model.letters.isEmpty)
            #expect(try model.matches(store))
            let letter = try #require(model.letters.keys.min())
            #expect(try store.forgetDeadLetter(device: letter.device, sequence: letter.sequence))
            #expect(try !store.forgetDeadLetter(device: letter.device, sequence: letter.sequence))
            try store.purge()
            #expect(try StoreModel().matches(store))
            #expect(store.bytes == 0)
            try StoreFileCheck.check(folder.file)
        }
    }

    @Test("the summary of each device counts what is kept of it")
    func summary() throws {
        try withStoreFolder { path throws in
            let store = try StoreFolder(path: path).open()
            let before = Date(timeIntervalSinceNow: -1)
            for sequence in [2, 3, 7] as [UInt64] {
                try store.put([storedSample(1 << 32 | sequence, rows: 2)], [1, 2, 3, 4], sequence: sequence, device: 1)
            }
            try store.make(
                .message(
                    MessagePart(device: 2, sequence: 1, part: 1, parts: 2),
                    samples: [storedSample(2 << 32, rows: 2)], payload: Frame(PayloadCodec.f32.bytes(of: [1, 2])),
                    codec: .f32))
            try store.make(.counted(device: 1, StoreCounters(redelivered: 5, duplicates: 4)))
            let summaries = try store.summaries()
            let first = try #require(summaries.first)
            #expect(summaries.map(\.device) == [1, 2])
            #expect(first.messages == 3 && first.samples == 3 && first.bytes == 3 * (16 + 8))
            #expect(first.firstSequence == 2 && first.lastSequence == 7 && first.unacknowledged == 0)
            #expect(first.counters == StoreCounters(redelivered: 5, duplicates: 4))
            #expect((before...Date()).contains(try #require(first.oldest)))
            #expect(summaries[1].unacknowledged == 1 && summaries[1].messages == 0 && summaries[1].bytes == 8)
            #expect(store.samples(device: 1, sequence: 3).map(\.id) == [1 << 32 | 3])
        }
    }

    @Test("a process that reads all of its store again and again does not become as large as that")
    func mapIsGivenBack() throws {
        try withStoreFolder { path throws in
            let folder = StoreFolder(path: path, capacityBytes: 1 << 28)
            let store = try folder.open()
            let rows = 32_768, count = 48 as UInt64
            let payload = [UInt8](repeating: 1, count: rows * 8)
            for id in 1...count {
                try store.make(
                    .message(
                        MessagePart(device: 0, sequence: id), samples: [storedSample(id, rows: rows)],
                        payload: Frame(payload), codec: .f32))
            }
            // 12 MiB are kept. The map goes back every 8 MiB; a sample is 256 KiB, and the system maps 64 KiB around it.
            var most = 0
            for id in Array(1...count) + Array(1...count) {
                try store.withBytes(of: id) { _, _ in }
                most = max(most, try residentBytes(ofFile: folder.file))
            }
            #expect(most > 1 << 20 && most < 10 << 20, "\(most) bytes")
        }
    }

    /// Bytes of a mapped file that are resident in this process.
    private func residentBytes(ofFile path: String) throws -> Int {
        // It is read to its end, which no size tells beforehand.
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/smaps"))
        var text = Data()
        while let next = try file.read(upToCount: 1 << 16), !next.isEmpty { text += next }
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        guard let start = lines.firstIndex(where: { $0.hasSuffix(path) }) else { return 0 }
        let line = lines[start...].first { $0.hasPrefix("Rss:") }
        return line.flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) }.map { $0 << 10 } ?? 0
    }
}
