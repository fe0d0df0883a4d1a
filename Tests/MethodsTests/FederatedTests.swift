import Models
import Randomness
import Support
import Tensors
import Testing

@testable import Methods

@Suite("Federated adapters")
struct FederatedTests {
    static func network(
        _ bench: MethodBench, start: TrainableParameters, ranks: [Int], samples: [Int], settings: FederatedSettings,
        rule: LearningRule = MethodBench.adamW(), seed: UInt64? = nil,
        kept: @escaping @Sendable (Int, [Int: [Double]]) throws -> [Int] = { _, _ in [] }
    ) -> (MethodNetwork, FederatedServer, [FederatedDevice]) {
        let devices = ranks.enumerated().map { device, rank in
            FederatedDevice(
                model: bench.model, head: bench.head,
                parameters: TrainableParameters(layout: start.layout.withRank(rank)),
                shard: bench.shard(device, samples: samples[device]), settings: settings, rule: rule, seed: 9)
        }
        let server = FederatedServer(parameters: start.copied(), ranks: ranks, settings: settings, kept: kept)
        return (MethodNetwork(server, devices, seed: seed), server, devices)
    }

    @Test(
        "one device trains what one place trains, whatever its rounds are and its optimizer remembers",
        arguments: [6, 2], [true, false])
    func centralEquality(rounds: Int, remembers: Bool) throws {
        let bench = try MethodBench(classes: 3)
        let start = try bench.parameters(), rule = remembers ? MethodBench.adamW() : MethodBench.descent(0.1)
        let (network, server, _) = Self.network(
            bench, start: start, ranks: [3], samples: [13],
            settings: FederatedSettings(rounds: rounds, localSteps: 6 / rounds), rule: rule)
        try network.run()
        let central = try bench.central(start, rule: rule, steps: 6)
        #expect(network.isFinished && network.progress.count == rounds)
        #expect(relativeDifference(server.parameters.flat.values, central.flat.values) < 1e-6)
    }

    @Test("means of A and of B weigh devices by their samples")
    func weights() throws {
        let bench = try MethodBench()
        let (network, server, devices) = Self.network(
            bench, start: try bench.parameters(), ranks: [3, 3], samples: [30, 10],
            settings: FederatedSettings(rounds: 1, localSteps: 4))
        try network.run()
        let expected = zip(devices[0].parameters.flat.values, devices[1].parameters.flat.values).map {
            0.75 * $0 + 0.25 * $1
        }
        #expect(relativeDifference(server.parameters.flat.values, expected) < 1e-6)
    }

    @Test(
        "another rank with the same scale computes the same when it is larger, and keeps the first ranks when smaller")
    func ranks() throws {
        let start = try MethodBench().parameters()
        let padded = start.withRank(5), back = padded.withRank(3)
        #expect(back.flat.values == start.flat.values)
        for (slot, other) in zip(start.layout.slots, padded.layout.slots) {
            #expect(product(start.term(slot)) == product(padded.term(other)))
            #expect(start.term(slot).scale == padded.term(other).scale)
        }
        let cut = start.withRank(2)
        let (slot, other) = (start.layout.slots[0], cut.layout.slots[0])
        #expect(cut.term(other).a_RI.values == start.term(slot).a_RI.rows(0..<2).values)
        #expect(cut.term(other).b_OR.values == start.term(slot).b_OR.columns(0..<2).values)
    }

    @Test(
        "who comes first does not change a bit", arguments: [FederatedSettings.Aggregation.mean, .fair(lambda: 0.01)])
    func arrivals(aggregation: FederatedSettings.Aggregation) throws {
        let bench = try MethodBench(dropout: 0.2)
        let results = try [UInt64?.none, 1, 2, 3].map { seed in
            let (network, server, _) = Self.network(
                bench, start: try bench.parameters(), ranks: [2, 3, 1], samples: [9, 20, 12],
                settings: FederatedSettings(rounds: 3, localSteps: 2, aggregation: aggregation), seed: seed)
            try network.run()
            return server.parameters.flat.values
        }
        #expect(Set(results).count == 1)
    }

    @Test("devices of unequal ranks train together, and ranks beyond a device's count as zero in the mean")
    func unequalRanks() throws {
        let bench = try MethodBench()
        let (network, server, devices) = Self.network(
            bench, start: try bench.parameters(), ranks: [1, 3], samples: [10, 10],
            settings: FederatedSettings(rounds: 1, localSteps: 2))
        try network.run()
        let (slot, small) = (bench.whole.slots[4], devices[0].parameters.layout.slots[4])
        let (mean, large) = (server.parameters.term(slot).a_RI, devices[1].parameters.term(slot).a_RI)
        #expect(mean.rows(2..<3).values == large.rows(2..<3).values.map { 0.5 * $0 })
        let both = zip(devices[0].parameters.term(small).a_RI.values, large.rows(0..<1).values)
        #expect(relativeDifference(mean.rows(0..<1).values, both.map { 0.5 * $0 + 0.5 * $1 }) < 1e-6)
    }

    @Test("LoRA-FAIR's correction is where its objective is least, and brings the product nearer to the mean product")
    func fair() throws {
        let layout = try MethodBench().whole
        let parts = [(weight: 0.6, seed: UInt64(1)), (0.3, 2), (0.1, 3)].map {
            (weight: $0.weight, parameters: TrainableParameters(random: layout, scale: 0.5, seed: $0.seed))
        }
        let mean = TrainableParameters.sum(parts), corrected = mean.copied()
        for slot in layout.slots.prefix(3) {
            let terms = parts.map { ($0.weight, $0.parameters.term(slot)) }
            FactorCorrection(lambda: 0.01).apply(to: corrected.term(slot), parts: terms)
            let target = terms.map { term in product(term.1).map { Double($0) * term.0 } }
                .reduce(Array(repeating: 0.0, count: product(terms[0].1).count)) { zip($0, $1).map(+) }
            let b = mean.term(slot).b_OR.values
            func objective(_ term: LowRankTerm) -> Double {
                let distance = zip(product(term), target).reduce(0) {
                    $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1)
                }
                return distance + 0.01
                    * zip(term.b_OR.values, b).reduce(0) {
                        $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
                    }
            }
            let least = objective(corrected.term(slot))
            #expect(least < objective(mean.term(slot)))
            var generator = SeededGenerator(seed: 5, stream: "nearby")
            for _ in 0..<30 {
                let nearby = corrected.copied().term(slot)
                for i in 0..<nearby.b_OR.count { nearby.b_OR.base[i] += Float(0.01 * generator.normal()) }
                #expect(objective(nearby) > least)
            }
        }
    }

    @Test("devices with one A need no correction, and a corrected round differs from a plain one")
    func fairRounds() throws {
        let bench = try MethodBench(), start = try bench.parameters()
        let slot = bench.whole.slots[0], twin = start.copied()
        for i in 0..<twin.term(slot).b_OR.count { twin.term(slot).b_OR.base[i] *= 3 }
        let parts = [(weight: 0.5, parameters: start), (weight: 0.5, parameters: twin)]
        let mean = TrainableParameters.sum(parts), before = mean.term(slot).b_OR.values
        FactorCorrection(lambda: 0.01).apply(
            to: mean.term(slot), parts: parts.map { ($0.weight, $0.parameters.term(slot)) })
        #expect(relativeDifference(mean.term(slot).b_OR.values, before) < 1e-5)
        let rounds = try [FederatedSettings.Aggregation.mean, .fair(lambda: 0.01)].map { aggregation in
            let (network, server, _) = Self.network(
                bench, start: start, ranks: [2, 3], samples: [10, 20],
                settings: FederatedSettings(rounds: 3, localSteps: 3, aggregation: aggregation))
            try network.run()
            return server.parameters.flat.values
        }
        #expect(relativeDifference(rounds[1], rounds[0]) > 1e-3)
    }

    private func product(_ term: LowRankTerm) -> [Float] {
        let storage = Storage(count: term.b_OR.rows * term.a_RI.columns)
        let result = storage.matrix(rows: term.b_OR.rows, columns: term.a_RI.columns)
        result.product(of: term.b_OR, and: term.a_RI)
        return result.values
    }
}
