/// Which runs a comparison needs, and in which order. A pure value: what is done decides what comes next, so that a
/// comparison that was killed goes on by looking at its records.
public struct ComparisonPlan: Codable, Equatable, Sendable {
    /// A method, and the learning rates that it may have.
    public struct Method: Codable, Equatable, Sendable {
        /// Such as `fedlora`.
        public var name: String
        /// One that is given, or those of a sweep.
        public var rates: [Double]

        /// A method with its learning rates.
        public init(name: String, rates: [Double]) {
            self.name = name
            self.rates = rates
        }

        /// Whether there is a choice.
        public var isSwept: Bool { rates.count > 1 }
    }

    /// The imbalance on which learning rates are tried.
    public static let sweepImbalance = "iid"

    /// What is compared, in the order of the tables.
    public var methods: [Method]
    /// In the order of the tables.
    public var imbalances: [String]
    /// The first is the sweep's.
    public var seeds: [UInt64]

    /// A plan.
    public init(methods: [Method], imbalances: [String], seeds: [UInt64]) {
        self.methods = methods
        self.imbalances = imbalances
        self.seeds = seeds
    }

    /// Every run of the sweep.
    public var sweep: [ExperimentJob] {
        methods.filter(\.isSwept).flatMap { method in method.rates.map { sweepJob(method, rate: $0) } }
    }

    /// Different runs in all, whatever the sweep chooses: its best run on iid data is the first seed's.
    public var runCount: Int {
        let shared = imbalances.contains(Self.sweepImbalance) ? methods.count(where: \.isSwept) : 0
        return sweep.count + methods.count * imbalances.count * seeds.count - shared
    }

    /// The learning rate of a method; nil while its sweep has not ended.
    ///
    /// The best accuracy counts, then the least loss, then the lowest rate. Where every run diverged, it is the lowest.
    public func chosenRate(of method: Method, in records: [ExperimentJob: ExperimentRecord]) -> Double? {
        guard method.isSwept else { return method.rates.first }
        var best: (rate: Double, accuracy: Double, loss: Double)?
        for rate in method.rates.sorted() {
            guard let record = records[sweepJob(method, rate: rate)] else { return nil }
            guard let last = record.result?.points.last, last.loss.isFinite else { continue }
            if let best, (best.accuracy, -best.loss) >= (last.accuracy, -last.loss) { continue }
            best = (rate, last.accuracy, last.loss)
        }
        return best?.rate ?? method.rates.min()
    }

    /// The runs of the tables; only those of methods whose sweep has ended.
    public func compared(in records: [ExperimentJob: ExperimentRecord]) -> [ExperimentJob] {
        // Seeds first: a comparison that is looked at early has every method and imbalance.
        seeds.flatMap { seed in
            imbalances.flatMap { imbalance in
                methods.compactMap { method in
                    chosenRate(of: method, in: records).map { rate in
                        let key = ExperimentKey(method: method.name, imbalance: imbalance, seed: seed)
                        return ExperimentJob(key: key, learningRate: rate)
                    }
                }
            }
        }
    }

    /// The next run; nil when all are done or under way, or when a sweep that is under way has to decide first.
    public func next(
        after records: [ExperimentJob: ExperimentRecord], besides running: Set<ExperimentJob> = []
    ) -> ExperimentJob? {
        (sweep + compared(in: records)).first { records[$0] == nil && !running.contains($0) }
    }

    private func sweepJob(_ method: Method, rate: Double) -> ExperimentJob {
        let key = ExperimentKey(method: method.name, imbalance: Self.sweepImbalance, seed: seeds.first ?? 0)
        return ExperimentJob(key: key, learningRate: rate)
    }
}
