import Yams

extension RecipeSchema {
    /// The keys of methods side by side.
    static let comparison: [RecipeField<Recipe>] = [
        .init(
            "compare.methods", \.comparison.methods, .list(of: .choice(), count: 1...32, distinct: true),
            "methods side by side, in the order of the tables"),
        .init(
            "compare.imbalances", \.comparison.imbalances, .list(of: .partition, count: 1...32, distinct: true),
            "how labels are spread over the fleet's devices"),
        .init(
            "compare.seeds", \.comparison.seeds, .list(of: .integer(0...UInt64.max), count: 1...100, distinct: true),
            "a run of each method and imbalance for each seed"),
        .init(
            "compare.fleet", \.comparison.fleet, .optional(.path),
            "file of the devices (docs/fleets.md), null for a recipe that compares nothing"),
        .init(
            "compare.token_budget", \.comparison.tokenBudget, .optional(.integer(1...1_000_000_000_000)),
            "tokens that each run trains on, null for training.epochs passes over the data"),
        .init(
            "compare.evaluations", \.comparison.evaluations, .integer(1...1000),
            "scores of each run besides that of the untuned model"),
        .init(
            "compare.samples_on_the_way", \.comparison.samplesOnTheWay, .optional(.integer(1...1_000_000_000)),
            "examples of all but the first and the last score, null for all"),
        .init(
            "compare.runs_at_once", \.comparison.runsAtOnce, .optional(.integer(1...256)),
            "runs at a time, each on a core, null for as many as there are threads"),
        .init(
            "compare.trunk_blocks", \.comparison.trunkBlocks, .integer(0...1000),
            "for a reduced model: so many of the lowest blocks count as embedding, and other keys count those above"),
        .init(
            "compare.sweep", \.comparison.sweep,
            .list(of: .real(0...10, except: [0]), count: 0...32, distinct: true),
            "learning rates that each first-order method tries on iid data with the first seed"),
        .init(
            "compare.learning_rates", \.comparison.learningRates, .rates,
            "learning rates that are given: these methods sweep nothing"),
        .init(
            "compare.cuts", \.comparison.cuts, .cuts,
            "blocks that devices of a class compute where a model is split, model.frozen_blocks where none is given"),
        .init(
            "compare.local_steps", \.comparison.localSteps, .integer(1...10_000),
            "batches of each device in a round of fedlora and soft"),
        .init(
            "compare.local_batch", \.comparison.localBatch, .optional(.integer(1...4096)),
            "samples of a device's batch in fedlora and soft, null for training.batch"),
        .init(
            "compare.averaging_steps", \.comparison.averagingSteps, .integer(1...1_000_000),
            "batches of all devices between two means of splitlora"),
        .init(
            "compare.probe_pairs", \.comparison.probePairs, .integer(1...1000), "directions of a step of hosl and zo"),
        .init(
            "compare.probe_epsilon", \.comparison.probeEpsilon, .real(1e-6...1), "how far a probe moves the weights"),
        .init(
            "compare.probe_learning_rate", \.comparison.probeLearningRate, .real(0...10, except: [0]),
            "learning rate of what probes train; on its server, hosl has its learning rate of above"),
        .init(
            "compare.sparsity", \.comparison.sparsity, .real(0...1, except: [1]),
            "share of the ranks that soft does not send"),
        .init(
            "compare.latency_seconds", \.comparison.latencySeconds, .real(1e-3...1e7),
            "latency of a round that tsfa keeps in the long run, in simulated seconds"),
    ]
}

extension ValueKind<[Recipe.ComparedMethod: Double]> {
    /// A map from methods to learning rates.
    fileprivate static var rates: Self {
        let method = ValueKind<Recipe.ComparedMethod>.choice(), rate = ValueKind<Double>.real(0...10, except: [0])
        let expected = "a map such as {fedlora: 1e-3}: for \(method.expected), \(rate.expected)"
        return .init(expected: expected) { node throws(ValueProblem) in
            guard let mapping = node.mapping else { throw .wrongType(node) }
            var rates: [Recipe.ComparedMethod: Double] = [:]
            for (key, value) in mapping { rates[try method.decode(key)] = try rate.decode(value) }
            return rates
        } encode: { rates in
            let known = Recipe.ComparedMethod.allCases.filter { rates[$0] != nil }
            return Node(known.map { (method.encode($0), rate.encode(rates[$0] ?? 0)) }, Tag(.map), .flow)
        }
    }
}

extension ValueKind<[String: Int]> {
    /// A map from the names of a fleet's classes to numbers of blocks.
    fileprivate static var cuts: Self {
        let name = ValueKind<String>.name, blocks = ValueKind<Int>.integer(0...1000)
        return .init(expected: "a map such as {phone: 6}: for a class of the fleet, \(blocks.expected)") {
            node throws(ValueProblem) in
            guard let mapping = node.mapping else { throw .wrongType(node) }
            var cuts: [String: Int] = [:]
            for (key, value) in mapping { cuts[try name.decode(key)] = try blocks.decode(value) }
            return cuts
        } encode: { cuts in
            Node(
                cuts.sorted { $0.key < $1.key }.map { (name.encode($0.key), blocks.encode($0.value)) }, Tag(.map), .flow
            )
        }
    }
}
