import Balancing
import Checkpoints
import Methods

extension ExperimentTask {
    /// The cuts with which `splitfrozen` is done first, by shape: they minimise the longest of what each device takes for its
    /// samples, and what the server takes for the blocks that devices leave out and for the training. Of equal choices the
    /// one with the least work on devices. No device gets more than its memory holds; `cuts` do not matter.
    public func balancedCuts(_ settings: ExperimentSettings) -> [Int] {
        let seconds = deviceSeconds(settings)
        let choices = seconds.joined().sorted().map { limit in
            let cuts = seconds.map { times in max(0, (times.lastIndex { $0 <= limit }) ?? 0) }
            let longest = zip(seconds, cuts).map { $0[$1] }.max() ?? 0
            return (cuts: cuts, seconds: max(longest, serverSeconds(cuts, settings)))
        }
        guard let first = choices.first else { return [] }
        return choices.dropFirst().reduce(first) { $1.seconds < $0.seconds ? $1 : $0 }.cuts
    }

    /// Seconds of each device with each cut that it can hold, at least with none: the longer of computing and sending.
    func deviceSeconds(_ settings: ExperimentSettings) -> [[Double]] {
        let model = model.hyperparameters
        let samples = if case .splitfrozen(let samples) = settings.method { samples } else { settings.batch }
        let uplinks = meanUplinks
        let members = zip(fleet.members, VirtualDevice.all(of: fleet, precision: precision))
        return members.enumerated().map { device, member in
            let memoryBytes = fleet.classes[member.0.kind].memoryBytes
            let block = shards[device].reduce(0) { sum, example in
                sum + PassCosts(model: model, tokens: example.tokens.count, rank: 0, targets: []).frozenForward
            }
            let values = tokens(device) * model.width + shards[device].reduce(0) { $0 + $1.targets.count }
            let sending = Double(MemoryLayout<Float>.stride * values) / uplinks[device]
            let memory = memory(device, samples: samples, settings)
            return (0...settings.frozenBlocks)
                .prefix { $0 == 0 || memory.frozen(cut: $0) <= memoryBytes }
                .map { max(Double($0) * block / member.1.flopsPerSecond, sending) }
        }
    }

    /// Seconds of the server for what devices leave out, and for all steps.
    func serverSeconds(_ cuts: [Int], _ settings: ExperimentSettings) -> Double {
        let left = cuts.enumerated().reduce(0) { $0 + (settings.frozenBlocks - $1.element) * tokens($1.offset) }
        let trained = model.hyperparameters.layers - settings.frozenBlocks
        return Double(left) * speed.frozenForward + Double(settings.tokenBudget * trained)
            * (speed.forward + speed.backwardInput + speed.backwardWeights)
    }

    private func tokens(_ device: Int) -> Int { shards[device].reduce(0) { $0 + $1.tokens.count } }

    /// Bytes a second; over a shared band with an equal share of it.
    private var meanUplinks: [Double] {
        let devices = VirtualDevice.all(of: fleet, precision: precision)
        guard let channel = RadioChannel(fleet) else { return devices.map(\.uplinkBytesPerSecond) }
        return devices.indices.map {
            channel.meanEfficiency(of: $0) * channel.bandwidthHertz / 8 / Double(devices.count)
        }
    }
}
