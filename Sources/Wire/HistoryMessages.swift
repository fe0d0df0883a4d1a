import CWire

extension Body {
    /// Which samples a recorded step has trained.
    public struct RecordedStep: Sendable, Equatable {
        /// From 1.
        public var step: UInt64
        /// As in `StepReport`.
        public var sampleIDs: [UInt64]

        /// A step and its samples.
        public init(step: UInt64, sampleIDs: [UInt64]) {
            self.step = step
            self.sampleIDs = sampleIDs
        }
    }

    /// Steps that the coordinator has written down, to a worker that takes them again.
    public struct RecordedSteps: Sendable, Equatable {
        /// The step after which they were asked for.
        public var after: UInt64
        /// The steps that follow, without a gap.
        public var steps: [RecordedStep]
        /// Whether no later step is recorded.
        public var isComplete: Bool

        /// An answer to `stepsWanted`.
        public init(after: UInt64, steps: [RecordedStep], isComplete: Bool) {
            self.after = after
            self.steps = steps
            self.isComplete = isComplete
        }
    }
}

extension Body.RecordedSteps {
    init(_ message: Permafrost__RecordedSteps, _ reader: HeaderReader) throws(WireError) {
        var samples = 0
        guard message.n_steps <= reader.limits.recordedSteps else {
            throw .tooManySamples(count: message.n_steps, limit: reader.limits.recordedSteps)
        }
        let steps = try reader.list(message.steps, count: message.n_steps) { step throws(WireError) in
            samples += step.n_sample_ids
            guard samples <= reader.limits.stepSamples else {
                throw .tooManySamples(count: samples, limit: reader.limits.stepSamples)
            }
            return Body.RecordedStep(
                step: step.step,
                sampleIDs: Array(UnsafeBufferPointer(start: step.sample_ids, count: step.n_sample_ids)))
        }
        self.init(after: message.after, steps: steps, isComplete: message.complete != 0)
    }

    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__RecordedSteps> {
        let message = scratch.message(permafrost__recorded_steps__init)
        message.pointee.after = after
        message.pointee.n_steps = steps.count
        message.pointee.steps = scratch.list(steps.map { Optional($0.message(scratch)) })
        message.pointee.complete = isComplete ? 1 : 0
        return message
    }
}

extension Body.RecordedStep {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__RecordedStep> {
        let message = scratch.message(permafrost__recorded_step__init)
        message.pointee.step = step
        message.pointee.n_sample_ids = sampleIDs.count
        message.pointee.sample_ids = scratch.list(sampleIDs)
        return message
    }
}
