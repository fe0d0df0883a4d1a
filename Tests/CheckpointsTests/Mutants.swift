import Diagnostics
import Foundation
import Randomness
import Support
import Testing

/// Damaged copies of a folder: in each, one file of several is another than it was.
struct Mutants {
    private static let environment = ProcessInfo.processInfo.environment
    /// `PERMAFROST_SEED=7` damages other places.
    private static let seed = UInt64(environment["PERMAFROST_SEED"] ?? "") ?? 20
    /// `PERMAFROST_MUTANTS=20` makes a run twenty times as long.
    private static let factor = Int(environment["PERMAFROST_MUTANTS"] ?? "") ?? 1

    private let originals: [(name: String, bytes: [UInt8])]
    private let stream: String
    private let count: Int

    /// - Parameters:
    ///   - fixtures: the files; one that is named twice is damaged twice as often.
    ///   - stream: the name of the stream of chance.
    ///   - count: how many there are.
    init(of fixtures: [String], stream: String, count: Int) throws {
        try self.init(files: fixtures.map(fixture), stream: stream, count: count)
    }

    /// - Parameter files: as `fixtures`, anywhere.
    init(files: [URL], stream: String, count: Int) throws {
        originals = try files.map { ($0.lastPathComponent, [UInt8](try Data(contentsOf: $0))) }
        self.stream = stream
        self.count = count * Self.factor
    }

    /// Opens each mutant: whatever happens must be success or a numbered error, in no more memory than the files have
    /// bytes, and 64 MiB. At least a third must be refused, or the damage is too mild to tell anything.
    ///
    /// - Parameter mutate: makes a mutant of a file's bytes.
    func openEach(
        _ mutate: ([UInt8], inout SeededGenerator) -> [UInt8] = Mutation.mutate, _ open: (URL) throws -> Void
    ) throws {
        var chance = SeededGenerator(seed: Self.seed, stream: stream)
        try Self.withFolderInMemory { folder in
            for (name, bytes) in originals { try Data(bytes).write(to: folder.appendingPathComponent(name)) }
            // What is made once for the process is no mutant's doing.
            _ = try? open(folder)
            let peak = try PeakMemory()
            var refused = 0
            for number in 0..<count {
                let (name, original) = originals[number % originals.count]
                let url = folder.appendingPathComponent(name)
                try Data(mutate(original, &chance)).write(to: url)
                do {
                    try open(folder)
                } catch {
                    refused += 1
                    let numbered = error as? any NumberedError
                    #expect(numbered != nil, "mutant \(number) of seed \(Self.seed), \(stream): \(error)")
                    #expect(numbered?.problem.isEmpty == false && numbered?.remedy.isEmpty == false)
                }
                try Data(original).write(to: url)
            }
            let growth = try peak.growth(), size = originals.reduce(0) { $0 + $1.bytes.count }
            #expect(growth <= size + 64 << 20, "\(stream) took \(growth) bytes")
            #expect(refused > count / 3, "\(stream): \(refused) of \(count) were refused")
            print("\(stream): \(refused) of \(count) mutants refused, peak \(growth >> 10) KiB above the start")
        }
    }
}

extension Mutants {
    /// An empty folder that no disk waits for, where the system has such, or else a temporary one.
    private static func withFolderInMemory(_ body: (URL) throws -> Void) throws {
        let folder = URL(fileURLWithPath: "/dev/shm/permafrost-\(UUID().uuidString)")
        guard (try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)) != nil else {
            return try Fixtures.withTemporaryFolder(body)
        }
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }
}

/// How far a process's resident memory has risen above where it was.
struct PeakMemory {
    private let start: Int

    /// Lets the system forget the peak so far.
    init() throws {
        try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
        start = try Self.peak()
    }

    /// Bytes from the start to the highest point since.
    func growth() throws -> Int { max(0, try Self.peak() - start) }

    private static func peak() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(Int(line.split(whereSeparator: \.isWhitespace)[1])) * 1024
    }
}

/// Prints what a child printed: its figures, or where it crashed.
func show(_ child: ExitTest.Result?) {
    let lines = [child?.standardOutputContent, child?.standardErrorContent].compactMap(\.self)
        .flatMap { String(decoding: $0, as: UTF8.self).split(separator: "\n") }
    for line in lines where ["peak", "atal error", " at /", "Sanitizer", "    #"].contains(where: line.contains) {
        print(line)
    }
}
