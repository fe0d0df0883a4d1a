import Foundation
import Testing

/// A recipe, and how its run is disturbed again and again.
struct Disturbance: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let overrides: [String]
    /// The step after which a signal is sent, and the signal.
    let blows: [(step: Int, signal: Int32)]

    init(_ description: String, _ overrides: String..., blows: [(Int, Int32)]) {
        testDescription = description
        self.overrides = overrides
        self.blows = blows.map { (step: $0.0, signal: $0.1) }
    }

    static let all = [
        Disturbance("SplitFrozen with adapters, killed twice", blows: [(9, SIGKILL), (27, SIGKILL)]),
        Disturbance("SplitFrozen with adapters, Ctrl-C", blows: [(3, SIGINT)]),
        Disturbance(
            "SplitFrozen, SGD with momentum and dropout, killed twice", "training.optimizer=sgd",
            "training.momentum=0.9", "lora.dropout=0.1", blows: [(7, SIGKILL), (15, SIGKILL)]),
        Disturbance(
            "SplitFrozen, full fine-tuning, killed in the second epoch, then Ctrl-C", "training.trainable=full",
            "training.learning_rate=1e-3", blows: [(21, SIGKILL), (27, SIGINT)]),
        Disturbance(
            "without devices, with dropout, killed twice", "training.method=central", "lora.dropout=0.1",
            blows: [(6, SIGKILL), (13, SIGKILL)]),
        Disturbance(
            "without devices, full fine-tuning by SGD with momentum, Ctrl-C", "training.method=central",
            "training.trainable=full", "training.optimizer=sgd", "training.momentum=0.9", blows: [(8, SIGINT)]),
    ]
}

@Suite("permafrost resume")
struct ResumeTests {
    /// 36 steps in three epochs, of which one line each is shown.
    private static let common = [
        "training.epochs=3", "training.schedule=cosine", "training.checkpoint_steps=5", "evaluation.samples=24",
    ]

    @Test(
        "where steps follow arrivals, a killed run goes on to its end with every step once in its log",
        arguments: ["full-epoch", "available"])
    func orders(order: String) throws {
        try TinyModel.use { tiny in
            let run = try tiny.trainDisturbed(Self.common + ["training.order=\(order)"], step: 9)
            let outcome = try tiny.resume(run)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(try run.steps().map { try Int($0.number("step")) } == Array(1...36))
        }
    }

    @Test("a disturbed run goes on bit for bit, with every step once in its log", arguments: Disturbance.all)
    func bitForBit(_ disturbance: Disturbance) throws {
        try TinyModel.use { tiny in
            let overrides = Self.common + disturbance.overrides
            let undisturbed = try tiny.trainUndisturbed(overrides)
            var run: RunFiles?
            for blow in disturbance.blows {
                if let run {
                    try tiny.disturb(["resume", run.folder.path], step: blow.step, signal: blow.signal)
                } else {
                    run = try tiny.trainDisturbed(overrides, step: blow.step, signal: blow.signal)
                }
                guard blow.signal == SIGINT, let run else { continue }
                try Self.checkInterrupted(run)
            }
            let interrupted = try #require(run)
            let outcome = try tiny.resume(interrupted)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            try expectSame(interrupted, undisturbed)
        }
    }

    /// After Ctrl-C there is a checkpoint of the last step, and the log ends with that step.
    private static func checkInterrupted(_ run: RunFiles) throws {
        let summary = try run.summary(), steps = try Int(summary.number("steps"))
        #expect(try summary.text("state") == "interrupted")
        #expect(try run.steps().map { try Int($0.number("step")) } == Array(1...max(1, steps)))
        let newest = try #require(try run.wholeCheckpoints().last)
        #expect(newest.lastPathComponent == "step-" + String(format: "%08d", steps))
    }

    @Test("training and going on both begin with the number of parameters that train")
    func count() throws {
        try TinyModel.use { tiny in
            let overrides = Self.common + ["evaluation.samples=0"]
            let run = try tiny.trainDisturbed(overrides, step: 6)
            let outcome = try tiny.resume(run)
            let count = try Int(run.summary().number("trainable_parameters"))
            let shown = count.formatted(.number.locale(Locale(identifier: "en_US")))
            // On a busy machine the signal comes some steps later.
            let step = try #require(["5", "10", "15"].first { outcome.output.contains(" after step \($0)\n") })
            #expect(outcome.output.contains("36 steps, \(shown) trainable parameters, resumed after step \(step)\n"))
            #expect(outcome.output.contains("resume    \(run.folder.path) after step \(step)\n"))
        }
    }

    @Test("a run whose score was interrupted trains nothing again")
    func interruptedScore() throws {
        try TinyModel.use { tiny in
            try tiny.writeQuestions(160)
            let overrides =
                TinyModel.questionOverrides + [
                    "data.test_fraction=0.75", "data.train_limit=32", "training.batch=4", "training.micro_batch=4",
                    "evaluation.generate_tokens=24", "evaluation.baseline=false",
                ]
            let undisturbed = try tiny.trainUndisturbed(overrides)
            let run = try tiny.trainDisturbed(overrides, step: 8, signal: SIGINT)
            let newest = try #require(try run.wholeCheckpoints().last)
            #expect(newest.lastPathComponent == "step-00000008")
            let outcome = try tiny.resume(run)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(!outcome.output.contains("\nstep "))
            try expectSame(run, undisturbed)
        }
    }
}
