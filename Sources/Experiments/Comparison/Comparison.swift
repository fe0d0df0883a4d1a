/// Everything that the tables, the figures and the files of a comparison are made of.
public struct Comparison: Sendable {
    /// A decision that the reader should know, in words.
    public struct Choice: Codable, Equatable, Sendable {
        /// What was decided.
        public var subject: String
        /// How.
        public var decision: String

        /// A decision.
        public init(_ subject: String, _ decision: String) {
            self.subject = subject
            self.decision = decision
        }
    }

    /// What is known of a class of devices, beside what a result says.
    public struct DeviceClass: Codable, Equatable, Sendable {
        /// Its name in the fleet.
        public var name: String
        /// How many there are.
        public var count: Int
        /// What a device may use for the model.
        public var memoryBytes: Int

        /// A class.
        public init(name: String, count: Int, memoryBytes: Int) {
            self.name = name
            self.count = count
            self.memoryBytes = memoryBytes
        }
    }

    /// The method that the others are held against.
    public static let subject = "splitfrozen"

    /// The recipe's name.
    public var name: String
    /// The fleet's name.
    public var fleet: String
    /// The fleet's classes.
    public var classes: [DeviceClass]
    /// The decisions.
    public var choices: [Choice]
    /// Which runs there are.
    public var plan: ComparisonPlan
    /// What has ended.
    public var records: [ExperimentJob: ExperimentRecord]

    /// A comparison.
    public init(
        name: String, fleet: String, classes: [DeviceClass], choices: [Choice], plan: ComparisonPlan,
        records: [ExperimentJob: ExperimentRecord]
    ) {
        self.name = name
        self.fleet = fleet
        self.classes = classes
        self.choices = choices
        self.plan = plan
        self.records = records
    }

    /// The methods' names in the order of the tables.
    public var methods: [String] { plan.methods.map(\.name) }

    /// What has ended of one cell of the tables, seed by seed.
    public func records(_ method: String, _ imbalance: String) -> [ExperimentRecord] {
        guard let chosen = plan.methods.first(where: { $0.name == method }),
            let rate = plan.chosenRate(of: chosen, in: records)
        else { return [] }
        return plan.seeds.compactMap { seed in
            let key = ExperimentKey(method: method, imbalance: imbalance, seed: seed)
            return records[ExperimentJob(key: key, learningRate: rate)]
        }
    }

    /// What came to its end of one cell of the tables.
    public func results(_ method: String, _ imbalance: String) -> [ExperimentResult] {
        records(method, imbalance).compactMap(\.result)
    }

    /// The sweep's runs and then those of the tables, each once.
    public var orderedRecords: [ExperimentRecord] {
        var seen: Set<ExperimentJob> = []
        return (plan.sweep + plan.compared(in: records)).compactMap { job in
            seen.insert(job).inserted ? records[job] : nil
        }
    }
}
