import Runs

/// What was measured, for people.
enum BenchText {
    static func queue(_ report: QueueBenchReport) -> [String] {
        ["simulated publishers, real messages, \(Figures.count(report.processors, "processor"))"]
            + (report.ingest.map(ingest) ?? []) + (report.bounds.map(bounds) ?? [])
            + (report.devices.map(devices) ?? [])
    }

    static func device(_ report: DeviceBenchReport) -> String {
        "\(report.method)  \(Figures.count(report.batch)) x \(Figures.count(report.tokens, "token")), "
            + "\(Figures.count(report.blocks, "block")): \(Figures.bytes(Double(report.peakBytes))) at most, "
            + "\(Figures.bytes(Double(report.loadedBytes))) with the weights alone"
    }

    static func pipeline(_ report: PipelineBenchReport) -> [String] {
        var table = TextTable([
            ("SCHEDULE", .left), ("TOK/S", .right), ("BEST", .right), ("RATIO", .right), ("BUBBLE", .right),
            ("PREDICTED", .right),
            ("BLOCKS", .left), ("STASH", .left),
        ])
        for row in report.rows {
            let stages = row.pipeline?.stages ?? []
            table.add([
                row.schedule ?? "one place", Figures.count(Int(row.tokensPerSecond)),
                Figures.count(Int(row.bestTokensPerSecond)),
                row.ratio.map { Figures.decimal($0, 2) } ?? "",
                row.schedule == nil ? "" : Figures.percent(row.measuredBubble),
                row.schedule == nil || report.frozenBlocks > 0
                    ? "" : Figures.percent(row.predictedBubble),
                stages.map { "\($0.blocks[0])-\($0.blocks[1])" }.joined(separator: ", "),
                stages.map { "\($0.stashedMicroBatches)" }.joined(separator: ", "),
            ])
        }
        let head =
            "\(report.model), \(Figures.parameters(report.trainableParameters)) parameters train; steps of "
            + "\(report.microBatches) x \(Figures.count(report.tokens, "token")), "
            + "\(Figures.count(report.stages, "stage")) \(report.manner), "
            + "\(Figures.count(report.processors, "processor"))"
        var notes: [String] = []
        if report.frozenBlocks > 0 {
            notes.append(
                "with F0 of \(Figures.count(report.frozenBlocks, "block")) for every micro-batch, which stages run "
                    + "while they have to wait")
        }
        if report.isSimulated {
            notes.append(
                "simulated: each operation takes the processor's time that it took alone, the median of the steps")
        }
        return [head] + notes + table.lines
    }

    static func training(_ report: TrainingBench.Report) -> [String] {
        let (products, attention) = (report.productShare, report.attentionShare)
        var lines = [
            "\(Figures.count(Int(report.tokensPerSecond))) tokens/s, \(Figures.count(Int(report.bestTokensPerSecond))) in "
                + "the shortest step",
            "\(Figures.decimal(report.processorSeconds, 2)) s of the processors' time a step, at most "
                + "\(Figures.bytes(Double(report.peakBytes))) in memory",
            "of that time \(Figures.percent(products)) in products, \(Figures.percent(attention)) in attention, "
                + "\(Figures.percent(1 - products - attention)) in all the rest",
            "products: \(report.products); kernels: \(report.kernels)",
        ]
        if let loss = report.firstLoss { lines.append("loss of the first step \(Figures.decimal(loss, 5))") }
        return lines
    }

    private static func ingest(_ ingest: QueueBenchReport.Ingest) -> [String] {
        let medians = ingest.medians
        return [
            "durable   \(rate(medians.durable)), disk alone \(rate(medians.disk)): "
                + "ratio \(ratio(ingest.medianDurableToDisk)), 0.60 is asked for",
            "          with CURVE \(rate(medians.durableCurve)): \(ratio(ingest.medianDurableCurveToPlain)) of plain",
            "memory    \(rate(medians.memory)), ZeroMQ alone \(rate(medians.transfer)): "
                + "ratio \(ratio(ingest.medianMemoryToTransfer)), 0.70 is asked for",
            "          with CURVE \(rate(medians.memoryCurve)): \(ratio(ingest.medianMemoryCurveToPlain)) of plain",
            "          in fresh memory \(rate(medians.freshMemory)), "
                + "ZeroMQ with every frame kept \(rate(medians.keptTransfer)): "
                + "ratio \(ratio(ingest.medianFreshMemoryToKeptTransfer)), "
                + "\(ratio(ingest.medianFreshMemoryToTransfer)) to ZeroMQ alone",
        ]
    }

    private static func bounds(_ bounds: QueueBenchReport.Bounds) -> [String] {
        [
            "stopped   \(Figures.duration(bounds.stoppedSeconds)) with \(Figures.count(bounds.publishers, "device")), "
                + "\(Figures.bytes(Double(bounds.stoppedBytes))) on their way",
            "          worker \(memory(bounds.worker))",
            "          devices, all in one process: \(memory(bounds.devices))",
        ]
    }

    private static func devices(_ devices: QueueBenchReport.Devices) -> [String] {
        [
            "devices   \(Figures.count(devices.devices)) connected in \(Figures.duration(devices.connectSeconds)), "
                + "\(Figures.bytes(Double(devices.workerBytesPerDevice))) each at the worker",
            "          as soon as they may: \(answers(devices.saturated))",
            "          once a second each: \(answers(devices.paced))",
        ]
    }

    private static func answers(_ answers: QueueBenchReport.Answers) -> String {
        "\(Figures.count(Int(answers.messagesPerSecond))) messages/s, acknowledged within "
            + "\(Figures.decimal(answers.p50Milliseconds, 1)) ms (half) "
            + "and \(Figures.decimal(answers.p99Milliseconds, 1)) ms (99 of 100)"
    }

    private static func memory(_ memory: QueueBenchReport.Memory) -> String {
        "\(Figures.memory(memory.peakBytes)) at most, limit \(Figures.memory(memory.limitBytes))"
            + (memory.isWithin ? "" : ": ABOVE THE LIMIT")
    }

    private static func rate(_ bytes: Double) -> String { "\(Figures.bytes(bytes))/s" }

    private static func ratio(_ value: Double) -> String { Figures.decimal(value, 2) }
}
