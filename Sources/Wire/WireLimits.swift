/// How large the parts of a message may be. A receiver checks them before it allocates anything by a stated size.
public struct WireLimits: Sendable, Equatable {
    /// Bytes of the header frame. The lists in a header take no more memory than a small multiple of this. There is
    /// room for as many targets below 2^21 as `tokens` allows.
    public var headerBytes = 256 << 10

    /// Bytes of a payload frame.
    public var frameBytes = 64 << 20

    /// Samples in one message.
    public var samples = 1024

    /// Tokens in one message, thus rows, and the most targets.
    public var tokens = 65536

    /// UTF-8 bytes of a run, sender or device id or of an endpoint. ZeroMQ routing ids are no longer than this.
    public var nameBytes = 255

    /// UTF-8 bytes of a reason, problem or remedy.
    public var textBytes = 4096

    /// UTF-8 bytes of a recipe.
    public var recipeBytes = 64 << 10

    /// UTF-8 bytes of a stage's list of operations.
    public var listBytes = 64 << 10

    /// Ranges of settled sequences in one welcome.
    public var settledRanges = 8192

    /// Samples of one device in a run: a worker keeps a table of them all.
    public var deviceSamples = 1 << 24

    /// Samples in one optimizer step, whose ids a report names.
    public var stepSamples = 16_384

    /// Steps in one answer about recorded steps, which together have at most `stepSamples`.
    public var recordedSteps = 1024

    /// Tensors, and numbers by name, in one message of a method.
    public var methodTensors = 16_384

    /// Bytes of the tensors of one message of a method, in all its parts.
    public var methodBytes = 1 << 30

    /// The limits that both ends use unless a recipe says otherwise.
    public init() {}
}
