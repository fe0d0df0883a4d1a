import Balancing
import Randomness

/// Measures of a small fleet in which every kind of bottleneck occurs.
struct RandomFleet {
    var devices: [DeviceMeasure]
    var server: ServerMeasure
    var model: ModelFacts

    init(devices count: Int, blocks: Int, using generator: inout SeededGenerator) {
        // Spread over three powers of ten.
        let drawn = { (scale: Double, generator: inout SeededGenerator) in
            scale * [0.03, 0.1, 0.3, 1, 3, 10][Int.random(in: 0..<6, using: &generator)] * (0.5 + generator.uniform())
        }
        devices = (0..<count).map { number in
            DeviceMeasure(
                id: "device-\(number)", secondsPerBlockToken: drawn(1e-3, &generator),
                uplinkBytesPerSecond: drawn(1e6, &generator),
                memoryBytes: Int.random(in: 0..<4, using: &generator) == 0
                    ? nil : 100 + 10 * Int.random(in: 0...(blocks + 2), using: &generator),
                samples: 10, tokens: drawn(1e3, &generator), cut: 0)
        }
        server = ServerMeasure(
            advanceSecondsPerBlockToken: drawn(3e-4, &generator), stepSecondsPerToken: drawn(3e-4, &generator),
            workers: ["worker-1"])
        model = ModelFacts(
            frozenBlocks: blocks, minimumCut: Int.random(in: 0...1, using: &generator), bytesPerToken: 1000,
            memoryBytesPerBlock: 10, fixedMemoryBytes: 100, epochs: Int.random(in: 1...3, using: &generator))
    }

    /// The plan's cuts, and what is predicted for any others.
    func plan() -> Plan {
        Balancer.plan(
            devices: devices, server: server, model: model, credits: .init(totalBytes: 1 << 20, messageBytes: 1 << 10))
    }

    func predicted(_ cuts: [Int]) -> Prediction {
        Balancer.prediction(cuts: cuts, devices: devices, server: server, model: model)
    }

    /// The cuts that memory and the minimum permit, by device.
    var permitted: [ClosedRange<Int>] {
        devices.map { device in
            let most = model.largestCut(memoryBytes: device.memoryBytes)
            return min(model.minimumCut, most)...most
        }
    }
}
