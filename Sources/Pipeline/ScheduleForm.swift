extension ScheduleFile {
    /// The document as it is written, whose keys are the names here.
    struct Form: Codable {
        struct Stage: Codable {
            var frozen: Bool
            var trainable: Bool
            var room: Int?
            var prologue: String?
            var step: String
        }

        struct Costs: Codable {
            struct Stage: Codable {
                var f0_seconds: Double?
                var f_seconds: Double?
                var b_seconds: Double?
                var w_seconds: Double?
                var step_seconds: Double?
                var activation_bytes: Int?
                var weight_stash_bytes: Int?
            }

            var stages: [Stage]
            var boundary_bytes: Int?
            var latency_seconds: Double?
            var bytes_per_second: Double?
        }

        struct Figures: Codable {
            var step_seconds: Double
            var makespan_seconds: Double
            var bubble_ratio: Double
            var bubble_ratios: [Double]
            var stash_bytes: [Int]
        }

        var schedule: String
        var micro_batches: Int
        var fused_backward: Bool?
        var barrier: String
        var stages: [Stage]
        var costs: Costs?
        var cap_bytes: Int?
        /// Written for readers; whoever reads the file as a schedule simulates it anew.
        var figures: Figures?
    }
}

extension ScheduleFile.Form.Costs {
    init(_ costs: PipelineCosts) {
        stages = costs.stages.map {
            Stage(
                f0_seconds: $0.frozenForward, f_seconds: $0.forward, b_seconds: $0.backwardInput,
                w_seconds: $0.backwardWeights, step_seconds: $0.optimizer, activation_bytes: $0.activationBytes,
                weight_stash_bytes: $0.weightStashBytes)
        }
        boundary_bytes = costs.boundaryBytes
        latency_seconds = costs.latencySeconds
        bytes_per_second = costs.bytesPerSecond
    }
}

extension ScheduleFile.Form.Figures {
    init(_ figures: ScheduleFigures) {
        step_seconds = figures.stepSeconds
        makespan_seconds = figures.makespanSeconds
        bubble_ratio = figures.bubbleRatio
        bubble_ratios = figures.bubbleRatios
        stash_bytes = figures.stashBound
    }
}

extension PipelineCosts {
    init(_ form: ScheduleFile.Form.Costs) {
        self.init(
            stages: form.stages.map {
                StageCosts(
                    frozenForward: $0.f0_seconds ?? 0, forward: $0.f_seconds ?? 0, backwardInput: $0.b_seconds ?? 0,
                    backwardWeights: $0.w_seconds ?? 0, optimizer: $0.step_seconds ?? 0,
                    activationBytes: $0.activation_bytes ?? 0, weightStashBytes: $0.weight_stash_bytes ?? 0)
            }, boundaryBytes: form.boundary_bytes ?? 0, latencySeconds: form.latency_seconds ?? 0,
            bytesPerSecond: form.bytes_per_second)
    }
}
