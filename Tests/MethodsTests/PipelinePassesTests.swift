import Datasets
import Models
import Pipeline
import Support
import Synchronization
import Tensors
import Testing

@testable import Methods

@Suite("Pipelines of stages on threads")
struct PipelinePassesTests {
    @Test(
        "stages of any number, by any schedule, train what one place trains, bit for bit, in the stash that was checked",
        arguments: TrainedForm.allCases, Executor.Manner.allCases)
    func equalsUndivided(form: TrainedForm, manner: Executor.Manner) throws {
        let bench = try StageBench(form)
        let expected = try bench.train(bench.undivided())
        let problems = Mutex<[String]>([])
        for cuts in [[], [5], [3, 6], [3, 4, 7]] {
            for kind in ScheduleKind.allCases.map(Optional.some) + [nil] {
                let unit = StageCosts(forward: 1, activationBytes: 1, weightStashBytes: 1)
                // The longest text has nine tokens.
                let costs = bench.costs(cuts, tokens: 9)
                let trainer = try bench.divided(cuts, kind, manner: manner) { trace, schedule in
                    let units = PipelineCosts(stages: schedule.stages.map { _ in unit })
                    let microBatches = try? CheckedSchedule(schedule, costs: units).stashBound
                    let bytes = try? CheckedSchedule(schedule, costs: costs).stashBound
                    for stage in trace.stages.indices
                    where trace.stashHighWater[stage] > microBatches?[stage] ?? 0
                        || trace.stashedBytesHighWater[stage] > bytes?[stage] ?? -1
                    {
                        let found = (trace.stashHighWater[stage], trace.stashedBytesHighWater[stage])
                        problems.withLock { $0.append("\(schedule.name): stage \(stage) stashed \(found)") }
                    }
                }
                let name = kind?.rawValue ?? "helped"
                #expect(try bench.train(trainer) == expected, "\(name) with cuts at \(cuts)")
            }
        }
        #expect(problems.withLock(\.self) == [])
    }

    @Test(
        "the least cap that a schedule keeps is kept by what it trains, and a stash beyond the cap ends the step",
        arguments: ScheduleKind.allCases)
    func cap(kind: ScheduleKind) throws {
        let bench = try StageBench(.adapters)
        let expected = try bench.train(bench.undivided())
        let costs = bench.costs([4], tokens: 9)
        let smallest: Int
        do throws(ScheduleError) {
            _ = try Schedule.make(kind, costs: costs, microBatches: 13, capBytes: 0)
            return
        } catch {
            guard case .capTooSmall(_, 0, let bytes) = error else { throw error }
            smallest = bytes
        }
        let most = Mutex(0)
        let kept = try bench.divided([4], kind, scheduledCap: smallest, executedCap: smallest) { trace, _ in
            most.withLock { $0 = max($0, trace.stashedBytesHighWater.max() ?? 0) }
        }
        #expect(try bench.train(kept) == expected)
        // Each step's micro-batches have their own lengths.
        #expect(most.withLock(\.self) <= smallest && 3 * most.withLock(\.self) > smallest)
        let broken = try bench.divided([4], kind, scheduledCap: smallest, executedCap: most.withLock(\.self) / 3)
        let before = broken.parameters.flat.values
        do {
            _ = try bench.train(broken)
            Issue.record("the stash is larger than the cap")
        } catch let error as ScheduleError {
            guard case .stashOverCap(_, _, let bytes, let cap) = error else { throw error }
            #expect(bytes > cap && error.exitCode == .scheduleBroken)
        }
        #expect(broken.parameters.flat.values == before)
    }

    @Test("a stage that fails ends the step with its error, and the next step goes well")
    func failure() throws {
        let bench = try StageBench(.adapters)
        let trainer = try bench.divided([3, 6], .zeroBubble1)
        let width = bench.model.hyperparameters.width
        struct Broken: Error {}
        func batch(broken: Int?) -> [MicroBatch] {
            (0..<6).map { number in
                MicroBatch(lengths: [2], targets: [[1]]) { x_TD in
                    if number == broken { throw Broken() }
                    for i in 0..<2 * width { x_TD.base[i] = Float(i % 5) }
                }
            }
        }
        let before = trainer.parameters.flat.values
        #expect(throws: Broken.self) { try trainer.step(batch(broken: 3)) }
        #expect(trainer.parameters.flat.values == before)
        #expect(try trainer.step(batch(broken: nil)).step == 1)
    }
}
