import Diagnostics

/// What a run's pipeline did, in words.
enum PipelineText {
    /// `permafrost, bubble 4.1 %, predicted 3.0 %`.
    static func whole(_ pipeline: PipelineSummary) -> String {
        "\(pipeline.schedule), bubble \(Figures.percent(pipeline.measuredBubble)), "
            + "predicted \(Figures.percent(pipeline.predictedBubble))"
    }

    /// A line for each stage.
    static func stages(_ pipeline: PipelineSummary) -> [String] {
        pipeline.stages.enumerated().map { number, stage in
            let blocks = stage.blocks.map(String.init).joined(separator: "-")
            let backward = Figures.milliseconds(stage.backwardInputSeconds)
            let isFused = stage.backwardWeightsSeconds == 0
            return "stage \(number + 1)  blocks \(blocks), bubble \(Figures.percent(stage.bubble)), "
                + "F \(Figures.milliseconds(stage.forwardSeconds)), "
                + (isFused
                    ? "B+W \(backward)" : "B \(backward), W \(Figures.milliseconds(stage.backwardWeightsSeconds))")
                + ", \(Figures.count(stage.stashedMicroBatches)) micro-batch"
                + (stage.stashedMicroBatches == 1 ? "" : "es")
                + " with \(Figures.bytes(Double(stage.stashedBytes))) between F and W"
        }
    }
}
