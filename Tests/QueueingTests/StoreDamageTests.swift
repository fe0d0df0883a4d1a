import Foundation
import Randomness
import Testing
import Wire

@testable import Queueing

/// Every flipped bit is named, or in a place that nobody reads. A crash of LMDB would end these tests.
@Suite("A damaged store")
struct StoreDamageTests {
    private static let pageSize = 4096
    /// The part of a meta page that LMDB writes.
    private static let metaBytes = 152

    /// A real file with every table, trees of several levels, parts, large values and free pages.
    private struct Sound: Sendable {
        static let shared = Result { try Sound() }

        let bytes: [UInt8]
        let model: StoreModel

        init() throws {
            var chances = StoreChances(seed: 11), model = StoreModel()
            bytes = try withStoreFolder { path throws in
                let folder = StoreFolder(path: path)
                try {
                    let store = try folder.open()
                    // Many small samples make a tree of several pages.
                    for sequence in 1...120 as ClosedRange<UInt64> {
                        let sample = storedSample(3 << 32 | sequence << 20, rows: 1, columns: 8, cut: 6)
                        let values = (0..<8).map { Float($0) + Float(sequence) }
                        try store.put([sample], values, sequence: sequence + 1000, device: 3)
                        model.samples[sample.id] = sample
                        model.values[sample.id] = values
                        model.settled[3, default: []].insert(sequence + 1000)
                    }
                    for _ in 0..<12 { _ = try store.apply(chances.changes(&model, upTo: 3)) }
                }()
                return try folder.bytes()
            }
            self.model = model
        }

        var pages: Int { bytes.count / pageSize }
    }

    /// What became of a file in which one bit is another.
    private enum Outcome { case named, sound, unnoticed }

    private func outcome(
        _ bytes: [UInt8], _ sound: Sound, in folder: StoreFolder, isOpened: Bool = true
    ) throws -> Outcome {
        do {
            try bytes.withUnsafeBytes { try StoreFileCheck.check($0, path: folder.file, pageSize: Self.pageSize) }
            guard isOpened else { return .sound }
            try folder.write(bytes)
            let store = try folder.open()
            _ = try StoreLoader.load(store.environment, path: folder.file, codec: .f32, readsParts: true)
            return try sound.model.matches(store) ? .sound : .unnoticed
        } catch StoreError.damaged(let path, let what) {
            return path == folder.file && !what.isEmpty ? .named : .unnoticed
        }
    }

    private func flip(_ offset: Int, _ bit: Int, _ sound: Sound) -> [UInt8] {
        var bytes = sound.bytes
        bytes[offset] ^= 1 << bit
        return bytes
    }

    @Test("a file that nobody touched is sound")
    func untouched() throws {
        let sound = try Sound.shared.get()
        #expect(sound.pages > 40)
        try withStoreFolder { path throws in
            #expect(try outcome(sound.bytes, sound, in: StoreFolder(path: path)) == .sound)
        }
    }

    @Test("a bit flipped anywhere is named, or changes nothing that is read", arguments: [20, 21] as [UInt64])
    func anywhere(seed: UInt64) throws {
        let sound = try Sound.shared.get()
        var chance = SeededGenerator(seed: seed, stream: "flips")
        try withStoreFolder { path throws in
            var counts: [Outcome: Int] = [:]
            for _ in 0..<1000 {
                let offset = Int.random(in: 0..<sound.bytes.count, using: &chance)
                let bit = Int.random(in: 0..<8, using: &chance)
                let outcome = try outcome(flip(offset, bit, sound), sound, in: StoreFolder(path: path))
                counts[outcome, default: 0] += 1
                #expect(outcome != .unnoticed, "seed \(seed): byte \(offset), bit \(bit)")
            }
            #expect(counts[.named, default: 0] > 200, "\(counts)")
        }
    }

    @Test("a bit flipped in the pages that describe the file is named, or changes nothing that is read")
    func metaPages() throws {
        let sound = try Sound.shared.get()
        try withStoreFolder { path throws in
            let folder = StoreFolder(path: path)
            var named = 0
            for page in 0..<2 {
                for place in 0..<Self.pageSize {
                    let isDescribed = place < Self.metaBytes
                    for bit in isDescribed ? Array(0..<8) : [place % 8] {
                        let bytes = flip(page * Self.pageSize + place, bit, sound)
                        // Beyond the description nothing is read: to open each of these would show little more.
                        let outcome = try outcome(bytes, sound, in: folder, isOpened: isDescribed || place % 64 == 0)
                        #expect(outcome != .unnoticed, "page \(page), byte \(place), bit \(bit)")
                        #expect(isDescribed || outcome == .sound)
                        named += outcome == .named ? 1 : 0
                    }
                }
            }
            #expect(named > 1000)
        }
    }

    @Test("a bit flipped in a page's header or entries is named, or changes nothing that is read")
    func pageHeaders() throws {
        let sound = try Sound.shared.get()
        var chance = SeededGenerator(seed: 5, stream: "headers")
        try withStoreFolder { path throws in
            var named = 0
            for page in 2..<sound.pages {
                for place in 0..<16 {
                    let bit = Int.random(in: 0..<8, using: &chance)
                    let bytes = flip(page * Self.pageSize + place, bit, sound)
                    let outcome = try outcome(bytes, sound, in: StoreFolder(path: path))
                    #expect(outcome != .unnoticed, "page \(page), byte \(place), bit \(bit)")
                    named += outcome == .named ? 1 : 0
                }
            }
            #expect(named > sound.pages)
        }
    }

    @Test("a file that ends too early or holds something else is named")
    func cut() throws {
        let sound = try Sound.shared.get()
        try withStoreFolder { path throws in
            let folder = StoreFolder(path: path)
            for count in [1, 100, 4095, 4096, 8191, 8192, 8193, 20000, sound.bytes.count / 2] {
                #expect(try outcome(Array(sound.bytes.prefix(count)), sound, in: folder) == .named, "\(count) bytes")
            }
            for page in 0..<sound.pages {
                var bytes = sound.bytes
                bytes.replaceSubrange(
                    page * Self.pageSize..<(page + 1) * Self.pageSize,
                    with: [UInt8](repeating: 0, count: Self.pageSize))
                #expect(try outcome(bytes, sound, in: folder) != .unnoticed, "page \(page) is zeros")
                // A page of the file in the place of another.
                let other = (page * 7 + 3) % sound.pages * Self.pageSize
                bytes.replaceSubrange(
                    page * Self.pageSize..<(page + 1) * Self.pageSize, with: sound.bytes[other..<other + Self.pageSize])
                #expect(try outcome(bytes, sound, in: folder) != .unnoticed, "page \(page) is a copy")
            }
        }
    }

    @Test("activations that changed under an open store are never lent, and named with sample, device and message")
    func underway() throws {
        try withStoreFolder { path throws in
            let folder = StoreFolder(path: path)
            let store = try folder.open()
            let values = (0..<4000).map { Float($0) + 0.5 }
            try store.put([storedSample(5 << 32 | 77, rows: 2000)], values, sequence: 31, device: 5)
            let at = try #require(
                try folder.bytes().withUnsafeBytes { bytes in
                    (0..<bytes.count / 4).first {
                        bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) == 3000.5
                    }
                })
            let handle = try FileHandle(forUpdating: URL(fileURLWithPath: folder.file))
            try handle.seek(toOffset: UInt64(at * 4))
            try handle.write(contentsOf: [1])
            try handle.close()
            let error = #expect(throws: StoreError.self) { try store.values(of: 5 << 32 | 77) }
            #expect(error?.problem.contains("sample 77 of device 5 (message 31 of device 5)") == true)
            #expect(throws: StoreError.self) { try store.verify() }
        }
    }
}
