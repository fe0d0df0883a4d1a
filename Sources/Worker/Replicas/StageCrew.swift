import Methods
import Queueing
import Tensors
import Wire

/// The later stages of a step that other workers walk, as their messages tell: pure.
///
/// The stages form a chain and their connections a star: whatever goes from one to another passes the leader, who sends the
/// frame on as it came.
struct StageCrew {
    /// Who walks a stage.
    struct Member: Equatable {
        let id: String
        let session: UInt64
    }

    /// What a message leads to.
    enum Action {
        /// Send it on.
        case relay(to: Member)
        /// A gradient for the leader's own stage is complete.
        case received(StageTensor)
        /// Part of something that is not complete.
        case heard
        /// Somebody has given the step up.
        case lost
    }

    let step: Int
    let exchange: StageExchange
    /// Stage 1, and so on.
    let members: [Member]
    private let gradientCounts: [Int]
    private let targetCounts: [Int]
    private var tensor: TensorAssembly?
    private var slices: [TensorAssembly?]
    private var results: [StageResult?]
    /// Messages that have come from each.
    private var heard: [Int]
    /// Whether the step is not walked to its end.
    private(set) var isLost = false

    /// - Parameters:
    ///   - gradientCounts: numbers of what each member's stage comes to.
    ///   - targetCounts: of each micro-batch of the step.
    init(
        step: Int, exchange: StageExchange, members: [Member], gradientCounts: [Int], targetCounts: [Int]
    ) {
        self.targetCounts = targetCounts
        self.step = step
        self.exchange = exchange
        self.members = members
        self.gradientCounts = gradientCounts
        slices = members.map { _ in nil }
        results = members.map { _ in nil }
        heard = members.map { _ in 0 }
    }

    /// What all stages came to; nil while something is missing.
    var complete: [StageResult]? {
        let found = results.compactMap(\.self)
        return found.count == members.count ? found : nil
    }

    /// Who has sent least: the stages after it wait for its activations, those before it for its gradients.
    var waitedFor: Member? { members.indices.min { heard[$0] < heard[$1] }.map { members[$0] } }

    /// Whether somebody walks one of the stages.
    func has(_ id: String) -> Bool { members.contains { $0.id == id } }

    /// Somebody has gone, or has begun anew.
    mutating func lose() { isLost = true }

    /// A piece of a tensor from a member. Those of an earlier step come too late.
    ///
    /// - Throws: `WireError` for one that the member has no reason to send.
    mutating func take(
        _ piece: Body.TensorPiece, _ payloads: [UnsafeRawBufferPointer], from id: String
    ) throws(WireError) -> Action {
        guard let place = members.firstIndex(where: { $0.id == id }), piece.step <= UInt64(step) else {
            throw .unexpectedMessage("TensorPiece")
        }
        guard piece.step == UInt64(step), !isLost else { return .heard }
        heard[place] += 1
        switch piece.kind {
        case .stream where place + 1 < members.count: return try relay(piece, payloads, to: members[place + 1])
        case .streamGradient where place > 0: return try relay(piece, payloads, to: members[place - 1])
        case .streamGradient: return try takeGradient(piece, payloads)
        case .sum:
            guard results[place] == nil, piece.index == UInt32(place + 1) else {
                throw .unexpectedMessage("TensorPiece of another stage")
            }
            var slice: TensorAssembly
            if let begun = slices[place] {
                slice = begun
            } else {
                slice = try TensorAssembly(piece, count: gradientCounts[place])
            }
            try slice.take(piece, payloads)
            slices[place] = slice
            return .heard
        default: throw .unexpectedMessage("TensorPiece that a stage does not send")
        }
    }

    /// What a member's stage came to, after the pieces of its gradient; without any, the member has given up.
    ///
    /// - Throws: `WireError`.
    mutating func take(_ part: Body.StepPart, from id: String) throws(WireError) -> Action {
        guard let place = members.firstIndex(where: { $0.id == id }), part.step == UInt64(step), !isLost else {
            return .heard
        }
        guard let slice = slices[place] else {
            isLost = true
            return .lost
        }
        guard slice.isComplete, results[place] == nil else {
            throw .unexpectedMessage("StepPart without all of a stage's gradients")
        }
        // Only the last stage has the head.
        results[place] = StageResult(
            gradient: slice.values,
            results: try part.results(ofTargets: place == members.count - 1 ? targetCounts : []))
        return .heard
    }

    /// Whoever gets the piece checks its payload.
    private func relay(
        _ piece: Body.TensorPiece, _ payloads: [UnsafeRawBufferPointer], to member: Member
    ) throws(WireError) -> Action {
        guard let count = exchange.count(ofMicroBatch: Int(piece.index)), piece.count == UInt64(count) else {
            throw .unexpectedMessage("TensorPiece of another size")
        }
        guard let payload = payloads.first else { throw .payloadMissing }
        guard payloads.count == 1 else { throw .tooManyFrames(found: payloads.count, expected: 1) }
        let bytes = count * MemoryLayout<Float>.size
        guard payload.count <= bytes else { throw .wrongPayloadLength(bytes: payload.count, expected: bytes) }
        return .relay(to: member)
    }

    private mutating func takeGradient(
        _ piece: Body.TensorPiece, _ payloads: [UnsafeRawBufferPointer]
    ) throws(WireError) -> Action {
        guard let count = exchange.count(ofMicroBatch: Int(piece.index)) else {
            throw .unexpectedMessage("TensorPiece of no micro-batch")
        }
        var assembly: TensorAssembly
        if let tensor { assembly = tensor } else { assembly = try TensorAssembly(piece, count: count) }
        try assembly.take(piece, payloads)
        tensor = assembly.isComplete ? nil : assembly
        guard assembly.isComplete else { return .heard }
        return .received(StageTensor(.gradient, microBatch: Int(piece.index), values: assembly.values))
    }
}
