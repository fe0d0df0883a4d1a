import Models
import Support
import Testing

@testable import Methods

@Suite("SplitLoRA")
struct SplitLoRATests {
    static func network(
        _ bench: MethodBench, start: TrainableParameters, settings: SplitLoRAServer.Settings,
        rule: LearningRule = MethodBench.adamW(), seed: UInt64? = nil
    ) -> (MethodNetwork, SplitLoRAServer, [SplitLoRADevice]) {
        let devices = (0..<settings.devices).map {
            SplitLoRADevice(
                model: bench.model, parameters: bench.lower(settings.cut, of: start), cut: settings.cut,
                shard: bench.shard($0), rule: rule, seed: 9)
        }
        let server = SplitLoRAServer(
            model: bench.model, head: bench.head, parameters: bench.upper(settings.cut, of: start),
            lowerLayout: bench.lower(settings.cut, of: start).layout, settings: settings, rule: rule, seed: 9)
        return (MethodNetwork(server, devices, seed: seed), server, devices)
    }

    @Test(
        "one device and a server train what one place trains, whatever the cut",
        arguments: 0...MethodBench.layers, [Float(0), 0.3])
    func centralEquality(cut: Int, dropout: Float) throws {
        let bench = try MethodBench(dropout: dropout, classes: cut % 2 == 0 ? nil : 3)
        let start = try bench.parameters()
        let settings = SplitLoRAServer.Settings(devices: 1, cut: cut, steps: 7, averagingSteps: 3)
        let (network, server, devices) = Self.network(bench, start: start, settings: settings)
        try network.run()
        let lower = try #require(server.lower)
        #expect(lower.flat.values == devices[0].parameters.flat.values)
        let split = TrainableParameters.joined(lower: lower, upper: server.parameters, whole: bench.whole)
        let central = try bench.central(start, rule: MethodBench.adamW(), steps: 7)
        #expect(network.isFinished && network.progress.map(\.step) == Array(1...7))
        #expect(relativeDifference(split.flat.values, central.flat.values) < 1e-6)
        #expect(relativeDifference(start.flat.values, central.flat.values) > 1e-2)
    }

    @Test("every window's mean has each device once, as its last step left it")
    func averaging() throws {
        let bench = try MethodBench()
        let start = try bench.parameters()
        let settings = SplitLoRAServer.Settings(devices: 3, cut: 2, steps: 8, averagingSteps: 6)
        let (network, server, devices) = Self.network(bench, start: start, settings: settings, seed: 3)
        try network.run()
        let sent = network.messages(.adapters, isUp: true), spread = network.messages(.adapters, isUp: false)
        #expect(sent.map(\.device).sorted() == [0, 0, 1, 1, 2, 2] && spread.count == 6)
        let parts = try sent.prefix(3).sorted { $0.device < $1.device }.map {
            let part = TrainableParameters(layout: devices[0].parameters.layout)
            try part.take($0.message.tensors)
            return (weight: 1.0 / 3, parameters: part)
        }
        #expect(spread[0].message.tensors == TrainableParameters.sum(parts).messageTensors)
        #expect(Set(devices.map(\.parameters.flat.values)) == [try #require(server.lower).flat.values])
        // Windows end with steps 6 and 8.
        #expect(spread.map(\.message.step) == [6, 6, 6, 8, 8, 8])
    }

    @Test("the published code's mean counts one device twice, and no device's last step")
    func publishedCode() throws {
        let bench = try MethodBench()
        let settings = SplitLoRAServer.Settings(
            devices: 3, cut: 2, steps: 12, averagingSteps: 6, followsPublishedCode: true)
        let (network, _, devices) = Self.network(bench, start: try bench.parameters(), settings: settings)
        try network.run()
        let snapshots = network.messages(.activations, isUp: true).filter { $0.message.tensors.count > 1 }
        #expect(snapshots.map(\.message.step) == [3, 4, 5, 6, 9, 10, 11, 12])
        #expect(snapshots.map(\.device) == [2, 0, 1, 2, 2, 0, 1, 2])
        let spread = network.messages(.adapters, isUp: false)
        let parts = try snapshots.suffix(4).map {
            let part = TrainableParameters(layout: devices[0].parameters.layout)
            try part.take(Array($0.message.tensors.dropFirst()))
            return (weight: 0.25, parameters: part)
        }
        #expect(spread[3].message.tensors == TrainableParameters.sum(parts).messageTensors)
        // Device 2 has not moved since the mean of step 6, when its first snapshot of the window is taken before step 9.
        #expect(Array(snapshots[4].message.tensors.dropFirst()) == spread[2].message.tensors)
    }

    @Test("devices that hold one label each bring the loss of both down together")
    func learns() throws {
        let bench = try MethodBench()
        let settings = SplitLoRAServer.Settings(devices: 2, cut: 2, steps: 80, averagingSteps: 4)
        let (network, _, _) = Self.network(
            bench, start: try bench.parameters(), settings: settings, rule: MethodBench.steadyAdamW())
        try network.run()
        #expect(network.loss(ofSteps: 71...80) < 0.7 * network.loss(ofSteps: 1...10))
    }

    @Test("a message that does not fit is refused by its name")
    func refusals() throws {
        let bench = try MethodBench()
        let settings = SplitLoRAServer.Settings(devices: 2, cut: 2, steps: 8)
        let (_, server, devices) = Self.network(bench, start: try bench.parameters(), settings: settings)
        let turn = MethodMessage(.turn, step: 1)
        _ = try server.handle(.begin)
        guard case .send(var message)? = try devices[0].handle(.received(turn)).last else {
            Issue.record("a turn brings activations")
            return
        }
        #expect(throws: MethodError.unexpected(.activations, step: 1, sender: 1)) {
            try server.handle(.received(message, from: 1))
        }
        #expect(throws: MethodError.unexpected(.turn, step: 1, sender: nil)) { try devices[0].handle(.received(turn)) }
        message.tensors[0].values[3] = .nan
        #expect(throws: MethodError.notFinite(name: "activations")) {
            try server.handle(.received(message, from: 0))
        }
        message.tensors[0].values.removeLast()
        #expect(throws: MethodError.self) { try server.handle(.received(message, from: 0)) }
        message.samples?.lengths[0] = .max
        #expect(throws: MethodError.self) { try server.handle(.received(message, from: 0)) }
        message.samples = nil
        #expect(throws: MethodError.self) { try server.handle(.received(message, from: 0)) }
    }
}
