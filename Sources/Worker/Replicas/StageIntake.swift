import Methods
import Pipeline
import Wire

/// What a later stage's worker is told by its leader, put together from messages: pure.
struct StageIntake {
    private let check: ActivationCheck
    /// The order as far as it is here.
    private var order: StageOrder
    private let blocks: Body.StageShare
    /// Tensors under way: from the stage before, and from the one after.
    private var tensors: [Body.TensorPiece.Kind: TensorAssembly] = [:]

    /// Begins with the order, whose micro-batches follow.
    ///
    /// - Throws: `WireError` for an order that nobody can follow.
    init(_ order: Body.StepOrder, _ share: Body.StageShare, check: ActivationCheck) throws(WireError) {
        guard let step = Int(exactly: order.step), step > 0, (1...UInt32(Trainer.mostLanes)).contains(order.sums),
            order.lossScale.isFinite, order.microBatches.isEmpty, share.stage > 0,
            share.firstBlock < share.endBlock, share.firstBlock >= check.maximumCut
        else { throw .unexpectedMessage("StepOrder of such numbers") }
        let schedule: Schedule
        do throws(ScheduleError) {
            schedule = try Schedule(
                stage: Int(share.stage), of: Int(share.stages), list: share.operations,
                microBatches: Int(share.microBatches), fusesBackward: share.fusesBackward)
        } catch {
            throw .unexpectedMessage("StepOrder of a stage: \(error.problem)")
        }
        self.check = check
        blocks = share
        self.order = StageOrder(
            step: step, digest: order.digest, sums: Int(order.sums), keepsSums: share.keepsSums,
            lossScale: order.lossScale,
            share: StageShare(
                stage: Int(share.stage), blocks: Int(share.firstBlock)..<Int(share.endBlock), schedule: schedule),
            microBatches: [], firstSequences: [])
    }

    /// Takes the next micro-batch's layout.
    ///
    /// - Returns: the order, once all are here.
    /// - Throws: `WireError`.
    mutating func take(_ microBatch: Body.OrderedMicroBatch) throws(WireError) -> StageOrder? {
        guard !isComplete, Int(microBatch.number) == order.microBatches.count else {
            throw .unexpectedMessage("OrderedMicroBatch out of order")
        }
        let (lengths, targets) = try check.check(microBatch)
        order.microBatches.append(MicroBatch(lengths: lengths, targets: targets) { _ in })
        order.firstSequences.append(Int(microBatch.firstSequence))
        return isComplete ? order : nil
    }

    /// Takes a piece from a neighbour. What belongs to an earlier step comes too late.
    ///
    /// - Returns: the tensor, once it is complete.
    /// - Throws: `WireError`.
    mutating func take(
        _ piece: Body.TensorPiece, _ payloads: [UnsafeRawBufferPointer]
    ) throws(WireError) -> StageTensor? {
        guard piece.step <= UInt64(order.step) else { throw .unexpectedMessage("TensorPiece before its step") }
        guard piece.step == UInt64(order.step) else { return nil }
        let number = Int(piece.index), isLast = order.share.stage == order.share.schedule.stages.count - 1
        guard isComplete, order.microBatches.indices.contains(number), piece.kind == .stream || !isLast else {
            throw .unexpectedMessage("TensorPiece that no stage sends")
        }
        var assembly: TensorAssembly
        if let begun = tensors[piece.kind] {
            assembly = begun
        } else {
            assembly = try TensorAssembly(piece, count: order.microBatches[number].layout.tokens * check.width)
        }
        try assembly.take(piece, payloads)
        tensors[piece.kind] = assembly.isComplete ? nil : assembly
        guard assembly.isComplete else { return nil }
        return StageTensor(
            piece.kind == .stream ? .activations : .gradient, microBatch: number, values: assembly.values)
    }

    private var isComplete: Bool { order.microBatches.count == Int(blocks.microBatches) }
}
