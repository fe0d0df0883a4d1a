import enum Datasets.TrainingOrder
import enum Pipeline.ScheduleKind

/// Everything that decides a run, read from one YAML file and `key=value` overrides.
///
/// The initial value of each property is the key's default; `RecipeSchema` says which values a key can have and what
/// it means. A recipe that was loaded is valid as a whole.
public struct Recipe: Sendable, Equatable {
    /// The recipe's name, fit for a folder name.
    public var name = ""
    /// The seed of every use of chance in the run.
    public var seed: UInt64 = 7
    /// The model and how much of it is frozen.
    public var model = Model()
    /// The texts and their split.
    public var data = DataSet()
    /// How a record becomes a question to the model and its answer.
    public var task = Task()
    /// The low-rank adapters.
    public var lora = LoRA()
    /// The method and the optimizer.
    public var training = Training()
    /// What is decided of single methods.
    public var method = MethodOptions()
    /// The devices, their data and how they publish.
    public var devices = Devices()
    /// Where the roles of a distributed run meet.
    public var network = Network()
    /// The server's activation store.
    public var store = Store()
    /// How the trainable blocks are spread over stages.
    public var pipeline = Pipeline()
    /// What is measured before and after training.
    public var evaluation = Evaluation()
    /// Methods side by side.
    public var comparison = Comparison()
    /// The number of threads; 0 means all cores.
    public var threads = 0
    /// The folder in which every run gets a folder of its own.
    public var runs = "runs"

    /// A recipe of defaults, which lacks what is required.
    init() {}
}

extension Recipe {
    /// The model and how much of it is frozen.
    public struct Model: Sendable, Equatable {
        /// A model file, or a folder in the hub's layout; resolve it with `CacheFolder`.
        public var path = ""
        /// The SHA-256 of a model file in lowercase hexadecimal digits; nil leaves it unchecked.
        public var sha256: String?
        /// Blocks 1 to this one are frozen; what is trained lies above.
        public var frozenBlocks = 0
        /// How frozen weights are kept in memory and multiplied.
        public var baseType = BaseType.f32
        /// Whether blocks are kept in a file of the cache folder in the form in which they are used.
        public var prepared = false
    }

    /// The texts and their split.
    public struct DataSet: Sendable, Equatable {
        /// The data file; resolve it with `CacheFolder`.
        public var path = ""
        /// The SHA-256 of the file in lowercase hexadecimal digits; nil leaves it unchecked.
        public var sha256: String?
        /// The form of the file.
        public var format = DataFormat.ratedSentences
        /// The fields of a table without a line that names them; nil takes their names from the first line.
        public var columns: [String]?
        /// The field that holds the class.
        public var label = "label"
        /// The field whose equal values stay on one side of the split; nil keeps equal texts together.
        public var group: String?
        /// Rated sentences nearer to zero than this are left out.
        public var minimumAbsoluteRating = 0.0
        /// The share of the texts, or of the groups, that are kept for testing.
        public var testFraction = 0.2
        /// A file of test examples of its own; resolve it with `CacheFolder`.
        public var testPath: String?
        /// The SHA-256 of the test file in lowercase hexadecimal digits; nil leaves it unchecked.
        public var testSHA256: String?
        /// How many training examples to use; nil means all.
        public var trainLimit: Int?
    }

    /// How a record becomes a question to the model and its answer.
    public struct Task: Sendable, Equatable {
        /// What predicts the answer.
        public var head = Head.verbalizer
        /// The prompt, a template with fields of the data such as `{text}`.
        public var prompt = "{text} It was"
        /// The answer in words, a template; only for a language model's head.
        public var answer: String?
        /// Whether prompt and answer become turns of a user and an assistant, in ChatML.
        public var chat = false
        /// The classes in order; none for a language model's head.
        public var labels: [Label] = []
        /// The longest example, in tokens.
        public var maximumTokens = 512
        /// What happens to a longer example.
        public var tooLong = TooLong.refuse
    }

    /// A class and the word by which the model names it.
    public struct Label: Sendable, Equatable {
        /// The class name, as in the data.
        public var name: String
        /// The word, with its leading space; nil where labels are a plain list, without words.
        public var word: String?
    }

    /// The low-rank adapters.
    public struct LoRA: Sendable, Equatable {
        /// The inner width r of an adapter.
        public var rank = 8
        /// The scale: an adapter's output is multiplied by alpha / rank, or by alpha / √rank.
        public var alpha = 16.0
        /// The share of an adapter's input that is left out in training.
        public var dropout = 0.0
        /// Whether the scale is alpha / √rank (rsLoRA, Kalajdzievski, 2023).
        public var rslora = false
        /// The linear layers that get an adapter, by their names; nil means every one of a block.
        public var targets: [String]?
        /// The blocks that get adapters, from 1; nil means all above the frozen ones.
        public var blocks: ClosedRange<Int>?
        /// The folder of an adapter in PEFT's format whose training goes on; nil begins a new one.
        public var start: String?
    }

    /// The method and the optimizer.
    public struct Training: Sendable, Equatable {
        /// What is computed where.
        public var method = Method.splitfrozen
        /// What is trained.
        public var trainable = Trainable.lora
        /// How often every sample is trained.
        public var epochs = 1
        /// Samples in one optimizer step.
        public var batch = 16
        /// How the samples of a step are chosen.
        public var order = TrainingOrder.deterministic
        /// Samples computed together; gradients add up to the batch.
        public var microBatch = 8
        /// Whether the backward pass computes a block's activations once more, so that the forward pass need not keep them.
        public var recompute = false
        /// The learning rate after warm-up.
        public var learningRate = 1e-3
        /// Steps in which the learning rate rises linearly from zero.
        public var warmupSteps = 10
        /// The course of the learning rate after warm-up.
        public var schedule = Schedule.constant
        /// The rule by which gradients become steps.
        public var optimizer = Optimizer.adamw
        /// The decay of SGD's mean step.
        public var momentum = 0.0
        /// The weight decay.
        public var weightDecay = 0.01
        /// The decay of the mean gradient.
        public var beta1 = 0.9
        /// The decay of the mean squared gradient.
        public var beta2 = 0.999
        /// What is added to the root of the mean squared gradient.
        public var epsilon = 1e-8
        /// The largest norm of all gradients together; nil leaves them as they are.
        public var clipNorm: Double? = 1.0
        /// Steps between two checkpoints of the run; 0 writes none.
        public var checkpointSteps = 50
        /// How many of the newest checkpoints stay.
        public var checkpointsKept = 2
    }

    /// What is decided of single methods, each for those that it names.
    public struct MethodOptions: Sendable, Equatable {
        /// Blocks on every device of splitlora, hosl and zo; nil for the smallest of `devices.cuts`.
        public var cut: Int?
        /// splitlora: batches of all devices from one averaging of their adapters to the next.
        public var averagingSteps = 100
        /// splitlora: averages as the published code does.
        public var reference = false
        /// fedlora, soft: batches of a device in a round.
        public var localSteps = 10
        /// fedlora: the rank of each device; nil is that of the adapters for all.
        public var ranks: [Int]?
        /// fedlora: LoRA-FAIR's correction.
        public var fair = false
        /// hosl, zo: Q, the directions of a step.
        public var pairs = 10
        /// hosl, zo: ε.
        public var epsilon = 5e-3
        /// hosl, zo: η of the devices.
        public var deviceLearningRate = 5e-5
        /// hosl: the order of things in a step.
        public var variant = Variant.paper
        /// hosl, zo: devices that have a step under way at one time.
        public var atOnce = 1
        /// soft: λ of the penalty that keeps factors near-orthogonal.
        public var orthogonality = 0.01
        /// soft: the share of the ranks that is not sent.
        public var sparsity = 0.5
        /// soft: what of the changes is sent.
        public var keeps = Keeps.ranks
    }

    /// Blocks on every device of a method that splits the model where something trains.
    public var commonCut: Int { method.cut ?? devices.cuts.min() ?? 0 }

    /// Blocks below all that trains.
    public var blocksBelowTraining: Int { training.method.trainsOnDevices ? 0 : model.frozenBlocks }

    /// The devices, their data and how they publish.
    public struct Devices: Sendable, Equatable {
        /// The devices' ids; nil names them device-1, device-2 and so on.
        public var ids: [String]?
        /// For each device, how many of the frozen blocks it computes itself.
        public var cuts = [24, 18, 12, 6]
        /// How the training examples are spread over the devices.
        public var partition = Partition.iid
        /// For each device, its share of the data in any unit; nil means equal shares.
        public var shares: [Double]?
        /// Samples in one message.
        public var publishBatch = 8
        /// Bytes a device may have sent and not yet had acknowledged.
        public var creditBytes = 16 << 20
        /// How activations are written on the wire and kept in the store.
        public var codec = Codec.f32
        /// What is done to activations on the wire after their codec.
        public var compression = Compression.none
        /// Seconds without a sign of life after which a device counts as lost.
        public var silenceSeconds = 60.0
        /// Whether measured speeds move the cuts of a distributed run.
        public var balance = Balance.measured
        /// By which share a measured speed must change before the cuts are chosen anew.
        public var balanceChange = 0.25

        /// The id of a device by its place, from 0.
        public func id(_ number: Int) -> String { ids?[number] ?? "device-\(number + 1)" }

        /// The place of a device by its id, from 0; nil for a stranger.
        public func number(of id: String) -> Int? { cuts.indices.first { self.id($0) == id } }
    }

    /// Where the roles of a distributed run meet.
    public struct Network: Sendable, Equatable {
        /// The coordinator's endpoint, as devices and workers reach it.
        public var coordinator = "tcp://127.0.0.1:7070"
    }

    /// How the trainable blocks are spread over stages.
    public struct Pipeline: Sendable, Equatable {
        /// Stages, each with consecutive blocks; 1 trains micro-batches side by side.
        public var stages = 1
        /// Where the stages are.
        public var placement = Placement.threads
        /// In which order a stage works.
        public var schedule = ScheduleKind.permafrost
        /// Pipelines of a distributed run that share its steps, each of `workers` workers; further ones stand by.
        public var replicas = 1
        /// The most bytes that a stage keeps between F and W; nil is no limit.
        public var memoryBytes: Int?

        /// Workers of each pipeline of a distributed run.
        public var workers: Int { placement == .workers ? stages : 1 }
    }

    /// The server's activation store.
    public struct Store: Sendable, Equatable {
        /// The most bytes of activations that are kept.
        public var capacityBytes = 4 << 30
        /// The most bytes that all devices together may have on their way to a worker.
        public var ingestBytes = 1 << 30
    }

    /// What is measured before and after training.
    public struct Evaluation: Sendable, Equatable {
        /// How many test examples to score; 0 means no evaluation.
        public var samples = 1050
        /// Whether the model is also scored before training.
        public var baseline = true
        /// The most tokens to generate for each test example, whose final answer then counts; 0 scores by loss only.
        public var generateTokens = 0
        /// What stands before the final answer.
        public var answerMarker = "####"
    }
}
