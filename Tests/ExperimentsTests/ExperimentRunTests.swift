import Balancing
import Methods
import Models
import Support
import Testing

@testable import Experiments

@Suite("Runs of a comparison")
struct ExperimentRunTests {
    @Test("each method trains to its budget on unequal devices", arguments: ExperimentBench.methods)
    func budget(method: MethodSettings) throws {
        let bench = try ExperimentBench(), budget = 600
        let run = try bench.run(method, budget: budget)
        var seen: [ExperimentResult.Point] = []
        let result = try run.run(progress: { seen.append($0) })
        #expect(seen == result.points && result.points.count == 4)
        let last = try #require(result.points.last)
        #expect(last.step == run.steps && last.tokens >= budget)
        // An earlier step had not reached it; devices that train at once come in another order than those in turn.
        #expect(last.tokens - budget < 3 * last.tokens / run.steps)
        for (before, after) in zip(result.points, result.points.dropFirst()) {
            #expect(before.step < after.step && before.tokens < after.tokens)
            #expect(before.simulatedSeconds < after.simulatedSeconds && before.bytesUp <= after.bytesUp)
            #expect(before.loss != after.loss)
        }
        #expect(result.devices.map(\.deviceClass) == (method == .central ? [] : ["slow", "middling", "fast"]))
        #expect(result.devices.reduce(0) { $0 + $1.flops } == last.deviceFLOPs)
        #expect(result.devices.reduce(0) { $0 + $1.bytesUp } == last.bytesUp)
        #expect(result.bytesByKind.values.reduce(0, +) == last.bytesUp + last.bytesDown)
        #expect(result.devices.allSatisfy { $0.memoryBytes > 0 && ($0.joules ?? 0) > 0 })
        #expect(result.majorityRate >= 0.5)
    }

    @Test("the same task, settings and key give the same result to the bit", arguments: ExperimentBench.methods)
    func repeats(method: MethodSettings) throws {
        let bench = try ExperimentBench()
        let results = try (0..<2).map { _ in try bench.run(method, budget: 300).run().withoutMeasures }
        #expect(results[0] == results[1])
    }

    @Test("scores on the way may be of fewer examples, and nothing else changes")
    func onTheWay() throws {
        var bench = try ExperimentBench()
        let all = try bench.run(.fedlora(localSteps: 2)).run().withoutMeasures
        bench.onTheWay = 16
        var some = try bench.run(.fedlora(localSteps: 2)).run().withoutMeasures
        #expect(all.points.map(\.scored) == [40, 40, 40, 40] && some.points.map(\.scored) == [40, 16, 16, 40])
        for place in [1, 2] {
            #expect(some.points[place].loss != all.points[place].loss)
            some.points[place].scored = all.points[place].scored
            some.points[place].loss = all.points[place].loss
            some.points[place].accuracy = all.points[place].accuracy
        }
        #expect(some == all)
    }

    @Test("with a head that nobody trains all methods begin with the same score, to the bit")
    func untuned() throws {
        let bench = try ExperimentBench(labelTokens: [3, 30])
        let task = bench.task()
        let points = try [MethodSettings.fedlora(localSteps: 2), .splitfrozen(), .central].map { method in
            var settings = bench.settings(method, budget: 100)
            settings.classes = nil
            let key = ExperimentKey(method: method.method.rawValue, imbalance: "iid", seed: 9)
            let result = try ExperimentRun(task, settings, key: key, pool: ExperimentBench.pool).run()
            return try #require(result.points.first)
        }
        let layout = TrainableLayout(
            model: task.model.hyperparameters, blocks: 0..<ExperimentBench.layers, form: bench.form)
        let begin = try task.evaluation.set(frozenBlocks: 0)
            .score(TrainableParameters(layout: layout, model: task.model, seed: 9))
        #expect(points.allSatisfy { $0.loss == begin.loss && $0.accuracy == begin.accuracy })
    }

    @Test("a device that probes holds a message until it is acknowledged: each of a step's takes a round trip more")
    func acknowledgements() throws {
        var bench = try ExperimentBench()
        bench.speed = ServerSpeed(frozenForward: 0, forward: 0, backwardInput: 0, backwardWeights: 0)
        func run(_ method: MethodSettings, roundTrip: Double) throws -> (steps: Int, seconds: Double) {
            for place in bench.fleet.classes.indices { bench.fleet.classes[place].roundTripSeconds = roundTrip }
            let run = try bench.run(method)
            return (run.steps, try run.run().points.last?.simulatedSeconds ?? .nan)
        }
        // A turn and its first message, then each of the others; in the end the adapters.
        for (method, uploads) in [(MethodSettings.hosl(.init(pairs: 2)), 5), (.zo(.init(pairs: 3)), 6)] {
            let near = try run(method, roundTrip: 0), far = try run(method, roundTrip: 0.5)
            #expect(abs(far.seconds - near.seconds - 0.5 * Double(near.steps * uploads + 1)) < 1e-6)
        }
        // A turn and its activations. The gradient comes back while the next device is at work.
        let near = try run(.splitlora(averagingSteps: 1000), roundTrip: 0)
        let far = try run(.splitlora(averagingSteps: 1000), roundTrip: 0.5)
        #expect(far.seconds - near.seconds < 0.5 * Double(near.steps + 4))
    }

    @Test("SplitFrozen's parameters are those of central training, whatever the fleet")
    func central() throws {
        let bench = try ExperimentBench()
        let parameters = try [MethodSettings.splitfrozen(messageSamples: 3), .central].map { method in
            let run = try bench.run(method, labels: [0, 1, 0])
            _ = try run.run()
            return run.programs.trained().flat.values
        }
        #expect(relativeDifference(parameters[0], parameters[1]) < 1e-6)
    }

    @Test("one label per device hurts FedLoRA and leaves SplitFrozen as it is")
    func imbalance() throws {
        var bench = try ExperimentBench(length: 6)
        bench.counts = [40, 40, 40]
        func losses(_ method: MethodSettings) throws -> (even: Double, skewed: Double) {
            let runs = try [nil, [0, 1, 0]].map { labels in
                try bench.run(method, budget: 6000, labels: labels).run().points.last?.loss ?? .nan
            }
            return (runs[0], runs[1])
        }
        let fed = try losses(.fedlora(localSteps: 20)), frozen = try losses(.splitfrozen())
        #expect(fed.skewed > 1.5 * fed.even)
        #expect(frozen.skewed < 1.25 * frozen.even)
    }

    @Test("a device that could not hold what a method needs is refused by its name")
    func memory() throws {
        var bench = try ExperimentBench()
        bench.fleet.classes[1].memoryBytes = 2000
        #expect {
            try bench.run(.fedlora(localSteps: 1))
        } throws: {
            guard case .deviceTooSmall("middling-1", "fedlora", let needed, 2000)? = $0 as? ExperimentError else {
                return false
            }
            return needed > 2000
        }
    }

    @Test("a device with frozen blocks needs less than one with probes, and that less than one with gradients")
    func memoryByMethod() throws {
        var bench = try ExperimentBench()
        bench.cuts = [2, 2, 2]
        func bytes(_ method: MethodSettings) throws -> Int { try bench.run(method).programs.memoryBytes[0] }
        let frozen = try bytes(.splitfrozen(messageSamples: ExperimentBench.batch)), probed = try bytes(.hosl(.init()))
        let split = try bytes(.splitlora()), whole = try bytes(.fedlora(localSteps: 1))
        #expect(frozen < probed && probed < split && split < whole)
    }

    @Test("who waits for a device that never sends is told so, and a run that should stop stops")
    func standsStill() throws {
        var bench = try ExperimentBench()
        bench.fleet.classes[0].uplinkBytesPerSecond = 0
        let run = try bench.run(.fedlora(localSteps: 1))
        #expect(throws: ExperimentError.self) { try run.run() }
        bench.fleet.classes[0].uplinkBytesPerSecond = 1
        let stopped = try bench.run(.fedlora(localSteps: 1))
        #expect(throws: CancellationError.self) { try stopped.run(shouldStop: { true }) }
    }
}
