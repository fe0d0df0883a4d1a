import ArgumentParser
import Pipeline

/// A pipeline on the command line.
struct PipelineArguments: ParsableArguments {
    @Option(help: "Stages of the pipeline.")
    var stages = 4

    @Option(help: "Micro-batches of a step.")
    var microBatches = 8

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("lora, full, or F0,F,B,W; several for stages of their own.", valueName: "costs"))
    var costs = ["lora"]

    @Option(help: "Bytes that F leaves for B, B for W, and of one F0 result: three numbers with commas.")
    var stash: String?

    @Option(help: "Frozen and trainable blocks to be cut into stages, such as 6,6.")
    var blocks: String?

    @Option(help: "What the head adds to F and B of the last block, such as 0.5,0.5.")
    var head: String?

    @Option(help: "With --blocks: interleaved gives every stage some frozen blocks, contiguous the first stages all.")
    var placement = Partition.Placement.interleaved

    @Option(help: "Seconds of every transfer between stages.")
    var latency = 0.0

    @Option(help: "Whose gradients an optimizer's step waits for: with clipping those of all stages.")
    var barrier = StepBarrier.allStages

    @Option(help: "The most bytes that a stage may stash.")
    var cap: Int?

    func validate() throws {
        for text in costs { _ = try Self.stage(text, stash: stash) }
        if blocks != nil, costs.count > 1 { throw ValidationError("With --blocks, --costs are of one block.") }
        if blocks == nil, costs.count > 1, costs.count != stages {
            throw ValidationError("--costs are given once, or once for each of the \(stages) stages.")
        }
        if blocks == nil, head != nil { throw ValidationError("--head goes with --blocks.") }
        if let blocks { _ = try Self.numbers(blocks, count: 2, as: Int.self, option: "--blocks", most: 128) }
        if let head { _ = try Self.numbers(head, count: 2, as: Double.self, option: "--head", most: 1e6) }
    }

    /// The pipeline's schedule, what its stages cost, and their blocks if these were cut.
    ///
    /// - Throws: `ScheduleError`.
    func schedule(
        _ kind: ScheduleKind
    ) throws -> (schedule: Schedule, costs: PipelineCosts, partition: Partition?) {
        let given = try costs.map { try Self.stage($0, stash: stash) }
        var costs = PipelineCosts(stages: [], boundaryBytes: given[0].boundaryBytes, latencySeconds: latency)
        let make = { (costs: PipelineCosts) throws(ScheduleError) -> Schedule in
            try Schedule.make(kind, costs: costs, microBatches: microBatches, barrier: barrier, capBytes: cap)
        }
        guard let blocks else {
            let repeated = Array(repeating: given[0].costs, count: max(0, stages))
            costs.stages = given.count > 1 ? given.map(\.costs) : repeated
            return (try make(costs), costs, nil)
        }
        let rows = try rows(blocks, of: given[0].costs)
        let (partition, schedule) = try Partition.simulated(
            frozen: rows.frozen, trainable: rows.trainable, stages: stages, microBatches: microBatches,
            placement: placement, links: costs, schedule: make)
        costs.stages = partition.costs
        return (schedule, costs, partition)
    }

    /// The blocks before they are cut, with the head on the last one.
    private func rows(_ blocks: String, of block: StageCosts) throws -> (frozen: [StageCosts], trainable: [StageCosts])
    {
        let counts = try Self.numbers(blocks, count: 2, as: Int.self, option: "--blocks", most: 128)
        let frozen = StageCosts(frozenForward: block.frozenForward)
        var trainable = block
        trainable.frozenForward = 0
        var row = Array(repeating: trainable, count: counts[1])
        if let head, !row.isEmpty {
            let added = try Self.numbers(head, count: 2, as: Double.self, option: "--head", most: 1e6)
            row[row.count - 1] = row[row.count - 1] + StageCosts(forward: added[0], backwardInput: added[1])
        }
        return (Array(repeating: frozen, count: counts[0]), row)
    }

    private static func stage(_ text: String, stash: String?) throws -> (costs: StageCosts, boundaryBytes: Int) {
        let preset = ["lora": ([1, 1, 1, 0.05], [100, 50, 10]), "full": ([1, 1, 1, 1], [100, 100, 10])][text]
        let seconds =
            try preset?.0
            ?? numbers(text, count: 4, as: Double.self, option: "--costs, if not lora or full,", most: 1e6)
        let bytes =
            try stash.map { try numbers($0, count: 3, as: Int.self, option: "--stash", most: 1 << 40) }
            ?? preset?.1 ?? [100, 100, 10]
        let costs = StageCosts(
            frozenForward: seconds[0], forward: seconds[1], backwardInput: seconds[2], backwardWeights: seconds[3],
            activationBytes: bytes[0], weightStashBytes: bytes[1])
        return (costs, bytes[2])
    }

    private static func numbers<Number: LosslessStringConvertible & Comparable & Numeric>(
        _ text: String, count: Int, as: Number.Type, option: String, most: Number
    ) throws -> [Number] {
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).compactMap { Number(String($0)) }
        guard numbers.count == count, text.count(where: { $0 == "," }) == count - 1,
            numbers.allSatisfy({ $0 >= 0 && $0 <= most })
        else {
            throw ValidationError("\(option) takes \(count) numbers from 0 to \(most) with commas, not '\(text)'.")
        }
        return numbers
    }
}
