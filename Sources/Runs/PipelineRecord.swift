import Diagnostics
import Pipeline

/// Figures of the steps of a pipeline.
struct PipelineRecord {
    private(set) var steps = 0
    private var stages: [Stage] = []

    private struct Stage {
        /// Of the steps in which the stage was walked here.
        var seconds = 0.0
        /// Of the stage's thread.
        var busySeconds = 0.0
        var stashedMicroBatches = 0
        var stashedBytes = 0
        var times: [StageOperation.Kind: LateTimes] = [:]
    }

    mutating func add(_ trace: StepTrace) {
        if steps == 0 { stages = trace.stages.map { _ in Stage() } }
        steps += 1
        let (microBatches, bytes) = (trace.stashHighWater, trace.stashedBytesHighWater)
        for (number, entries) in trace.stages.enumerated() where !entries.isEmpty {
            stages[number].seconds += trace.duration / .seconds(1)
            stages[number].stashedMicroBatches = max(stages[number].stashedMicroBatches, microBatches[number])
            stages[number].stashedBytes = max(stages[number].stashedBytes, bytes[number])
            // Where B does W as well, W's own time says nothing.
            for entry in entries where !(trace.fusesBackward && entry.operation.kind == .backwardWeights) {
                let time = entry.end - entry.start
                stages[entry.thread].busySeconds += time / .seconds(1)
                stages[number].times[entry.operation.kind, default: LateTimes()].add(time)
            }
        }
    }

    /// Of all steps: the first stage is walked here in each of them.
    var seconds: Double { stages.first?.seconds ?? 0 }

    /// Of all stages' threads together.
    var busySeconds: Double { stages.reduce(0) { $0 + $1.busySeconds } }

    /// Mean over the stages' threads of the share of the steps' time in which they did no operation; 0 before the first.
    /// Stages that other workers walk are not in it.
    var bubble: Double {
        let here = stages.filter { $0.seconds > 0 }
        return here.reduce(0) { $0 + bubble($1) } / Double(max(1, here.count))
    }

    /// What each stage did; later stages that other workers have walked from the beginning are left out.
    ///
    /// - Parameter blocks: of each stage, from 0.
    func summary(_ blocks: [Range<Int>]) -> [PipelineSummary.Stage] {
        zip(stages, blocks).filter { $0.0.seconds > 0 }.map { stage, blocks in
            PipelineSummary.Stage(
                // Recipes count blocks from 1.
                blocks: [blocks.lowerBound + 1, blocks.upperBound], bubble: bubble(stage),
                forwardSeconds: stage.times[.forward]?.median ?? 0,
                backwardInputSeconds: stage.times[.backwardInput]?.median ?? 0,
                backwardWeightsSeconds: stage.times[.backwardWeights]?.median ?? 0,
                stashedMicroBatches: stage.stashedMicroBatches, stashedBytes: stage.stashedBytes)
        }
    }

    private func bubble(_ stage: Stage) -> Double {
        stage.seconds > 0 ? max(0, 1 - stage.busySeconds / stage.seconds) : 0
    }
}
