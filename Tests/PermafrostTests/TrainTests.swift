import Foundation
import Runs
import Support
import Synchronization
import Testing
import Wire

@Suite("permafrost train")
struct TrainTests {
    @Test("a run over four one-sided devices prints its training lines, and leaves a whole folder and a good adapter")
    func wholeRun() throws {
        try TinyModel.use { tiny in
            let outcome = try tiny.run("train", "recipe.yaml")
            #expect(outcome.exitCode == 0)
            #expect(outcome.errors.isEmpty)
            let folder = try tiny.onlyRun()
            for name in ["recipe.yaml", "metrics.jsonl", "adapter/adapter_config.json"] {
                let bytes = try Data(contentsOf: folder.appendingPathComponent(name))
                #expect(!bytes.isEmpty, "\(name)")
            }
            let summary = try JSON(contentsOf: folder.appendingPathComponent("summary.json"))
            let missing = Self.summaryKeys.subtracting(summary.keys)
            #expect(missing.isEmpty)
            #expect(try summary.text("state") == "completed")
            let score = try summary.inner("score")
            #expect(try score.number("accuracy") >= score.number("majority") + 0.15)
            #expect(try score.number("accuracy") >= summary.inner("baseline").number("accuracy") + 0.15)

            let steps = try Int(summary.number("steps"))
            let lines = outcome.output.split(separator: "\n").filter { $0.hasPrefix("step ") }
            #expect((2...41).contains(lines.count))
            #expect(lines.last?.hasPrefix("step \(steps)/\(steps)  ") == true)
            for line in lines { #expect(try Self.trainingLine.wholeMatch(in: line) != nil, "\(line)") }
            #expect(outcome.output.split(separator: "\n").count { $0.hasPrefix("published all") } == 1)
            let next = "next: permafrost eval recipe.yaml --adapter \(try summary.text("adapter_path"))\n"
            #expect(outcome.output.hasSuffix(next))
        }
    }

    @Test(
        "methods that train on devices print their lines, and leave a folder whose adapter scores the same",
        arguments: ["splitlora", "fedlora", "hosl", "zo", "soft"])
    func methods(method: String) throws {
        try TinyModel.use { tiny in
            let training = try tiny.train(
                "training.epochs=1", "training.method=\(method)", "method.cut=1", "method.pairs=1",
                "method.local_steps=1", "method.device_learning_rate=0.000001")
            #expect(try training.summary.text("state") == "completed")
            #expect(try training.summary.text("method") == method)
            for key in ["bytes_up", "bytes_down", "train_tokens"] { #expect(try training.summary.number(key) > 0) }
            let lines = training.outcome.errors.split(separator: "\n").filter { $0.hasPrefix("step ") }
            #expect(!lines.isEmpty && lines.allSatisfy { !$0.contains(" acc ") })
            let scored = try tiny.run(
                "eval", "recipe.yaml", "--adapter", training.summary.text("adapter_path"), "--format", "json")
            #expect(scored.exitCode == 0, "\(scored.errors)")
        }
    }

    @Test("with --format json the output is the summary and nothing else, and progress goes to the standard error")
    func json() throws {
        try TinyModel.use { tiny in
            let training = try tiny.train("training.epochs=1")
            let written = try String(
                contentsOf: training.folder.appendingPathComponent("summary.json"), encoding: .utf8)
            #expect(training.outcome.output == written)
            #expect(training.outcome.errors.contains("\nstep 1/"))
        }
    }

    @Test("training begins before the devices have published everything")
    func overlap() throws {
        try TinyModel.use { tiny in
            // One sentence a message, and one device with most of them, of which the first step needs a few.
            let training = try tiny.train(
                "training.epochs=1", "devices.publish_batch=1", "devices.cuts=[0,3]", "devices.partition=iid",
                "devices.shares=[1,12]")
            let metrics = try training.metrics()
            let firstStep = try #require(metrics.firstIndex { $0.has("step") })
            let allPublished = try #require(
                metrics.lastIndex { $0.has("device") && (try? $0.flag("finished")) == true })
            #expect(firstStep < allPublished)
        }
    }

    @Test("a message larger than a device's whole credit goes in parts, and trains the same adapter")
    func parts() throws {
        try TinyModel.use { tiny in
            let whole = try tiny.train("training.epochs=1", "devices.publish_batch=40")
            let parts = try tiny.train("training.epochs=1", "devices.publish_batch=40", "devices.credit_bytes=4KiB")
            #expect(try parts.adapterBytes() == whole.adapterBytes())
        }
    }

    @Test(
        "each sentence crosses the wire once, whatever the number of epochs",
        arguments: ["f32": 128.0, "bf16": 64, "int8": 34, "int4_residual": 22, "int4": 18])
    func bytesUp(codec: String, rowBytes: Double) throws {
        try TinyModel.use { tiny in
            let epochs = 3.0
            let training = try tiny.train("training.epochs=\(Int(epochs))", "devices.codec=\(codec)")
            let tokens = try training.summary.number("train_tokens") / epochs
            let payload = tokens * rowBytes
            let messages = try training.summary.number("train_samples") / 2 + 4
            let headers = try training.summary.number("bytes_up") - payload
            #expect((20 * messages...200 * messages).contains(headers), "\(headers) bytes for \(messages) messages")
        }
    }

    @Test("activations of fewer bytes a value train nearly the same adapter", arguments: ["bf16": 0.7, "int8": 0.5])
    func fewerBytes(codec: String, share: Double) throws {
        try TinyModel.use { tiny in
            let exact = try tiny.train("training.epochs=1"),
                rounded = try tiny.train("training.epochs=1", "devices.codec=\(codec)")
            let difference = try Self.relativeDifference(rounded.adapterValues(), from: exact.adapterValues())
            #expect(difference > 0)
            #expect(difference < 0.2)
            #expect(try rounded.summary.number("bytes_up") < share * exact.summary.number("bytes_up"))
        }
    }

    @Test(
        "compressed activations train the same adapter with fewer bytes",
        .enabled(if: PayloadCompression.available.contains(.zstd)))
    func compression() throws {
        try TinyModel.use { tiny in
            let plain = try tiny.train("training.epochs=1"),
                compressed = try tiny.train("training.epochs=1", "devices.compression=zstd")
            #expect(try compressed.adapterBytes() == plain.adapterBytes())
            #expect(try compressed.summary.number("bytes_up") < plain.summary.number("bytes_up"))
        }
    }

    @Test("training in one place without devices gives the same adapter")
    func central() throws {
        try TinyModel.use { tiny in
            let split = try tiny.train(), central = try tiny.train("training.method=central")
            #expect(try central.summary.number("bytes_up") == 0)
            #expect(try central.summary.number("steps") == split.summary.number("steps"))
            #expect(try Self.relativeDifference(central.adapterValues(), from: split.adapterValues()) <= 1e-4)
        }
    }

    @Test("the seed decides every bit of the adapter, whatever the threads")
    func reproducible() throws {
        try TinyModel.use { tiny in
            let first = try tiny.train("training.epochs=2"), second = try tiny.train("training.epochs=2", "threads=1")
            let other = try tiny.train("training.epochs=2", "seed=8")
            #expect(try first.adapterBytes() == second.adapterBytes())
            #expect(try first.adapterBytes() != other.adapterBytes())
            #expect(try other.summary.number("seed") == 8)
        }
    }

    @Test("a resolved recipe from a run's folder gives the same run again")
    func resolvedRecipe() throws {
        try TinyModel.use { tiny in
            let first = try tiny.train("training.epochs=1", "seed=18446744073709551615")
            let copy = tiny.path("again.yaml")
            try FileManager.default.copyItem(at: first.folder.appendingPathComponent("recipe.yaml"), to: copy)
            let again = try tiny.run("train", "again.yaml", "--format", "json")
            try #require(again.exitCode == 0, "\(again.errors)")
            let run = tiny.path("runs").appendingPathComponent(try JSON(again.output).text("run"))
            let second = Training(outcome: again, summary: try JSON(again.output), folder: run)
            #expect(try first.adapterBytes() == second.adapterBytes())
        }
    }

    @Test("runs that begin in the same second each get a folder of their own")
    func simultaneousRuns() throws {
        try Fixtures.withTemporaryFolder { folder in
            let begin = Date(), parent = folder.appendingPathComponent("runs").path
            let ids = Mutex<[String]>([])
            DispatchQueue.concurrentPerform(iterations: 100) { _ in
                guard let run = try? RunFolder(parent: parent, name: "tiny", now: begin) else { return }
                ids.withLock { $0.append(run.id) }
            }
            let made = try FileManager.default.contentsOfDirectory(atPath: parent)
            #expect(made.count == 100)
            #expect(ids.withLock { $0.sorted() } == made.sorted())
        }
    }

    private static let summaryKeys: Set = [
        "score", "baseline", "steps", "epochs", "train_tokens", "tokens_per_second",
        "wall_seconds", "device_seconds", "server_seconds", "bytes_up", "bytes_down", "peak_rss_bytes",
        "trainable_parameters", "adapter_path", "seed",
    ]

    /// `step 120/600  loss 0.4312  acc 0.84  lr 2.0e-4  tok/s 2,410  bubble 4.1%  queue 14  up 1.2 MB/s  mem 0.9 GiB`
    private static var trainingLine: Regex<AnyRegexOutput> {
        get throws {
            try Regex(
                [
                    #"step \d+/\d+"#, #"loss \d+\.\d{4}"#, #"acc [01]\.\d\d"#, #"lr \d\.\de[-+]\d+"#,
                    #"tok/s \d{1,3}(,\d{3})*"#, #"bubble \d+\.\d%"#, #"queue \d+"#, #"up \d+(\.\d)? [kMGT]?B/s"#,
                    #"mem \d+\.\d+ GiB"#,
                ].joined(separator: "  "))
        }
    }

    /// The largest difference of two adapters, as a part of the largest value.
    private static func relativeDifference(_ values: [Float], from others: [Float]) throws -> Float {
        try #require(values.count == others.count)
        let difference = zip(values, others).map { abs($0 - $1) }.max() ?? 0
        return difference / (others.map(abs).max() ?? 1)
    }
}
