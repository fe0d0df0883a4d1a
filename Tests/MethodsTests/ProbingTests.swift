import Datasets
import Models
import Support
import Tensors
import Testing

@testable import Methods

@Suite("Training by probes")
struct ProbingTests {
    static func settings(
        _ variant: ProbingSettings.Variant = .threePhases, pairs: Int = 4, epsilon: Float = 1e-3, rate: Double = 0.01
    ) -> ProbingSettings {
        ProbingSettings(
            variant: variant, cut: 2, pairs: pairs, epsilon: epsilon, learningRate: rate, seed: 12)
    }

    /// 32 numbers in each block.
    static let small = TrainableLayout.Form.lowRank(LowRankForm(rank: 1, alpha: 2, modules: ["self_attn.q_proj"]))

    static func network(
        _ bench: MethodBench, start: TrainableParameters, settings: ProbingSettings, devices: Int = 1, steps: Int = 1,
        atOnce: Int = 1, rate: Double = 0.1, seed: UInt64? = nil
    ) -> (MethodNetwork, ProbingServer, [ProbingDevice]) {
        let programs = (0..<devices).map {
            ProbingDevice(
                model: bench.model, parameters: bench.lower(2, of: start), shard: bench.shard($0),
                settings: settings)
        }
        let upper = bench.upper(2, of: start)
        let server =
            settings.variant == .zerothOrder
            ? ProbingServer(
                model: bench.model, head: bench.head, parameters: upper, settings: settings, learningRate: rate,
                devices: devices, steps: steps, atOnce: atOnce)
            : ProbingServer(
                model: bench.model, head: bench.head, parameters: upper, settings: settings,
                rule: MethodBench.descent(rate), devices: devices, steps: steps, atOnce: atOnce)
        return (MethodNetwork(server, programs, seed: seed), server, programs)
    }

    @Test("no probe changes a bit of the weights, as adapters or in full", arguments: [false, true])
    func exactRestore(trainsFully: Bool) throws {
        let bench = try MethodBench(form: trainsFully ? .full : nil)
        let start = try bench.parameters()
        let device = ProbingDevice(
            model: bench.model, parameters: bench.lower(2, of: start), shard: bench.shard(0),
            settings: Self.settings())
        let before = device.parameters.flat.values.map(\.bitPattern)
        var actions = try device.handle(.received(MethodMessage(.turn, step: 1)))
        var uploads: [MethodMessage] = []
        while case .send(let message)? = actions.last {
            uploads.append(message)
            #expect(device.parameters.flat.values.map(\.bitPattern) == before)
            actions = try device.handle(.drained)
        }
        #expect(uploads.count == 9 && uploads.last?.probe == nil)
        let activations = uploads.map { $0.tensors[0].values }
        #expect(Set(activations).count == 9, "every probe is somewhere else")
        // The unmoved point is where SplitFrozen's forward pass is, and a pair lies around it.
        let expected = try FrozenForward(model: bench.model).activations(
            of: bench.shard(0).batch(0).map { bench.shard(0).examples[$0].tokens }, cut: 2)
        let isFrozenModel = activations[8] == Array(UnsafeBufferPointer(start: expected.base, count: expected.count))
        #expect(isFrozenModel == trainsFully)
        let between = zip(activations[0], activations[1]).map { 0.5 * $0 + 0.5 * $1 }
        #expect(relativeDifference(between, activations[8]) < 1e-3)
    }

    @Test("a direction is the same whenever it is drawn, block by block or whole, and standard normal")
    func directions() throws {
        let layout = try MethodBench(classes: 3).whole
        func drawn(_ pair: Int) -> TrainableParameters {
            let z = TrainableParameters(layout: layout)
            RandomDirection(seed: 1, device: 2, step: 3, pair: pair).add(scale: 1, to: z)
            return z
        }
        let z = drawn(1).flat.values.map(Double.init), count = Double(z.count)
        #expect(drawn(1).flat.values == z.map(Float.init) && drawn(2).flat.values != z.map(Float.init))
        #expect(abs(z.reduce(0, +) / count) < 4 / count.squareRoot())
        #expect(abs(z.reduce(0) { $0 + $1 * $1 } / count - 1) < 6 / count.squareRoot())
        let parts = drawn(1).directionParts
        #expect(parts.map(\.block) == [0, 1, 2, 3, nil])
        let alone = Storage(count: parts[2].values.count).matrix(rows: 1, columns: parts[2].values.count)
        RandomDirection(seed: 1, device: 2, step: 3, pair: 1).add(scale: 1, block: 2, to: alone)
        #expect(alone.values == parts[2].values.values)
    }

    @Test("the mean estimate over many directions approaches the gradient", arguments: [false, true])
    func estimate(onBothSides: Bool) throws {
        let bench = try MethodBench(form: Self.small)
        let start = try bench.parameters()
        let shard = bench.shard(0)
        let gradient = try bench.gradient(of: shard.batch(0).map { shard.examples[$0] }, at: start)
        func estimate(pairs: Int) throws -> [Float] {
            // A step of rate one moves by minus the estimate.
            let settings = Self.settings(onBothSides ? .zerothOrder : .threePhases, pairs: pairs, rate: 1)
            let (network, server, devices) = Self.network(bench, start: start, settings: settings, rate: 1)
            try network.run()
            let lower = try #require(server.lower)
            #expect(lower.flat.values == devices[0].parameters.flat.values)
            let moved = TrainableParameters.joined(lower: lower, upper: server.parameters, whole: bench.whole)
            return difference(start.flat.values, moved.flat.values)
        }
        let lower = bench.lower(2, of: start).layout.count, count = onBothSides ? bench.whole.count : lower
        let truth = Array(gradient.prefix(count))
        for pairs in [count / 4, 8 * count] {
            let found = Array(try estimate(pairs: pairs).prefix(count))
            // With N directions in d dimensions the squared cosine is N / (N + d + 1) in the mean.
            let expected = (Double(pairs) / Double(pairs + count + 1)).squareRoot()
            #expect(abs(cosine(found, truth) - expected) < 0.08, "\(pairs) directions")
        }
        // What is not estimated is the ordinary gradient, at the unmoved point.
        if !onBothSides {
            let upper = Array(try estimate(pairs: 1).suffix(bench.whole.count - lower))
            #expect(relativeDifference(upper, Array(gradient.suffix(bench.whole.count - lower))) < 1e-4)
        }
    }

    @Test(
        "a step is 2Q + 1 uploads and 2Q scalars, or 2Q uploads as the published code has it and with probes alone",
        arguments: [ProbingSettings.Variant.threePhases, .publishedCode, .zerothOrder], [1, 5])
    func counts(variant: ProbingSettings.Variant, pairs: Int) throws {
        let bench = try MethodBench()
        let (network, _, _) = Self.network(
            bench, start: try bench.parameters(), settings: Self.settings(variant, pairs: pairs), steps: 3)
        try network.run()
        #expect(network.isFinished && network.progress.map(\.step) == [1, 2, 3])
        let uploads = network.messages(.activations, isUp: true)
        #expect(uploads.count == 3 * (2 * pairs + (variant == .threePhases ? 1 : 0)))
        let down = network.log.filter { !$0.isUp }.map(\.message)
        #expect(down.reduce(0) { $0 + $1.scalars.count } == 3 * 2 * pairs)
        #expect(down.allSatisfy { $0.tensors.isEmpty })
        #expect(network.deviceWork.allSatisfy { $0.kind == .forward || $0.kind == .perturbation })
        #expect(network.deviceWork.count { $0.kind == .forward } == uploads.count)
    }

    @Test(
        "devices that take steps at once see one version in every pair, and end with the same bits",
        arguments: [ProbingSettings.Variant.threePhases, .zerothOrder], UInt64(1)...8)
    func interleaved(variant: ProbingSettings.Variant, seed: UInt64) throws {
        let bench = try MethodBench(form: seed % 2 == 0 ? .full : nil)
        let start = try bench.parameters()
        let (network, server, devices) = Self.network(
            bench, start: start, settings: Self.settings(variant), devices: 3, steps: 9, atOnce: 3, seed: seed)
        try network.run()
        #expect(network.isFinished && network.progress.count == 9, "seed \(seed)")
        struct Pair: Hashable { let step: Int, pair: Int }
        var versions: [Pair: Set<Int?>] = [:], ofStep: [Int: Set<Int?>] = [:]
        for (_, message) in network.messages(.loss, isUp: false) {
            versions[Pair(step: message.step, pair: message.probe?.pair ?? 0), default: []].insert(message.version)
            ofStep[message.step, default: []].insert(message.version)
        }
        #expect(versions.count == 36 && versions.values.allSatisfy { $0.count == 1 }, "seed \(seed)")
        #expect(ofStep.values.contains { $0.count > 1 }, "the server moved in the middle of somebody's step")
        #expect(Set(devices.map(\.parameters.flat.values)).count == 1, "seed \(seed)")
        #expect(devices[0].parameters.flat.values != bench.lower(2, of: start).flat.values)
        #expect(server.parameters.flat.values != bench.upper(2, of: start).flat.values)
    }

    @Test("a pair of two versions is refused, and so is a loss that nobody asked for")
    func mixedVersions() throws {
        let bench = try MethodBench()
        let device = ProbingDevice(
            model: bench.model, parameters: bench.lower(2, of: try bench.parameters()), shard: bench.shard(0),
            settings: Self.settings())
        func loss(_ pair: Int, _ isPlus: Bool, _ version: Int) -> DeviceProgramEvent {
            .received(
                MethodMessage(
                    .loss, step: 1, version: version, probe: .init(pair: pair, isPlus: isPlus),
                    scalars: ["loss": 0.5]))
        }
        _ = try device.handle(.received(MethodMessage(.turn, step: 1)))
        _ = try device.handle(.drained)
        _ = try device.handle(loss(1, true, 4))
        #expect(throws: MethodError.mixedVersions(step: 1, pair: 1)) { try device.handle(loss(1, false, 5)) }
        #expect(throws: MethodError.unexpected(.loss, step: 1, sender: nil)) { try device.handle(loss(2, true, 4)) }
        #expect(throws: MethodError.unexpected(.loss, step: 1, sender: nil)) {
            try device.handle(loss(.max, true, 4))
        }
    }

    @Test("another device's step waits for the end of one's own, so that no pair lies around two points")
    func heldSteps() throws {
        let bench = try MethodBench(), settings = Self.settings(pairs: 1)
        let device = ProbingDevice(
            model: bench.model, parameters: bench.lower(2, of: try bench.parameters()), shard: bench.shard(0),
            settings: settings)
        let before = device.parameters.flat.values
        func receive(_ message: MethodMessage) throws { _ = try device.handle(.received(message)) }
        let other = MethodMessage(.coefficients, step: 1, scalars: ["device": 1, "coefficient 1": 3])
        try receive(MethodMessage(.turn, step: 2))
        try receive(other)
        for isPlus in [true, false] {
            try receive(
                MethodMessage(
                    .loss, step: 2, version: 1, probe: .init(pair: 1, isPlus: isPlus),
                    scalars: ["loss": isPlus ? 0.75 : 0.5]))
            _ = try device.handle(.drained)
        }
        #expect(device.parameters.flat.values == before)
        try receive(MethodMessage(.stepped, step: 2))
        let expected = bench.lower(2, of: try bench.parameters())
        let forward = PerturbedForward(model: bench.model, parameters: expected, blocks: 0..<2)
        forward.step(settings.steps([3], learningRate: 0.01, device: 1, step: 1))
        let own = settings.coefficient(plus: 0.75, minus: 0.5)
        forward.step(settings.steps([own], learningRate: 0.01, device: 0, step: 2))
        #expect(device.parameters.flat.values == expected.flat.values)
    }

    @Test("with a device that stands still, HOSL's server trains what one place trains above the cut")
    func serverEquality() throws {
        let bench = try MethodBench(classes: 3)
        let start = try bench.parameters()
        for i in 0..<bench.lower(2, of: start).layout.count { start.flat.base[i] = 0 }
        let (network, server, _) = Self.network(
            bench, start: start, settings: Self.settings(rate: 0), steps: 6)
        try network.run()
        let central = try bench.central(
            bench.upper(2, of: start), rule: MethodBench.descent(0.1), frozenBlocks: 2, steps: 6)
        #expect(relativeDifference(server.parameters.flat.values, central.flat.values) < 1e-6)
    }

    @Test("as published, the server's gradient is that at the first probe, and the device moves after each pair")
    func publishedCode() throws {
        let bench = try MethodBench()
        let start = try bench.parameters(), settings = Self.settings(.publishedCode, epsilon: 0.1)
        let (network, server, devices) = Self.network(bench, start: start, settings: settings)
        try network.run()
        let moved = start.copied(), shard = bench.shard(0)
        let lower = bench.lower(2, of: start)
        settings.move(.init(pair: 1, isPlus: true), device: 0, step: 1).direction.add(scale: 0.1, to: lower)
        moved.flat.columns(0..<lower.layout.count).copy(from: lower.flat)
        let gradient = try bench.gradient(of: shard.batch(0).map { shard.examples[$0] }, at: moved)
        let step = difference(bench.upper(2, of: start).flat.values, server.parameters.flat.values)
        #expect(
            relativeDifference(step, gradient.suffix(step.count).map { 0.1 * $0 }) < 1e-4)
        // The second pair's probes lie around the point to which the first pair's step led.
        let uploads = network.messages(.activations, isUp: true).map(\.message)
        let losses = network.messages(.loss, isUp: false).map { $0.message.scalars["loss"] ?? .nan }
        let forward = PerturbedForward(model: bench.model, parameters: bench.lower(2, of: start), blocks: 0..<2)
        forward.step(
            settings.steps(
                [settings.coefficient(plus: losses[0], minus: losses[1])], learningRate: 0.01, device: 0, step: 1))
        let x = try forward.embed(shard.batch(0).map { shard.examples[$0].tokens })
        forward.advance(
            x, lengths: uploads[0].samples?.lengths ?? [],
            move: settings.move(.init(pair: 2, isPlus: true), device: 0, step: 1))
        #expect(uploads[2].tensors[0].values == Array(UnsafeBufferPointer(start: x.base, count: x.count)))
        #expect(devices[0].parameters.flat.values != bench.lower(2, of: start).flat.values)
    }

    @Test("both ways of training bring the loss down", arguments: [ProbingSettings.Variant.threePhases, .zerothOrder])
    func learns(variant: ProbingSettings.Variant) throws {
        let bench = try MethodBench(form: Self.small)
        let (network, _, _) = Self.network(
            bench, start: try bench.parameters(), settings: Self.settings(variant, pairs: 16, rate: 0.1), devices: 2,
            steps: 80, rate: 0.1)
        try network.run()
        #expect(network.loss(ofSteps: 71...80) < 0.95 * network.loss(ofSteps: 1...10))
    }
}
