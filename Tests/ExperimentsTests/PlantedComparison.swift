import Experiments
import Foundation
import Randomness

/// A comparison whose results follow from its keys by a formula, in place of any training.
enum PlantedComparison {
    static let plan = ComparisonPlan(
        methods: [
            .init(name: "central", rates: [3e-4, 1e-3, 3e-3]), .init(name: "splitfrozen", rates: [3e-4, 1e-3, 3e-3]),
            .init(name: "splitlora", rates: [3e-4, 1e-3, 3e-3]), .init(name: "fedlora", rates: [3e-4, 1e-3, 3e-3]),
            .init(name: "hosl", rates: [1e-3]), .init(name: "zo", rates: [1e-4]),
        ],
        imbalances: ["iid", "dirichlet(0.5)", "dirichlet(0.1)", "one-label-per-device"], seeds: [1, 2, 3])

    static let classes = [
        Comparison.DeviceClass(name: "board", count: 4, memoryBytes: 512 << 20),
        Comparison.DeviceClass(name: "phone", count: 4, memoryBytes: 1 << 30),
        Comparison.DeviceClass(name: "laptop", count: 2, memoryBytes: 4 << 30),
    ]

    /// A comparison of which everything has ended, or only what is asked for.
    static func comparison(
        _ plan: ComparisonPlan = plan, name: String = "planted", limit: Int = .max,
        result: (ExperimentJob) -> ExperimentResult? = result
    ) -> Comparison {
        var records: [ExperimentJob: ExperimentRecord] = [:]
        while records.count < limit, let job = plan.next(after: records) {
            records[job] = ExperimentRecord(job: job, seconds: 10, result: result(job))
        }
        return Comparison(
            name: name, fleet: "three-classes", classes: classes,
            choices: [.init("Budget", "Each run trains on 100,000 tokens."), .init("Times", "They are simulated.")],
            plan: plan, records: records)
    }

    /// What a method reaches, loses by skew and costs.
    private struct Traits {
        var end: Double
        var lost: Double
        var seconds: Double
        var up: Double
        var down: Double
        var flops: Double
        var memory: Double
    }

    private static let traits: [String: Traits] = [
        "central": Traits(end: 0.865, lost: 0, seconds: 900, up: 0, down: 0, flops: 0, memory: 0),
        "splitfrozen": Traits(end: 0.863, lost: 0, seconds: 1900, up: 1.8e8, down: 2e4, flops: 4e13, memory: 1.2e8),
        "splitlora": Traits(end: 0.86, lost: 0.12, seconds: 5200, up: 3.9e8, down: 3.9e8, flops: 2.2e14, memory: 2.6e8),
        "fedlora": Traits(end: 0.855, lost: 0.33, seconds: 14_000, up: 9e7, down: 9e7, flops: 1.6e15, memory: 9e8),
        "hosl": Traits(end: 0.83, lost: 0.14, seconds: 30_000, up: 3.8e9, down: 4e5, flops: 8e14, memory: 1.3e8),
        "zo": Traits(end: 0.7, lost: 0.15, seconds: 31_000, up: 3.6e9, down: 4e5, flops: 7.8e14, memory: 1.3e8),
    ]
    private static let skews: [String: Double] = ["iid": 0, "dirichlet(0.5)": 0.3, "dirichlet(0.1)": 0.7]
    private static let slowness: [String: Double] = ["board": 1, "phone": 0.6, "laptop": 0.12]

    static func result(_ job: ExperimentJob) -> ExperimentResult {
        var chance = SeededGenerator(seed: job.key.seed, stream: job.name)
        let traits =
            traits[job.key.method]
            ?? Traits(end: 0.7, lost: 0.1, seconds: 100, up: 1e6, down: 1e6, flops: 1e12, memory: 1e8)
        let lost = traits.lost * (skews[job.key.imbalance] ?? 1)
        let detour = 0.04 * abs(log10(job.learningRate / 1e-3))
        let end = max(0.5, traits.end - lost - detour + 0.02 * (chance.uniform() - 0.5))
        let points = (0...8).map { point(Double($0) / 8, traits, method: job.key.method, end: end) }
        return ExperimentResult(
            key: job.key, learningRate: job.learningRate, majorityRate: 0.517, points: points,
            devices: job.key.method == "central" ? [] : classes.flatMap { devices($0, traits) },
            bytesByKind: ["up activations": Int(traits.up)])
    }

    private static func point(
        _ share: Double, _ traits: Traits, method: String, end: Double
    ) -> ExperimentResult.Point {
        let published: Double = method == "splitfrozen" ? min(1, 3 * share) : share
        let learned: Double = (1 - exp(-4 * share)) / (1 - exp(-4))
        return ExperimentResult.Point(
            step: Int(376 * share), tokens: Int(100_000 * share), simulatedSeconds: traits.seconds * share,
            measuredSeconds: 20 * share, scored: 100, accuracy: 0.535 + (end - 0.535) * learned,
            loss: 1.1 - end * share,
            bytesUp: Int(traits.up * published), bytesDown: Int(traits.down * share),
            deviceFLOPs: traits.flops * share, serverFLOPs: 3e14 * share)
    }

    private static func devices(_ kind: Comparison.DeviceClass, _ traits: Traits) -> [ExperimentResult.Device] {
        let slow: Double = slowness[kind.name] ?? 1
        let device = ExperimentResult.Device(
            deviceClass: kind.name, samples: 300, cut: 6, flops: traits.flops / 10, bytesUp: Int(traits.up / 10),
            bytesDown: Int(traits.down / 10), memoryBytes: Int(traits.memory * (1 + 0.1 * slow)),
            computeSeconds: 0.7 * slow * traits.seconds, uploadSeconds: 0.3 * slow * traits.seconds,
            downloadSeconds: 0.1 * slow * traits.seconds, joules: nil)
        return Array(repeating: device, count: kind.count)
    }
}
