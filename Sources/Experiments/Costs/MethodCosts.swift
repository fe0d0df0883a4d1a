/// What can be compared.
public enum ComparedMethod: String, Sendable, CaseIterable {
    case splitfrozen, splitlora, fedlora, hosl, zo, soft, central
}

/// How often something happens in a run.
public enum CostUnit: String, Sendable, CaseIterable {
    /// For each sample, whatever the number of epochs.
    case sample
    /// For each sample in each epoch.
    case visit
    /// For each device's batch.
    case step
    /// Each time that a device's adapters are averaged.
    case round
}

/// An amount, by how often it arises.
public struct Cost: Sendable, Equatable {
    private var amounts: [CostUnit: Double]

    /// An amount for each of some units.
    public init(_ amounts: [CostUnit: Double] = [:]) { self.amounts = amounts.filter { $0.value != 0 } }

    /// What arises with each of a unit.
    public subscript(unit: CostUnit) -> Double { amounts[unit] ?? 0 }

    /// What arises in all.
    public func total(_ counts: [CostUnit: Int]) -> Double {
        CostUnit.allCases.reduce(0) { $0 + self[$1] * Double(counts[$1] ?? 0) }
    }
}

/// What a method costs a device and the server, in closed form: operations by shape (`PassCosts`) and payload bytes by
/// kind of message. Envelopes, ids and checksums are not payload. `docs/fleets.md` has the formulas as a table.
public struct MethodCosts: Sendable, Equatable {
    /// What messages carry.
    public enum Payload: String, Sendable, CaseIterable {
        /// From a device.
        case activations, targets, adapterUpdates
        /// To a device.
        case activationGradients, losses, averagedAdapters

        /// Whether a device sends it.
        public var isUpload: Bool {
            switch self {
            case .activations, .targets, .adapterUpdates: true
            case .activationGradients, .losses, .averagedAdapters: false
            }
        }
    }

    /// What stands in the formulas.
    public struct Setting: Sendable {
        /// The passes of a sample.
        public var pass: PassCosts
        /// c, the blocks that devices of a split method run.
        public var cut: Int
        /// C, below which nothing trains in `splitfrozen` and `central`.
        public var frozenBlocks: Int
        /// Tokens of a sample that predict something.
        public var targets: Int
        /// K, the head's logits.
        public var outputs: Int
        /// Bytes of a number of activations and their gradients.
        public var valueBytes: Int
        /// Q, the pairs of probes of a step of `hosl` and `zo`.
        public var probes: Int
        /// Pairs of each adapter that `soft` sends.
        public var keptPairs: Int

        /// The defaults are those of the papers where they have one.
        public init(
            pass: PassCosts, cut: Int, frozenBlocks: Int, targets: Int, outputs: Int, valueBytes: Int = 4,
            probes: Int = 10, keptPairs: Int
        ) {
            self.pass = pass
            self.cut = cut
            self.frozenBlocks = frozenBlocks
            self.targets = targets
            self.outputs = outputs
            self.valueBytes = valueBytes
            self.probes = probes
            self.keptPairs = keptPairs
        }
    }

    /// Adapters, losses and targets cross the wire as numbers of four bytes.
    fileprivate static let numberBytes = 4.0

    /// Operations of the device.
    public private(set) var deviceFlops = Cost()
    /// Operations of the server.
    public private(set) var serverFlops = Cost()
    /// Payload bytes of each kind of message that the method has.
    public private(set) var bytes: [Payload: Cost] = [:]

    /// The costs of a method.
    public init(_ method: ComparedMethod, _ setting: Setting) {
        switch method {
        case .splitfrozen: splitFrozen(setting)
        case .splitlora: splitLoRA(setting)
        case .fedlora: federated(setting)
        case .hosl: zerothOrder(setting, serverLearnsByGradient: true)
        case .zo: zerothOrder(setting, serverLearnsByGradient: false)
        case .soft: sparse(setting)
        case .central: central(setting)
        }
    }

    /// Payload bytes in one direction.
    public func bytes(isUpload: Bool, _ counts: [CostUnit: Int]) -> Double {
        bytes.filter { $0.key.isUpload == isUpload }.values.reduce(0) { $0 + $1.total(counts) }
    }

    /// Activations are published once; every epoch trains the blocks above C.
    private mutating func splitFrozen(_ s: Setting) {
        deviceFlops = Cost([.sample: Double(s.cut) * s.pass.frozenForward])
        serverFlops = Cost([
            .sample: Double(s.frozenBlocks - s.cut) * s.pass.frozenForward,
            .visit: s.trainingFlops(from: s.frozenBlocks),
        ])
        bytes = [.activations: Cost([.sample: s.activationBytes]), .targets: Cost([.sample: s.targetBytes])]
    }

    private mutating func splitLoRA(_ s: Setting) {
        deviceFlops = Cost([.visit: s.pass.training(blocks: s.cut, needsInputGradient: false)])
        serverFlops = Cost([.visit: s.trainingFlops(from: s.cut, needsInputGradient: s.cut > 0)])
        bytes = [
            .activations: Cost([.visit: s.activationBytes]), .targets: Cost([.visit: s.targetBytes]),
            .activationGradients: Cost([.visit: s.cut > 0 ? s.activationBytes : 0]),
            .adapterUpdates: Cost([.round: s.adapterBytes(blocks: s.cut)]),
            .averagedAdapters: Cost([.round: s.adapterBytes(blocks: s.cut)]),
        ]
    }

    private mutating func federated(_ s: Setting) {
        let adapters = s.adapterBytes(blocks: s.pass.model.layers)
        deviceFlops = Cost([.visit: s.trainingFlops(from: 0)])
        bytes = [.adapterUpdates: Cost([.round: adapters]), .averagedAdapters: Cost([.round: adapters])]
    }

    /// As `federated`, with the factors held near-orthogonal, and of each adapter only the kept pairs with their numbers.
    private mutating func sparse(_ s: Setting) {
        federated(s)
        let layers = Double(s.pass.model.layers)
        deviceFlops = Cost([.visit: s.trainingFlops(from: 0), .step: layers * s.pass.orthogonality])
        let pairs = layers * Double(s.keptPairs) * Double(s.pass.pairParameters + s.pass.adaptedLayers)
        bytes[.adapterUpdates] = Cost([.round: pairs * Self.numberBytes])
    }

    /// Two losses a pair of probes. By gradient, the server learns from a pass more, that of the unperturbed activations.
    private mutating func zerothOrder(_ s: Setting, serverLearnsByGradient: Bool) {
        let probes = Double(2 * s.probes), passes = probes + (serverLearnsByGradient ? 1 : 0)
        let layers = s.pass.model.layers
        let forward =
            s.pass.forward(blocks: layers - s.cut, read: s.targets)
            + s.pass.head(targets: s.targets, outputs: s.outputs)
        deviceFlops = Cost([.visit: passes * s.pass.forward(blocks: s.cut)])
        serverFlops = Cost([.visit: probes * forward + (serverLearnsByGradient ? s.trainingFlops(from: s.cut) : 0)])
        bytes = [
            .activations: Cost([.visit: passes * s.activationBytes]), .targets: Cost([.visit: s.targetBytes]),
            .losses: Cost([.step: probes * Self.numberBytes]),
        ]
    }

    private mutating func central(_ s: Setting) {
        serverFlops = Cost([
            .visit: Double(s.frozenBlocks) * s.pass.frozenForward + s.trainingFlops(from: s.frozenBlocks)
        ])
    }
}

extension MethodCosts.Setting {
    /// F, B and W of the blocks above a first one, and the head.
    fileprivate func trainingFlops(from first: Int, needsInputGradient: Bool = false) -> Double {
        pass.training(blocks: pass.model.layers - first, needsInputGradient: needsInputGradient, read: targets)
            + 2 * pass.head(targets: targets, outputs: outputs)
    }

    fileprivate var activationBytes: Double { Double(pass.tokens) * Double(pass.model.width * valueBytes) }

    fileprivate var targetBytes: Double { MethodCosts.numberBytes * Double(targets) }

    fileprivate func adapterBytes(blocks: Int) -> Double {
        MethodCosts.numberBytes * Double(blocks) * Double(pass.adapterParameters)
    }
}
