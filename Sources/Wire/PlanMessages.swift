extension Body {
    /// What a device has to do.
    public struct Assignment: Sendable, Equatable {
        /// Blocks to run before publishing.
        public var cut: UInt32
        /// Where the device publishes to.
        public var workerEndpoint: String
        /// The run's seed.
        public var seed: UInt64
        /// Grows with every new plan of the run.
        public var generation: UInt64
        /// The device's place in the run's plan, from 0.
        public var number: UInt32
        /// The epoch in whose order the device publishes, from 1.
        public var epoch: UInt32
        /// The worker's id.
        public var worker: String
        /// The worker's public key in Z85; empty without CURVE.
        public var workerKey: String
        /// Samples of all devices, where the method trains on devices; 0 otherwise.
        public var samples: UInt64
        /// The raw value of the payload codec that the device writes; 0 leaves that to the recipe.
        public var codec: UInt32

        /// A device's part of a plan.
        public init(
            cut: UInt32, workerEndpoint: String, seed: UInt64, generation: UInt64, number: UInt32, epoch: UInt32,
            worker: String = "", workerKey: String = "", samples: UInt64 = 0, codec: UInt32 = 0
        ) {
            self.codec = codec
            self.samples = samples
            self.worker = worker
            self.workerKey = workerKey
            self.cut = cut
            self.workerEndpoint = workerEndpoint
            self.seed = seed
            self.generation = generation
            self.number = number
            self.epoch = epoch
        }
    }

    /// What a worker has to expect of one device.
    public struct DevicePlan: Sendable, Equatable {
        /// Its sender id.
        public var device: String
        /// How many samples it will publish; 0 until it has said so.
        public var samples: UInt64
        /// Blocks that it will run.
        public var cut: UInt32
        /// Its public key in Z85; empty without CURVE, and when it was revoked.
        public var key: String
        /// Payload bytes that it is to have on their way, by its measured uplink; 0 leaves that to the worker.
        public var creditBytes: UInt64

        /// A device's part of a plan, as its worker needs it.
        public init(device: String, samples: UInt64, cut: UInt32, key: String = "", creditBytes: UInt64 = 0) {
            self.device = device
            self.samples = samples
            self.cut = cut
            self.key = key
            self.creditBytes = creditBytes
        }
    }

    /// What a worker has to expect.
    public struct RunPlan: Sendable, Equatable {
        /// Every device that publishes to this worker, in the order of their numbers.
        public var devices: [DevicePlan]
        /// The run's seed.
        public var seed: UInt64
        /// Grows with every new plan of the run.
        public var generation: UInt64
        /// The worker that hands over to this one first; empty when nobody does.
        public var predecessor: String
        /// Its public key in Z85.
        public var predecessorKey: String
        /// The worker from which this one gets its share of each step, when it does not take the steps itself.
        public var leader: WorkerPeer?
        /// To the worker that takes the steps: the first stages of all other pipelines.
        public var replicas: [WorkerPeer]
        /// To the first stage of a pipeline: its later stages, in their order.
        public var stages: [WorkerPeer]

        /// A plan over all devices of a worker.
        public init(
            devices: [DevicePlan], seed: UInt64, generation: UInt64, predecessor: String = "",
            predecessorKey: String = "", leader: WorkerPeer? = nil, replicas: [WorkerPeer] = [],
            stages: [WorkerPeer] = []
        ) {
            self.leader = leader
            self.replicas = replicas
            self.stages = stages
            self.predecessor = predecessor
            self.predecessorKey = predecessorKey
            self.devices = devices
            self.seed = seed
            self.generation = generation
        }
    }

    /// The worker takes no more messages, finishes its step, writes a checkpoint, and hands over, if somebody is named.
    public struct Drain: Sendable, Equatable {
        /// The worker that takes over; empty when nobody does.
        public var successor: String
        /// Where it waits.
        public var successorEndpoint: String
        /// Its public key in Z85; empty without CURVE.
        public var successorKey: String

        /// A request to leave in good order.
        public init(successor: String = "", successorEndpoint: String = "", successorKey: String = "") {
            self.successor = successor
            self.successorEndpoint = successorEndpoint
            self.successorKey = successorKey
        }
    }

    /// The recipe of a run, for a role that was told nothing but the coordinator's address.
    public struct RunRecipe: Sendable, Equatable {
        /// Resolved YAML.
        public var recipe: String
        /// The device's place in the run's plan, from 0; 0 for a worker.
        public var number: UInt32

        /// A recipe and who asks for it.
        public init(recipe: String, number: UInt32) {
            self.recipe = recipe
            self.number = number
        }
    }
}
