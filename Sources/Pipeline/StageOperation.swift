/// One piece of a stage's work: all of the stage's blocks of one kind, for one micro-batch.
public struct StageOperation: Hashable, Sendable {
    /// What is computed.
    public enum Kind: UInt8, CaseIterable, Sendable {
        /// F0: forward of frozen blocks. Nothing changes them, so that it may run any time early.
        case frozenForward
        /// F: forward of blocks through which gradients flow.
        case forward
        /// B: the gradient of activations.
        case backwardInput
        /// W: the gradient of weights, any time after its own B.
        case backwardWeights
        /// The optimizer's step, which ends a stage's list.
        case step

        /// As schedules are written: F0, F, B, W, step.
        public var symbol: String {
            switch self {
            case .frozenForward: "F0"
            case .forward: "F"
            case .backwardInput: "B"
            case .backwardWeights: "W"
            case .step: "step"
            }
        }
    }

    /// What is computed.
    public var kind: Kind
    /// For which micro-batch, from 0; 0 for a step.
    public var microBatch: Int
    /// For which step: so many after the one in whose list the operation stands. Only F0 may be ahead.
    public var stepsAhead: Int

    /// An operation.
    public init(_ kind: Kind, _ microBatch: Int = 0, stepsAhead: Int = 0) {
        self.kind = kind
        self.microBatch = microBatch
        self.stepsAhead = stepsAhead
    }
}

extension StageOperation: CustomStringConvertible {
    /// Micro-batches and steps ahead are below this in what is read, so that no sum of them overflows.
    private static let limit = 1 << 16

    /// As schedules are written: `F0.3+1` is F0 of micro-batch 3 of the next step, `B.2` B of micro-batch 2, `step`.
    public var description: String {
        guard kind != .step else { return kind.symbol }
        return "\(kind.symbol).\(microBatch)" + (stepsAhead == 0 ? "" : "+\(stepsAhead)")
    }

    /// Reads what `description` writes; nil for anything else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard let kind = Kind.allCases.first(where: { parts[0] == $0.symbol }) else { return nil }
        if kind == .step {
            guard parts.count == 1 else { return nil }
            self.init(.step)
            return
        }
        guard parts.count == 2 else { return nil }
        let numbers = parts[1].split(separator: "+", omittingEmptySubsequences: false).map { Self.number($0) }
        guard (1...2).contains(numbers.count), let microBatch = numbers[0] else { return nil }
        guard numbers.count == 2 else {
            self.init(kind, microBatch)
            return
        }
        guard let ahead = numbers[1], ahead > 0 else { return nil }
        self.init(kind, microBatch, stepsAhead: ahead)
    }

    private static func number(_ text: some StringProtocol) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(text) else {
            return nil
        }
        return number < limit ? number : nil
    }
}
