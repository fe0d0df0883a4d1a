/// What a simulated run came to. Every figure is simulated, none was measured.
public struct SimulationReport: Codable, Sendable, Equatable {
    /// What became of a class of devices.
    public struct ClassFigures: Codable, Sendable, Equatable {
        /// The class's name.
        public var name: String
        /// How many devices it has.
        public var devices: Int
        /// The devices' last cuts.
        public var smallestCut: Int
        /// The mean of the devices' last cuts.
        public var meanCut: Double
        /// The devices' last cuts.
        public var largestCut: Int
        /// When the class's last sample was stored.
        public var lastPublishedSeconds: Double
        /// The share of the run in which a device computed, on average.
        public var computingShare: Double
    }

    /// From the begin to the last step.
    public var seconds: Double
    /// What the first plan with all speeds measured predicted, from the begin; nil without one.
    public var predictedSeconds: Double?
    /// When the last sample was stored.
    public var lastArrivalSeconds: Double
    /// The share of the run in which the server computed.
    public var serverUtilisation: Double
    /// What the rest of the run waited for when the last plan was made.
    public var bottleneck: Bottleneck?
    /// How often a plan was solved for.
    public var plansSolved: Int
    /// How often a plan was taken.
    public var plansTaken: Int
    /// Samples that the server got.
    public var publishedSamples: Int
    /// Samples that steps trained, in all epochs.
    public var trainedSamples: Int
    /// Samples that the first epoch trained, by device.
    public var firstEpochSamples: [Int]
    /// A digest of the devices of all trained samples, in the order in which the first epoch trained them.
    public var trainingOrderDigest: UInt64
    /// The classes, in the fleet's order.
    public var classes: [ClassFigures]
}

extension SimulationReport.ClassFigures {
    init(name: String, devices: [SimulatedDevice], seconds: Double) {
        let cuts = devices.map(\.cut)
        let count = Double(max(1, devices.count))
        let computing = devices.reduce(0) { $0 + $1.totals.computeSeconds }
        self.init(
            name: name, devices: devices.count, smallestCut: cuts.min() ?? 0,
            meanCut: Double(cuts.reduce(0, +)) / count, largestCut: cuts.max() ?? 0,
            lastPublishedSeconds: devices.map(\.lastArrival).max() ?? 0,
            computingShare: seconds > 0 ? computing / count / seconds : 0)
    }
}
