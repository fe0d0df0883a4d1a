import Methods

extension MethodSettings {
    /// Decides how many ranks each device sends in a round, as `FederatedServer` asks for it.
    public typealias KeptRanks = @Sendable (_ round: Int, _ energies: [Int: [Double]]) throws -> [Int]

    /// Batches of each device in a round; 1 without rounds.
    public var localSteps: Int {
        switch self {
        case .fedlora(let localSteps, _, _): localSteps
        case .soft(let sparse): sparse.localSteps
        case .splitfrozen, .splitlora, .hosl, .zo, .central: 1
        }
    }

    /// Whether devices train the whole model on their own.
    public var isFederated: Bool {
        switch self {
        case .fedlora, .soft: true
        case .splitfrozen, .splitlora, .hosl, .zo, .central: false
        }
    }

    /// What the programs of a method that trains on devices are made of.
    ///
    /// - Parameters:
    ///   - cut: blocks on each device, where the model is split.
    ///   - rank: of the adapters.
    ///   - steps: of all devices together; rounds, where there are any.
    ///   - learningRate: of a server that moves by probes.
    ///   - seed: of the run.
    ///   - kept: decides how many ranks devices send; nil for as many as the sparsity says.
    public func programs(
        devices: Int, cut: Int, rank: Int, steps: Int, learningRate: Double, seed: UInt64,
        kept: KeptRanks? = nil
    ) -> MethodPlan.Method {
        func probing(_ probes: Probes, _ variant: ProbingSettings.Variant) -> MethodPlan.Method {
            .probing(
                ProbingSettings(
                    variant: variant, cut: cut, pairs: probes.pairs, epsilon: probes.epsilon,
                    learningRate: probes.deviceLearningRate, seed: seed),
                devices: devices, steps: steps, atOnce: variant == .publishedCode ? 1 : probes.atOnce,
                learningRate: learningRate)
        }
        let ranks = Array(repeating: rank, count: devices)
        switch self {
        case .splitfrozen, .central: preconditionFailure("nothing trains on devices")
        case .splitlora(let averagingSteps, let followsPublishedCode):
            return .splitLoRA(
                .init(
                    devices: devices, cut: cut, steps: steps, averagingSteps: averagingSteps,
                    followsPublishedCode: followsPublishedCode))
        case .hosl(let probes): return probing(probes, probes.followsPublishedCode ? .publishedCode : .threePhases)
        case .zo(let probes): return probing(probes, .zerothOrder)
        case .fedlora(let localSteps, let isFair, let own):
            return .federated(
                FederatedSettings(
                    rounds: steps, localSteps: localSteps, aggregation: isFair ? .fair(lambda: 0.01) : .mean),
                ranks: own ?? ranks, kept: { _, _ in [] })
        case .soft(let sparse):
            let always = ranks.map { RankSelection.kept(rank: $0, sparsity: sparse.sparsity) }
            let aggregation: FederatedSettings.Aggregation =
                switch sparse.sent {
                case .ranks: .keptRanks
                case .entries: .keptEntries
                case .truncatedProducts: .truncatedProducts
                }
            return .federated(
                FederatedSettings(
                    rounds: steps, localSteps: sparse.localSteps, aggregation: aggregation,
                    orthogonality: sparse.sent == .ranks ? sparse.orthogonality : 0),
                ranks: ranks, kept: kept ?? { _, _ in always })
        }
    }
}
