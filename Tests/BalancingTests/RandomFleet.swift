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
        // Half of the fleets are in the middle of their run.
        if Bool.random(using: &generator) {
            for place in devices.indices {
                devices[place].publishedTokens = devices[place].tokens * generator.uniform()
            }
            server.pendingBlockTokens = drawn(1e3, &generator)
            server.trainedTokens = drawn(1e3, &generator)
        }
        model = ModelFacts(
            frozenBlocks: blocks, minimumCut: Int.random(in: 0...1, using: &generator), bytesPerToken: 1000,
            memoryBytesPerBlock: 10, fixedMemoryBytes: 100, epochs: Int.random(in: 1...3, using: &generator))
    }

    /// The plan for it.
    func plan() -> Plan {
        Balancer.plan(
            devices: devices, server: server, model: model, credits: .init(totalBytes: 1 << 20, messageBytes: 1 << 10))
    }

    /// The model's time of any cuts, written down once more.
    func seconds(_ cuts: [Int]) -> Double {
        var last = 0.0
        var server = self.server.pendingBlockTokens * self.server.advanceSecondsPerBlockToken
        var tokens = 0.0
        for (device, cut) in zip(devices, cuts) {
            let perToken = Double(cut) * (device.secondsPerBlockToken ?? 0)
            let wire = model.bytesPerToken / (device.uplinkBytesPerSecond ?? .infinity)
            let remaining = device.tokens - device.publishedTokens
            last = max(last, remaining * max(perToken, wire))
            server += remaining * Double(model.frozenBlocks - cut) * self.server.advanceSecondsPerBlockToken
            tokens += device.tokens
        }
        let first = max(0, tokens - self.server.trainedTokens)
        let all = max(0, tokens * Double(model.epochs) - self.server.trainedTokens)
        return max(last, server + first * self.server.stepSecondsPerToken)
            + (all - first) * self.server.stepSecondsPerToken
    }

    /// The cuts that memory and the minimum permit, by device.
    var permitted: [ClosedRange<Int>] {
        devices.map { device in
            let most = model.largestCut(memoryBytes: device.memoryBytes)
            return min(model.minimumCut, most)...most
        }
    }
}
