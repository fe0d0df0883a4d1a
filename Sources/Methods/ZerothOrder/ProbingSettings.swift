/// How a device's side is trained by probes, and what the server does beside it.
public struct ProbingSettings: Sendable, Equatable {
    /// The order of things in a step.
    public enum Variant: Sendable, Equatable {
        /// HOSL's three phases (arXiv 2601.10940): all probes, then activations at the unmoved point for the server's step,
        /// then the device's step.
        case threePhases
        /// As its authors' code does it: the server's gradient is that at the first probe, and the device moves after each
        /// pair.
        case publishedCode
        /// Both sides by probes: they move along the same pairs at once.
        case zerothOrder
    }

    /// The order of things.
    public var variant: Variant
    /// Blocks on every device.
    public var cut: Int
    /// Q, the directions of a step.
    public var pairs: Int
    /// ε.
    public var epsilon: Float
    /// η of the device.
    public var learningRate: Double
    /// Of the run, decides the directions.
    public var seed: UInt64

    /// At least one pair, and an ε above zero.
    public init(
        variant: Variant, cut: Int, pairs: Int, epsilon: Float, learningRate: Double, seed: UInt64
    ) {
        precondition(pairs > 0 && epsilon > 0, "a step has directions, and a length along them")
        self.variant = variant
        self.cut = cut
        self.pairs = pairs
        self.epsilon = epsilon
        self.learningRate = learningRate
        self.seed = seed
    }

    /// g = (L₊ − L₋) / (2εQ): what a pair adds to the estimate along its direction, rounded as it crosses the wire, so that
    /// all have the same.
    func coefficient(plus: Float, minus: Float) -> Float {
        Float((Double(plus) - Double(minus)) / (2 * Double(epsilon) * Double(pairs)))
    }

    /// The point of a probe.
    func move(_ probe: MethodMessage.Probe, device: Int, step: Int) -> PerturbedForward.Move {
        PerturbedForward.Move(
            direction: RandomDirection(seed: seed, device: device, step: step, pair: probe.pair),
            scale: probe.isPlus ? epsilon : -epsilon)
    }

    /// The steps −ηg along the directions.
    ///
    /// - Parameters:
    ///   - coefficients: of consecutive pairs.
    ///   - first: the first of these.
    func steps(
        _ coefficients: [Float], first: Int = 1, learningRate: Double, device: Int, step: Int
    ) -> [PerturbedForward.Move] {
        coefficients.enumerated().map { place, coefficient in
            PerturbedForward.Move(
                direction: RandomDirection(seed: seed, device: device, step: step, pair: first + place),
                scale: Float(-learningRate * Double(coefficient)))
        }
    }

    /// Names in messages.
    public enum Scalar {
        /// The loss at a probe.
        public static let loss = "loss"
        static let device = "device"
        static func coefficient(_ pair: Int) -> String { "coefficient \(pair)" }
    }
}
