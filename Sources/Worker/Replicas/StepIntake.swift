import Methods
import Tensors
import Wire

/// What a replica is told by its leader, put together from messages: pure.
struct StepIntake {
    /// Something that is complete, in the order in which it is to be done.
    enum Work {
        /// Everything that the next step depends on, as it was after a step.
        case state(step: Int, [Storage])
        /// Gradients of a part of a step.
        case part(Part)
        /// The gradient of a step that was taken.
        case gradient(step: Int, Storage)
        /// A later stage of a step.
        case stage(StageOrder)
        /// Something for the stage, from its neighbours.
        case stream(StageTensor)
    }

    /// A part of a step that is to be computed.
    struct Part {
        let step: Int
        let sums: Int
        let numbers: [Int]
        let firstSequences: [Int]
        let lossScale: Float
        /// Of what trains before the step.
        let digest: UInt64
        var microBatches: [MicroBatch] = []
    }

    private let check: ActivationCheck
    private let parameters: Int
    private let stateCount: Int

    private var states: [Storage] = []
    private var statesStep = 0
    private var tensor: TensorAssembly?
    private var part: Part?
    private var microBatch: MicroBatchAssembly?
    private var stage: StageIntake?

    /// No micro-batch is without a sample.
    private static let mostMicroBatches = WireLimits().stepSamples

    /// - Parameters:
    ///   - check: of the run; micro-batches are checked as devices' messages are.
    ///   - parameters: numbers that train.
    ///   - stateCount: tensors of that size that the next step depends on.
    init(_ check: ActivationCheck, parameters: Int, stateCount: Int) {
        self.check = check
        self.parameters = parameters
        self.stateCount = stateCount
    }

    /// Of the model.
    var width: Int { check.width }

    /// Forgets what is not complete: the leader begins anew.
    mutating func reset() {
        self = StepIntake(check, parameters: parameters, stateCount: stateCount)
    }

    /// Takes a message of the leader.
    ///
    /// - Returns: what it completes.
    /// - Throws: `WireError`; nothing that follows makes sense before another introduction.
    mutating func take(
        _ body: Body, run: String, _ payloads: [UnsafeRawBufferPointer]
    ) throws(WireError) -> Work? {
        switch body {
        case .tensorPiece(let piece): return try take(piece, payloads)
        case .stepOrder(let order):
            stage = nil
            if let share = order.stage {
                stage = try StageIntake(order, share, check: check)
                return nil
            }
            part = try Part(order)
            microBatch = nil
            return nil
        case .orderedMicroBatch(let microBatch):
            guard stage != nil else { throw .unexpectedMessage("OrderedMicroBatch of no order") }
            return try stage?.take(microBatch).map { .stage($0) }
        case .activations(let activations): return try take(activations, run: run, payloads)
        default: return nil
        }
    }

    private mutating func take(
        _ piece: Body.TensorPiece, _ payloads: [UnsafeRawBufferPointer]
    ) throws(WireError) -> Work? {
        if piece.kind == .stream || piece.kind == .streamGradient {
            return try stage?.take(piece, payloads).map { .stream($0) }
        }
        guard let step = Int(exactly: piece.step), piece.kind != .sum,
            piece.kind != .state || Int(piece.index) == states.count && (states.isEmpty || step == statesStep)
        else { throw .unexpectedMessage("TensorPiece") }
        var assembly: TensorAssembly
        if let tensor { assembly = tensor } else { assembly = try TensorAssembly(piece, count: parameters) }
        try assembly.take(piece, payloads)
        tensor = assembly.isComplete ? nil : assembly
        guard assembly.isComplete else { return nil }
        guard piece.kind == .state else { return .gradient(step: step, assembly.values) }
        states.append(assembly.values)
        statesStep = step
        guard states.count == stateCount else { return nil }
        defer { states = [] }
        return .state(step: step, states)
    }

    private mutating func take(
        _ activations: Body.Activations, run: String, _ payloads: [UnsafeRawBufferPointer]
    ) throws(WireError) -> Work? {
        let checked = try check.check(activations, run: run, payloads: payloads, owns: { _ in true })
        guard let part, let payload = payloads.first,
            checked.sequence == UInt64(part.numbers[part.microBatches.count]) + 1
        else { throw .unexpectedMessage("Activations that were not announced") }
        var assembly = microBatch ?? MicroBatchAssembly(checked)
        try assembly.take(checked, payload)
        microBatch = assembly
        guard let complete = assembly.microBatch else { return nil }
        microBatch = nil
        self.part?.microBatches.append(complete)
        guard let whole = self.part, whole.microBatches.count == whole.numbers.count else { return nil }
        self.part = nil
        return .part(whole)
    }
}

extension StepIntake.Part {
    /// - Throws: `WireError` for an order that nobody can follow.
    fileprivate init(_ order: Body.StepOrder) throws(WireError) {
        let numbers = order.microBatches.map { Int($0.number) }
        guard let step = Int(exactly: order.step), step > 0, (1...UInt32(Trainer.mostLanes)).contains(order.sums),
            (1...StepIntake.mostMicroBatches).contains(numbers.count),
            zip(numbers, numbers.dropFirst()).allSatisfy({ $0 < $1 }), order.lossScale.isFinite
        else { throw .unexpectedMessage("StepOrder of such numbers") }
        self.init(
            step: step, sums: Int(order.sums), numbers: numbers,
            firstSequences: order.microBatches.map { Int($0.firstSequence) }, lossScale: order.lossScale,
            digest: order.digest)
    }
}
