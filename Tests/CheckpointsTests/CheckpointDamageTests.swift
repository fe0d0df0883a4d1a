import Checkpoints
import Diagnostics
import Foundation
import Support
import Testing

/// Whatever a crash or a bad disk leaves behind ends in the checkpoint before it, with a message.
@Suite("Damaged run checkpoints")
struct CheckpointDamageTests {
    /// A folder with a whole checkpoint of step 20 and a newer one of step 40 to be damaged.
    private func withTwo(_ body: (RunCheckpointBench, URL) throws -> Void) throws {
        try Fixtures.withTemporaryFolder { folder in
            let bench = RunCheckpointBench(parent: folder)
            try bench.write(20)
            try body(bench, bench.write(40))
        }
    }

    private func expectFallBack(_ bench: RunCheckpointBench, _ comment: Comment) throws {
        let latest = try bench.latest()
        #expect(latest.step == 20, comment)
        #expect(latest.skipped["step-00000040"]?.exitCode == .checkpointDamaged, comment)
        #expect(latest.skipped["step-00000040"]?.problem.contains("step-00000040") == true, comment)
    }

    @Test("any flipped bit of any file is found")
    func flippedBits() throws {
        try withTwo { bench, folder in
            var flips = 0
            for name in RunCheckpointBench.files {
                let url = folder.appendingPathComponent(name)
                let original = try Data(contentsOf: url)
                for bit in 0..<8 * original.count {
                    var damaged = original
                    damaged[bit / 8] ^= 1 << UInt8(bit % 8)
                    try damaged.write(to: url)
                    try expectFallBack(bench, "bit \(bit) of \(name)")
                    flips += 1
                }
                try original.write(to: url)
            }
            #expect(flips > 5000)
            #expect(try bench.latest().step == 40, "the undamaged one is whole again")
        }
    }

    @Test("any file cut short or grown by a byte is found, and so is a missing one")
    func lengths() throws {
        try withTwo { bench, folder in
            for name in RunCheckpointBench.files {
                let url = folder.appendingPathComponent(name)
                let original = try Data(contentsOf: url)
                for length in 0..<original.count {
                    try original.prefix(length).write(to: url)
                    try expectFallBack(bench, "\(name) of \(length) bytes")
                }
                try (original + [0]).write(to: url)
                try expectFallBack(bench, "\(name) with a byte more")
                try (original + original).write(to: url)
                try expectFallBack(bench, "\(name) twice")
                try FileManager.default.removeItem(at: url)
                try expectFallBack(bench, "no \(name)")
                try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
                try expectFallBack(bench, "\(name) is a folder")
                try FileManager.default.removeItem(at: url)
                try original.write(to: url)
            }
        }
    }

    @Test("the message names the file that is damaged")
    func message() throws {
        try withTwo { bench, folder in
            for name in RunCheckpointBench.files {
                let url = folder.appendingPathComponent(name)
                let original = try Data(contentsOf: url)
                try (original + [0]).write(to: url)
                let error = try bench.latest().skipped["step-00000040"]
                #expect(error?.problem.contains("is damaged in \(name):") == true)
                try original.write(to: url)
            }
        }
    }

    @Test("a crash at any point of writing leaves the checkpoint before it", arguments: [false, true])
    func crashes(hasEarlier: Bool) throws {
        try Fixtures.withTemporaryFolder { folder in
            let made = try RunCheckpointBench(parent: folder.appendingPathComponent("made")).write(40)
            // The files in the order of writing, each cut anywhere before the next one begins.
            let files = try RunCheckpointBench.files.dropLast().map { name in
                (name: name, data: try Data(contentsOf: made.appendingPathComponent(name)))
            }
            for place in [".step-00000040.ABC.partial", "step-00000040"] {
                let isAside = place.hasPrefix(".")
                for count in 0...files.count where isAside || count == files.count {
                    for cut in [0, 1, 2] {
                        let bench = RunCheckpointBench(parent: folder.appendingPathComponent("run"))
                        if hasEarlier { try bench.write(20) }
                        let target = bench.parent.appendingPathComponent(place)
                        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
                        for (index, file) in files.prefix(count).enumerated() {
                            let length = index == count - 1 ? file.data.count * cut / 2 : file.data.count
                            try file.data.prefix(length).write(to: target.appendingPathComponent(file.name))
                        }
                        let latest = try bench.latest()
                        #expect(latest.step == (hasEarlier ? 20 : nil))
                        // What was never visible needs no message.
                        #expect(latest.skipped.keys.sorted() == (isAside ? [] : ["step-00000040"]))
                        try bench.write(40, keeping: 1)
                        #expect(try bench.latest().step == 40 && bench.names() == ["step-00000040"])
                        try FileManager.default.removeItem(at: bench.parent)
                    }
                }
            }
        }
    }

    @Test("a crash while a step is written again leaves the first writing")
    func crashDuringReplacement() throws {
        try Fixtures.withTemporaryFolder { folder in
            let bench = RunCheckpointBench(parent: folder)
            let target = try bench.write(40, keeping: 1)
            let replaced = folder.appendingPathComponent("step-00000040.replaced")
            try FileManager.default.moveItem(at: target, to: replaced)
            #expect(try bench.latest().step == 40)

            // The new folder is there, its marker is not.
            try FileManager.default.copyItem(at: replaced, to: target)
            try FileManager.default.removeItem(at: target.appendingPathComponent("complete"))
            let latest = try bench.latest()
            #expect(latest.step == 40 && latest.skipped.keys.sorted() == ["step-00000040"])

            // A second try meets both.
            try bench.write(40, keeping: 1)
            #expect(try bench.latest().skipped.isEmpty && bench.names() == ["step-00000040"])
        }
    }
}
