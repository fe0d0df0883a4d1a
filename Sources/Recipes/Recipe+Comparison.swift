extension Recipe {
    /// Methods side by side: what `permafrost compare` runs. Everything else that a run needs is the recipe's.
    public struct Comparison: Sendable, Equatable {
        /// What is compared, in the order of the tables.
        public var methods: [ComparedMethod] = [.central, .splitfrozen, .splitlora, .fedlora]
        /// How labels are spread over the fleet's devices, in the order of the tables.
        public var imbalances: [Partition] = [
            .iid, .dirichlet(alpha: 0.5), .dirichlet(alpha: 0.1), .oneLabelPerDevice,
        ]
        /// A run of each method and imbalance for every one of these; the first is the sweep's.
        public var seeds: [UInt64] = [1, 2, 3]
        /// The file of the fleet; resolve it with `CacheFolder`. Nil for a recipe that compares nothing.
        public var fleet: String?
        /// Tokens that each run trains on; nil for `training.epochs` passes over the data.
        public var tokenBudget: Int?
        /// Scores of each run, besides that of the untuned model.
        public var evaluations = 8
        /// Examples of all but the first and the last of these scores; nil for all.
        public var samplesOnTheWay: Int?
        /// Runs at a time, each on a core; nil for as many as there are threads.
        public var runsAtOnce: Int?
        /// Of a reduced model: so many of the lowest blocks count as embedding, and all other keys count those above.
        public var trunkBlocks = 0
        /// Learning rates that each first-order method without a given one tries on iid data; empty tries nothing.
        public var sweep: [Double] = [3e-4, 1e-3, 3e-3]
        /// Learning rates that are given and not swept.
        public var learningRates: [ComparedMethod: Double] = [:]
        /// Blocks that a device of a class computes where a model is split; all frozen ones where a class is not named.
        public var cuts: [String: Int] = [:]
        /// Batches of each device in a round of `fedlora` and `soft`.
        public var localSteps = 10
        /// Samples of a device's batch in `fedlora` and `soft`; nil for `training.batch`.
        public var localBatch: Int?
        /// Batches of all devices between two means of `splitlora`.
        public var averagingSteps = 100
        /// Directions of a step of `hosl` and `zo`.
        public var probePairs = 10
        /// How far a probe moves the weights.
        public var probeEpsilon = 5e-3
        /// The learning rate of what probes train; the server's of `hosl` is the method's.
        public var probeLearningRate = 5e-5
        /// The share of the ranks that `soft` does not send.
        public var sparsity = 0.5
        /// The long-run latency of a round that `tsfa` keeps, in simulated seconds.
        public var latencySeconds = 60.0
    }

    /// A method that can stand beside others, by the name that tables have for it.
    public enum ComparedMethod: String, Sendable, CaseIterable {
        case central
        case splitfrozen
        case splitlora, splitloraReference = "splitlora-reference"
        case fedlora, fedloraFair = "fedlora-fair"
        case hosl, hoslCode = "hosl-code"
        case zo
        case soft, tsfa
        case softEntries = "soft-entries", softSVD = "soft-svd"

        /// Whether gradients train anything, so that a sweep over rates that suit gradients makes sense.
        public var isFirstOrder: Bool { self != .zo }
    }
}
