import Methods

/// The stage of a leader's step that is walked here, on the thread of the steps.
struct FollowedStage {
    /// What becomes of it.
    enum News: Sendable {
        /// For a neighbour.
        case tensor(StageTensor)
        /// It has ended; nil when the step was given up.
        case ended(StageResult?, seconds: Double)
        /// What the leader says does not fit to what is here.
        case outOfStep
    }

    private let exchange: StageExchange

    /// Begins as soon as the steps before are done.
    ///
    /// - Parameter tell: called on any thread.
    init(
        _ order: StageOrder, width: Int,
        steps: @Sendable (@escaping @Sendable (Trainer) throws -> Void) -> Void,
        tell: @escaping @Sendable (News) -> Void
    ) {
        let exchange = StageExchange(order.share, microBatches: order.microBatches, width: width) { tell(.tensor($0)) }
        self.exchange = exchange
        steps { trainer in
            guard trainer.step == order.step - 1, trainer.digest == order.digest else { return tell(.outOfStep) }
            let start = ContinuousClock.now
            let result = try trainer.stage(order, exchange: exchange)
            tell(.ended(result, seconds: (ContinuousClock.now - start) / .seconds(1)))
        }
    }

    /// A neighbour's tensor is here.
    func receive(_ tensor: StageTensor) { exchange.receive(tensor) }

    /// Nobody waits for it any more.
    func giveUp() { exchange.giveUp() }
}
