/// Every key of a recipe, once: its name, its place in `Recipe`, its values and its meaning.
///
/// Decoding, defaults, suggestions for mistyped keys, help and the resolved output are all derived from this table.
enum RecipeSchema {
    static let fields: [RecipeField<Recipe>] =
        general + model + data + task + lora + training + method + devices + server + comparison

    private static let general: [RecipeField<Recipe>] = [
        .init("name", \.name, .name, required: true, "name of the recipe, part of the run folder's name"),
        .init("seed", \.seed, .integer(0...UInt64.max), "seed of every use of chance"),
    ]

    private static let model: [RecipeField<Recipe>] = [
        .init(
            "model.path", \.model.path, .path, required: true,
            "model file, or folder in the hub's layout; cache:NAME is in the cache folder"),
        .init("model.sha256", \.model.sha256, .optional(.sha256), "digest that a model file must have"),
        .init(
            "model.frozen_blocks", \.model.frozenBlocks, .integer(0...1000), required: true,
            "blocks 1 to this one are frozen, what is trained lies above"),
        .init("model.base_dtype", \.model.baseType, .choice(), "how frozen weights are kept and multiplied"),
        .init(
            "model.prepared", \.model.prepared, .flag,
            "keep the blocks as base_dtype in a file of the cache folder, which processes of a machine share"),
    ]

    private static let data: [RecipeField<Recipe>] = [
        .init("data.path", \.data.path, .path, required: true, "data file; cache:FILE is in the cache folder"),
        .init("data.sha256", \.data.sha256, .optional(.sha256), "digest the data file must have"),
        .init("data.format", \.data.format, .choice(), required: true, "form of the data file"),
        .init(
            "data.columns", \.data.columns, .optional(.list(of: .fieldName, count: 1...1000, distinct: true)),
            "fields of a table, null if its first line names them"),
        .init("data.label", \.data.label, .fieldName, "field that holds the class"),
        .init(
            "data.group", \.data.group, .optional(.fieldName),
            "field whose equal values stay on one side of the split, null to keep equal texts together"),
        .init(
            "data.minimum_absolute_rating", \.data.minimumAbsoluteRating, .real(0...1000),
            "leave out rated sentences nearer to zero"),
        .init(
            "data.test_fraction", \.data.testFraction, .real(0...1, except: [1]),
            "share of the texts or groups kept for testing"),
        .init("data.test_path", \.data.testPath, .optional(.path), "file of test examples, null to split data.path"),
        .init("data.test_sha256", \.data.testSHA256, .optional(.sha256), "digest the test file must have"),
        .init(
            "data.train_limit", \.data.trainLimit, .optional(.integer(1...1_000_000_000)),
            "number of training examples, null for all"),
    ]

    private static let task: [RecipeField<Recipe>] = [
        .init("task.head", \.task.head, .choice(), "what predicts the answer"),
        .init("task.prompt", \.task.prompt, .template, "what the model reads"),
        .init("task.answer", \.task.answer, .optional(.template), "answer in words, for the head lm"),
        .init("task.chat", \.task.chat, .flag, "prompt and answer as turns of a chat, in ChatML"),
        .init("task.labels", \.task.labels, .labels, "classes, each with its label word"),
        .init(
            "task.maximum_tokens", \.task.maximumTokens, .integer(1...1_048_576), "longest example in tokens"),
        .init("task.too_long", \.task.tooLong, .choice(), "what happens to a longer example"),
    ]

    private static let lora: [RecipeField<Recipe>] = [
        .init("lora.rank", \.lora.rank, .integer(1...1024), "inner width of an adapter"),
        .init("lora.alpha", \.lora.alpha, .real(0...1e6, except: [0]), "scale: outputs times alpha / rank"),
        .init(
            "lora.dropout", \.lora.dropout, .real(0...1, except: [1]),
            "share of an adapter's input left out in training"),
        .init("lora.rslora", \.lora.rslora, .flag, "scale by alpha / √rank instead"),
        .init(
            "lora.targets", \.lora.targets,
            .optional(.list(of: .known(Recipe.LoRA.knownTargets), count: 1...12, distinct: true)),
            "linear layers that get an adapter, null for all of a block"),
        .init(
            "lora.blocks", \.lora.blocks, .optional(.blocks),
            "blocks that get adapters, null for all above the frozen ones"),
        .init(
            "lora.start", \.lora.start, .optional(.path),
            "folder of an adapter in PEFT's format to go on with, null for a new one"),
    ]

    private static let training: [RecipeField<Recipe>] = [
        .init("training.method", \.training.method, .choice(), "what is computed where"),
        .init("training.trainable", \.training.trainable, .choice(), "adapters, or the blocks above the frozen ones"),
        .init("training.epochs", \.training.epochs, .integer(1...10_000), "how often every sample is trained"),
        .init("training.batch", \.training.batch, .integer(1...16_384), "samples in an optimizer step"),
        .init("training.order", \.training.order, .choice(), "how the samples of a step are chosen (docs/orders.md)"),
        .init("training.micro_batch", \.training.microBatch, .integer(1...65_536), "samples computed together"),
        .init(
            "training.recompute", \.training.recompute, .flag,
            "compute activations again in the backward pass: less memory, the same steps"),
        .init(
            "training.learning_rate", \.training.learningRate, .real(0...10, except: [0]),
            "learning rate after warm-up"),
        .init(
            "training.warmup_steps", \.training.warmupSteps, .integer(0...10_000_000),
            "steps in which the learning rate rises from zero"),
        .init("training.schedule", \.training.schedule, .choice(), "course of the learning rate after warm-up"),
        .init("training.optimizer", \.training.optimizer, .choice(), "how gradients become steps"),
        .init("training.momentum", \.training.momentum, .real(0...1, except: [1]), "decay of the mean step of sgd"),
        .init("training.weight_decay", \.training.weightDecay, .real(0...1), "weight decay"),
        .init("training.beta1", \.training.beta1, .real(0...1, except: [1]), "decay of the mean gradient"),
        .init("training.beta2", \.training.beta2, .real(0...1, except: [1]), "decay of the mean squared gradient"),
        .init("training.epsilon", \.training.epsilon, .real(0...1, except: [0]), "smallest divisor of a step"),
        .init(
            "training.clip_norm", \.training.clipNorm, .optional(.real(0...1e6, except: [0])),
            "largest norm of all gradients together, null for any"),
        .init(
            "training.checkpoint_steps", \.training.checkpointSteps, .integer(0...1_000_000_000),
            "steps between checkpoints, 0 for none"),
        .init(
            "training.checkpoints_kept", \.training.checkpointsKept, .integer(1...1_000_000),
            "newest checkpoints that stay"),
    ]

    private static let method: [RecipeField<Recipe>] = [
        .init(
            "method.cut", \.method.cut, .optional(.integer(0...1000)),
            "splitlora, hosl, zo: blocks on every device, null for the smallest of devices.cuts"),
        .init(
            "method.averaging_steps", \.method.averagingSteps, .integer(1...1_000_000_000),
            "splitlora: batches from one averaging of the devices' adapters to the next"),
        .init("method.reference", \.method.reference, .flag, "splitlora: average as the published code does"),
        .init(
            "method.local_steps", \.method.localSteps, .integer(1...1_000_000),
            "fedlora, soft: batches of a device in a round"),
        .init(
            "method.ranks", \.method.ranks, .optional(.list(of: .integer(1...1024), count: 1...1024)),
            "fedlora: rank of each device, null for lora.rank everywhere"),
        .init("method.fair", \.method.fair, .flag, "fedlora: LoRA-FAIR's correction of the mean"),
        .init("method.pairs", \.method.pairs, .integer(1...100_000), "hosl, zo: directions of a step"),
        .init(
            "method.epsilon", \.method.epsilon, .real(1e-7...1), "hosl, zo: how far probes lie along a direction"),
        .init(
            "method.device_learning_rate", \.method.deviceLearningRate, .real(0...10, except: [0]),
            "hosl, zo: learning rate of the devices"),
        .init("method.variant", \.method.variant, .choice(), "hosl: order of things in a step"),
        .init(
            "method.at_once", \.method.atOnce, .integer(1...1024),
            "hosl, zo: devices that have a step under way at one time"),
        .init(
            "method.orthogonality", \.method.orthogonality, .real(0...1e6),
            "soft: weight of the penalty that keeps factors near-orthogonal"),
        .init("method.sparsity", \.method.sparsity, .real(0...1, except: [1]), "soft: share of the ranks not sent"),
        .init("method.keeps", \.method.keeps, .choice(), "soft: what is sent, of equal size"),
    ]

    private static let devices: [RecipeField<Recipe>] = [
        .init(
            "devices.ids", \.devices.ids, .optional(.list(of: .name, count: 1...1024, distinct: true)),
            "ids of the devices, null for device-1, device-2 and so on"),
        .init(
            "devices.cuts", \.devices.cuts, .list(of: .integer(0...1000), count: 1...1024),
            "frozen blocks each device computes itself, one number per device"),
        .init("devices.partition", \.devices.partition, .partition, "how the examples are spread over the devices"),
        .init(
            "devices.shares", \.devices.shares,
            .optional(.list(of: .real(0...1e9, except: [0]), count: 1...1024)),
            "share of the data of each device, null for equal shares"),
        .init("devices.publish_batch", \.devices.publishBatch, .integer(1...4096), "samples in one message"),
        .init(
            "devices.credit_bytes", \.devices.creditBytes, .bytes(1 << 10...1 << 40),
            "bytes a device may send ahead of acknowledgements"),
        .init("devices.codec", \.devices.codec, .choice(), "activations on the wire and in the store"),
        .init("devices.compression", \.devices.compression, .choice(), "compression of activations on the wire"),
        .init(
            "devices.silence_seconds", \.devices.silenceSeconds, .real(0.1...86_400),
            "seconds without a sign of life until a device counts as lost"),
        .init(
            "devices.balance", \.devices.balance, .choice(),
            "whether measured speeds move the cuts of a distributed run"),
        .init(
            "devices.balance_change", \.devices.balanceChange, .real(0.01...10),
            "share by which a speed must change before cuts are chosen anew"),
        .init(
            "network.coordinator", \.network.coordinator, .endpoint, "where devices and workers reach the coordinator"),
    ]

    private static let server: [RecipeField<Recipe>] = [
        .init(
            "store.capacity_bytes", \.store.capacityBytes, .bytes(1 << 20...1 << 50),
            "most bytes of activations the server keeps"),
        .init(
            "store.ingest_bytes", \.store.ingestBytes, .bytes(1 << 22...1 << 40),
            "most bytes that all devices may have on their way"),
        .init(
            "evaluation.samples", \.evaluation.samples, .integer(0...1_000_000_000),
            "test examples to score, 0 for no evaluation"),
        .init("evaluation.baseline", \.evaluation.baseline, .flag, "score the model before training, too"),
        .init(
            "evaluation.generate_tokens", \.evaluation.generateTokens, .integer(0...1_048_576),
            "most tokens to generate for a test example, 0 to score by loss only"),
        .init(
            "evaluation.answer_marker", \.evaluation.answerMarker, .marker, "what stands before the final answer"),
        .init("pipeline.stages", \.pipeline.stages, .integer(1...64), "stages of the trainable blocks"),
        .init(
            "pipeline.placement", \.pipeline.placement, .choice(),
            "stages as threads of a worker, or as workers of a distributed run"),
        .init("pipeline.schedule", \.pipeline.schedule, .choice(), "order in which stages work"),
        .init(
            "pipeline.replicas", \.pipeline.replicas, .integer(1...64),
            "pipelines, of a worker or a worker a stage, that share the steps of a distributed run"),
        .init(
            "pipeline.memory", \.pipeline.memoryBytes, .optional(.bytes(1...1 << 50)),
            "most bytes that a stage keeps between F and W, null for any"),
        .init("threads", \.threads, .integer(0...1024), "threads, 0 for all cores"),
        .init("runs", \.runs, .path, "folder in which every run gets a folder"),
    ]
}
