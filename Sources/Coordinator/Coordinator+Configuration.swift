import Balancing
import Diagnostics
import Queueing
import Wire

extension Coordinator {
    /// What a run is to the coordinator.
    public struct Configuration: Sendable {
        /// One device of the plan.
        public struct PlannedDevice: Sendable, Equatable {
            /// The device's id.
            public var id: String
            /// Blocks that the device computes, until a plan changes that.
            public var cut: Int

            /// A device and its cut.
            public init(id: String, cut: Int) {
                self.id = id
                self.cut = cut
            }
        }

        /// What becomes of a run when somebody is silent for too long or cannot go on.
        public enum Losses: Sendable, Equatable {
            /// It ends: everybody is in one process, and nobody will come back.
            case fail
            /// It waits until whoever is missing registers again.
            case wait
            /// It ends as soon as somebody is missing after the first plan, with whom what was trained there is lost. There
            /// is no plan before everybody is there, and none without one of them.
            case end
        }

        /// How cuts follow measures.
        public struct Balancing: Sendable {
            /// What the policy must know of the model.
            public var model: ModelFacts
            /// When it changes a plan.
            public var settings: BalancePolicy.Settings

            /// Cuts that follow measures.
            public init(model: ModelFacts, settings: BalancePolicy.Settings) {
                self.model = model
                self.settings = settings
            }
        }

        /// How devices write activations.
        public enum CodecChoice: Sendable, Equatable {
            /// All of them so, as far as they can.
            case fixed(PayloadCodec)
            /// Each as its link asks.
            case automatic
        }

        /// The run's id.
        public var run: String
        /// Where the coordinator listens.
        public var endpoint: String
        /// What keeps strangers out of TCP. With `.server`, its authenticator lets in the ledger's keys.
        public var security = SocketSecurity.none
        /// Every device of the run, in the order that decides the sample order.
        public var devices: [PlannedDevice]
        /// The run's seed.
        public var seed: UInt64
        /// Who is silent for longer is lost.
        public var silenceLimit: Duration
        /// The epoch in which training begins or goes on, from 1: devices publish in its order.
        public var epoch: Int
        /// What becomes of the run when somebody is lost.
        public var losses = Losses.fail
        /// How long a run that has ended waits, beyond the time for those who are there, for those who are away: nobody
        /// else would tell them.
        public var linger = Duration.zero
        /// Whether the coordinator of a run that has ended stays until it is stopped, for whoever comes or looks.
        public var stays = false
        /// The recipe's name, for the ledger.
        public var recipeName = ""
        /// The resolved recipe as YAML, for the ledger and for roles that know the coordinator's address only.
        public var recipe = ""
        /// Pipelines that take steps together, each of so many workers; all other workers stand by.
        public var replicas = 1
        /// Workers of a pipeline, a stage each.
        public var stages = 1
        /// How devices write activations.
        public var codec = CodecChoice.fixed(.f32)
        /// How cuts follow measures; nil leaves them as they are.
        public var balancing: Balancing?
        /// Beaten by the loop, for whoever looks whether it turns.
        public var pulse: LoopPulse?
        /// How many steps the run will take, from the samples of all devices.
        public var plannedSteps: @Sendable (_ samples: Int) -> Int? = { _ in nil }

        /// The configuration of one run.
        public init(
            run: String, endpoint: String, devices: [PlannedDevice], seed: UInt64, silenceLimit: Duration,
            epoch: Int = 1
        ) {
            self.run = run
            self.endpoint = endpoint
            self.devices = devices
            self.seed = seed
            self.silenceLimit = silenceLimit
            self.epoch = epoch
        }
    }
}
