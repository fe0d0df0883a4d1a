import Models

/// What the programs of a run are made of, whichever side they are on and whoever drives them: everybody who has the same
/// plan has the same programs.
public struct MethodPlan: Sendable {
    /// A method that trains on devices, and how a run of it goes.
    public enum Method: Sendable {
        /// Both sides by their gradients, devices in turn.
        case splitLoRA(SplitLoRAServer.Settings)
        /// Devices by probes.
        ///
        /// - devices: that take turns.
        /// - steps: of all devices together.
        /// - atOnce: devices that have a step under way at one time.
        /// - learningRate: of a server that moves by probes too.
        case probing(ProbingSettings, devices: Int, steps: Int, atOnce: Int, learningRate: Double)
        /// Devices on their own, round after round.
        ///
        /// - ranks: of each device.
        /// - kept: as `FederatedServer` takes it.
        case federated(
            FederatedSettings, ranks: [Int],
            kept: @Sendable (_ round: Int, _ energies: [Int: [Double]]) throws -> [Int])

        /// What trains on a device.
        ///
        /// - Parameter whole: everything that trains, on whichever side.
        public func layout(ofDevice number: Int, of whole: TrainableLayout) -> TrainableLayout {
            if case .federated(_, let ranks, _) = self { return whole.withRank(ranks[number]) }
            return TrainableLayout(model: whole.model, blocks: 0..<cut(of: whole), form: whole.form)
        }

        /// What trains on the server; all of it where it joins what devices have trained.
        public func serverLayout(of whole: TrainableLayout) -> TrainableLayout {
            if case .federated = self { return whole }
            return TrainableLayout(
                model: whole.model, blocks: cut(of: whole)..<whole.model.layers, form: whole.form,
                classes: whole.classes)
        }

        fileprivate func cut(of whole: TrainableLayout) -> Int {
            switch self {
            case .splitLoRA(let settings): settings.cut
            case .probing(let settings, _, _, _, _): settings.cut
            case .federated: whole.model.layers
            }
        }
    }

    /// The method.
    public let method: Method
    /// Frozen weights, of as many blocks as the programs that are made run.
    public let model: LanguageModel
    /// Everything that trains, on whichever side.
    public let whole: TrainableLayout
    /// How gradients become steps, wherever that is.
    public let rule: LearningRule
    /// The run's.
    public let seed: UInt64
    /// What training begins with: of each block the same, whichever blocks are asked for.
    public let start: @Sendable (TrainableLayout) throws -> TrainableParameters

    /// A plan.
    public init(
        _ method: Method, model: LanguageModel, whole: TrainableLayout, rule: LearningRule, seed: UInt64,
        start: @escaping @Sendable (TrainableLayout) throws -> TrainableParameters
    ) {
        self.method = method
        self.model = model
        self.whole = whole
        self.rule = rule
        self.seed = seed
        self.start = start
    }

    /// Steps or rounds until the end.
    public var steps: Int {
        switch method {
        case .splitLoRA(let settings): settings.steps
        case .probing(_, _, let steps, _, _): steps
        case .federated(let settings, _, _): settings.rounds
        }
    }

    /// Blocks on every device.
    public var cut: Int { method.cut(of: whole) }

    /// What trains on a device.
    public func layout(ofDevice number: Int) -> TrainableLayout { method.layout(ofDevice: number, of: whole) }

    /// What trains on the server; all of it where it joins what devices have trained.
    public var serverLayout: TrainableLayout { method.serverLayout(of: whole) }

    /// The server's side.
    ///
    /// - Throws: what `start` throws.
    public func server(head: OutputHead) throws -> any ServerProgram {
        let parameters = try start(serverLayout)
        switch method {
        case .splitLoRA(let settings):
            return SplitLoRAServer(
                model: model, head: head, parameters: parameters, lowerLayout: layout(ofDevice: 0),
                settings: settings, rule: rule, seed: seed)
        case .probing(let settings, let devices, let steps, let atOnce, let learningRate):
            guard settings.variant == .zerothOrder else {
                return ProbingServer(
                    model: model, head: head, parameters: parameters, settings: settings, rule: rule,
                    devices: devices, steps: steps, atOnce: atOnce)
            }
            return ProbingServer(
                model: model, head: head, parameters: parameters, settings: settings, learningRate: learningRate,
                devices: devices, steps: steps, atOnce: atOnce)
        case .federated(let settings, let ranks, let kept):
            return FederatedServer(parameters: parameters, ranks: ranks, settings: settings, kept: kept)
        }
    }

    /// A device's side.
    ///
    /// - Parameter head: only called for where the device has the whole model.
    /// - Throws: what `start` or `head` throws.
    public func device(_ shard: DeviceShard, head: () throws -> OutputHead) throws -> any TrainingDeviceProgram {
        switch method {
        case .splitLoRA(let settings):
            return SplitLoRADevice(
                model: model, parameters: try start(layout(ofDevice: shard.device)), cut: settings.cut, shard: shard,
                rule: rule, seed: seed)
        case .probing(let settings, _, _, _, _):
            return ProbingDevice(
                model: model, parameters: try start(layout(ofDevice: shard.device)), shard: shard, settings: settings)
        case .federated(let settings, let ranks, _):
            return FederatedDevice(
                model: model, head: try head(), parameters: try start(whole).withRank(ranks[shard.device]),
                shard: shard, settings: settings, rule: rule, seed: seed)
        }
    }

    /// Everything that was trained, of all blocks.
    ///
    /// - Parameters:
    ///   - server: has finished, or `devices` are given.
    ///   - devices: of this process; who looks before the end sees what they have.
    public func trained(_ server: any ServerProgram, _ devices: [any TrainingDeviceProgram]) -> TrainableParameters {
        if case .federated = method { return server.parameters }
        let lower = (server as? any SplitServerProgram)?.lower ?? lower(of: devices.map(\.parameters))
        return .joined(lower: lower, upper: server.parameters, whole: whole)
    }

    private func lower(of devices: [TrainableParameters]) -> TrainableParameters {
        // Probes leave the same on all devices.
        if case .probing = method { return devices[0] }
        return .mean(devices)
    }
}
