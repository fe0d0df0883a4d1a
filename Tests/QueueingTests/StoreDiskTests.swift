import CSyncedFile
import Foundation
import Testing
import Wire

@testable import Queueing

/// A disk that keeps what was synced, and of the rest whatever it likes.
@Suite("The store and its disk", .serialized)
struct StoreDiskTests {
    /// What a loss of power at some moment would have left.
    private final class Remains {
        var images: [(bytes: [UInt8], applied: Int)] = []
        var applied = 0
        private var seed: UInt64

        init(seed: UInt64) { self.seed = seed }

        func take() {
            // Once nothing that was not synced is there, and once a part of it.
            seed += 1
            for chance in [0, seed] {
                var bytes = [UInt8](repeating: 0, count: synced_file_size())
                bytes.withUnsafeMutableBufferPointer { synced_file_copy($0.baseAddress, $0.count, chance) }
                images.append((bytes, applied))
            }
        }
    }

    @Test("after a loss of power at any write or sync, everything that was promised is there", arguments: 1...2)
    func powerLoss(seed: UInt64) throws {
        try withStoreFolder { path throws in
            let folder = StoreFolder(path: path)
            let remains = Remains(seed: seed * 1000)
            var chances = StoreChances(seed: seed), models = [StoreModel()]
            try {
                let store = try folder.open()
                #expect(synced_file_watch(folder.file) == 0)
                defer { synced_file_forget() }
                synced_file_observe(
                    { Unmanaged<Remains>.fromOpaque($0!).takeUnretainedValue().take() },
                    Unmanaged.passUnretained(remains).toOpaque())
                for _ in 0..<20 {
                    var model = models[models.count - 1]
                    let changes = chances.changes(&model)
                    models.append(model)
                    for result in try store.apply(changes) { _ = try result.get() }
                    #expect(synced_file_pending() == 0, "an apply returned before its writes were synced")
                    remains.applied += 1
                    remains.take()
                }
            }()
            // Writes and syncs were seen: LMDB's calls are those of the double.
            #expect(remains.images.count > 20 * 2 * 3)
            try withExtendedLifetime(remains) {
                for (bytes, applied) in remains.images {
                    try folder.write(bytes)
                    let store = try folder.open()
                    // The group under way may be there or not, but as a whole.
                    let isThere = try models[applied].matches(store)
                    let isNext = applied + 1 < models.count ? try models[applied + 1].matches(store) : false
                    #expect(isThere || isNext, "seed \(seed), \(applied) groups")
                }
            }
        }
    }

    @Test("a full disk refuses what does not fit and keeps everything else", arguments: [ENOSPC, EDQUOT])
    func fullDisk(error: Int32) throws {
        try withStoreFolder { path throws in
            let folder = StoreFolder(path: path)
            let store = try folder.open()
            #expect(synced_file_watch(folder.file) == 0)
            defer { synced_file_forget() }
            try store.put([storedSample(1, rows: 2)], [1, 2, 3, 4])
            // Whichever of the writes of a transaction fails.
            for writes in 0..<6 {
                synced_file_fail_writes(writes, error)
                let changes = (0..<3).map { i in
                    StoreChange.message(
                        MessagePart(device: UInt32(i), sequence: UInt64(writes) + 10),
                        samples: [storedSample(UInt64(writes * 10 + i) + 100, rows: 2000)],
                        payload: Frame([UInt8](repeating: 0, count: 16000)), codec: .f32)
                }
                let results = try store.apply(changes)
                synced_file_fail_writes(0, 0)
                for (i, result) in results.enumerated() {
                    let id = UInt64(writes * 10 + i) + 100
                    switch result {
                    case .success: #expect(try store.values(of: id).count == 4000)
                    case .failure(.diskFull): #expect(store.sample(id) == nil)
                    case .failure(let error): Issue.record(error)
                    }
                }
                if writes == 0 { #expect(results.allSatisfy { (try? $0.get()) == nil }) }
                #expect(try store.values(of: 1) == [1, 2, 3, 4])
                // Room again: what was refused gets in.
                for result in try store.apply(changes) { _ = try result.get() }
                try StoreFileCheck.check(folder.file)
            }
            #expect(store.count == 1 + 6 * 3)
        }
    }

    @Test("a disk that fails to sync ends writing for good, and nothing that it may have lost was promised")
    func failedSync() throws {
        try withStoreFolder { path throws in
            let folder = StoreFolder(path: path)
            try {
                let store = try folder.open()
                #expect(synced_file_watch(folder.file) == 0)
                defer { synced_file_forget() }
                try store.put([storedSample(1, rows: 2)], [1, 2, 3, 4])
                synced_file_fail_syncs(EIO)
                #expect(throws: StoreError.self) { try store.put([storedSample(2, rows: 1)], [5, 6], sequence: 2) }
                synced_file_fail_syncs(0)
                #expect(throws: StoreError.self) { try store.put([storedSample(3, rows: 1)], [5, 6], sequence: 3) }
                #expect(store.count == 1)
                #expect(try store.values(of: 1) == [1, 2, 3, 4])
            }()
            let store = try folder.open()
            #expect(store.settledSequences(of: 0).ranges == [1...1])
            try store.put([storedSample(2, rows: 1)], [5, 6], sequence: 2)
        }
    }

    @Test(
        "on a small disk the store fills up, says so, and goes on when there is room",
        .enabled(if: SmallDisk.isPermitted))
    func smallDisk() throws {
        try SmallDisk.use(mebibytes: 2) { path in
            let folder = StoreFolder(path: "\(path)/store", capacityBytes: 1 << 30)
            let store = try folder.open()
            var stored: [UInt64] = [], refused = 0
            for sequence in 1...60 as ClosedRange<UInt64> {
                let values = [Float](repeating: Float(sequence), count: 16000)
                do {
                    try store.put([storedSample(sequence, rows: 8000)], values, sequence: sequence)
                    stored.append(sequence)
                } catch let error as StoreError {
                    guard case .diskFull = error else { throw error }
                    #expect(error.wireError != nil)
                    refused += 1
                }
            }
            #expect(stored.count > 10 && refused > 10)
            for id in stored { #expect(try store.values(of: id) == .init(repeating: Float(id), count: 16000)) }
            #expect(store.settledSequences(of: 0).count == stored.count)
            try StoreFileCheck.check(folder.file)
        }
    }
}

/// A file system of a few MiB, where this process may make one.
private enum SmallDisk {
    static let isPermitted: Bool = (try? use(mebibytes: 1) { _ in true }) ?? false

    static func use<Result>(mebibytes: Int, _ body: (String) throws -> Result) throws -> Result {
        try withStoreFolder { path throws in
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            guard mount("tmpfs", path, "tmpfs", 0, "size=\(mebibytes)m") == 0 else {
                throw StoreError.unreadable(path: path, reason: String(cString: strerror(errno)))
            }
            defer { umount2(path, Int32(MNT_DETACH)) }
            return try body(path)
        }
    }
}
