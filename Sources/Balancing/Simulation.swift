import Datasets
import Foundation
import Randomness

/// A fleet's run on a virtual clock, event by event. The policy, its plans and the order of samples are those of a real
/// run; what computes and sends is drawn from the fleet's description. The same fleet gives the same result.
public struct Simulation {
    /// Who chooses the cuts.
    public enum Mode: Sendable {
        /// `BalancePolicy`, beginning with equal cuts.
        case balanced
        /// Every device the same number of blocks, for all time.
        case equal
    }

    private enum Occurrence {
        case computed(Int)
        case arrived(device: Int, message: Int, cut: Int)
        case acknowledged(device: Int, message: Int)
        case joined(Int)
        case served
        case report
    }

    private let fleet: Fleet
    private let mode: Mode
    private var devices: [SimulatedDevice]
    private var server: SimulatedServer
    private var policy: BalancePolicy
    private var events = EventQueue<Occurrence>()
    private var now = 0.0
    private var serving: SimulatedServer.Work?
    private var serverTotals = BalancePolicy.ServerTotals()
    private var serverNoise: SeededGenerator
    private var firstPrediction: Double?
    private var busySeconds = 0.0

    /// The run of a fleet from its begin to its end.
    public static func run(_ fleet: Fleet, mode: Mode) -> SimulationReport {
        var simulation = Simulation(fleet, mode: mode)
        simulation.runToEnd()
        return simulation.report()
    }

    private init(_ fleet: Fleet, mode: Mode) {
        self.fleet = fleet
        self.mode = mode
        let cut = min(fleet.equalCut ?? fleet.deepestCommonCut, fleet.deepestCommonCut)
        devices = fleet.members.map { SimulatedDevice($0, of: fleet, cut: cut) }
        let limits = CreditLimits(
            totalBytes: fleet.ingestBytes, messageBytes: fleet.classes.map(fleet.messageBytes).max() ?? 1)
        for place in devices.indices { devices[place].creditBytes = limits.totalBytes / devices.count }
        let order = SampleOrder.global(seed: fleet.seed, counts: devices.map(\.samples), epoch: 1)
            .map(\.device)
        server = SimulatedServer(devices: devices, order: order, batch: fleet.batch, epochs: fleet.model.epochs)
        policy = BalancePolicy(
            model: fleet.model,
            settings: .init(credits: limits, change: fleet.change, improvement: fleet.improvement))
        policy.took(workers: (0..<max(1, fleet.workers)).map { "worker-\($0 + 1)" })
        serverNoise = SeededGenerator(seed: fleet.seed, stream: "fleet/server")
    }

    private mutating func runToEnd() {
        for (device, member) in devices.enumerated() {
            events.schedule(.joined(device), at: member.availability.joinsAt)
        }
        events.schedule(.report, at: fleet.reportSeconds)
        while !(server.isFinished && serving == nil), let (time, occurrence) = events.next() {
            now = time
            take(occurrence)
        }
    }

    private mutating func take(_ occurrence: Occurrence) {
        switch occurrence {
        case .joined(let device):
            let member = devices[device]
            policy.registered(
                device: member.id, samples: member.samples,
                memoryBytes: fleet.classes[member.kind].memoryBytes, cut: member.cut)
            compute(device)
        case .computed(let device): send(device)
        case .arrived(let device, let message, let cut):
            devices[device].lastArrival = now
            server.arrived(device: device, message: message, missingBlocks: fleet.model.frozenBlocks - cut)
            events.schedule(
                .acknowledged(device: device, message: message), at: now + devices[device].roundTripSeconds / 2)
            serve()
        case .acknowledged(let device, let message):
            devices[device].acknowledged(message)
            if devices[device].waitsForCredit { send(device) }
        case .served:
            if let serving { server.ended(serving) }
            serving = nil
            serve()
        case .report: reconsider()
        }
    }

    /// Begins the next message of a device.
    private mutating func compute(_ device: Int) {
        guard devices[device].sent < devices[device].messages else { return }
        events.schedule(.computed(device), at: devices[device].computing(from: now, deviation: fleet.noise))
    }

    /// Hands a computed message to the wire, or lets it wait for an acknowledgement.
    private mutating func send(_ device: Int) {
        let message = devices[device].sent
        let bytes = devices[device].bytes(of: message)
        devices[device].waitsForCredit = !devices[device].maySend(bytes)
        guard !devices[device].waitsForCredit else { return }
        devices[device].pendingBytes += bytes
        devices[device].sent += 1
        let cut = devices[device].computedCut
        let arrival = devices[device].sending(message, from: now, deviation: fleet.noise)
        events.schedule(.arrived(device: device, message: message, cut: cut), at: arrival)
        compute(device)
    }

    private mutating func serve() {
        guard serving == nil, let work = server.next(tokens: { devices[$0.device].tokens(of: $0.message) }) else {
            return
        }
        serving = work
        let factor = exp(fleet.noise * serverNoise.normal())
        let seconds: Double
        switch work {
        case .step(let tokens):
            seconds = tokens / fleet.stepTokensPerSecond * factor
            serverTotals.stepSeconds += seconds
            serverTotals.stepTokens += tokens
        case .advance(_, let blockTokens):
            seconds = blockTokens / fleet.advanceBlockTokensPerSecond * factor
            serverTotals.advanceSeconds += seconds
            serverTotals.advanceBlockTokens += blockTokens
        }
        let shared = seconds / Double(max(1, fleet.workers))
        busySeconds += shared
        events.schedule(.served, at: now + shared)
    }

    private mutating func reconsider() {
        events.schedule(.report, at: now + fleet.reportSeconds)
        guard mode == .balanced else { return }
        for device in devices where device.availability.joinsAt <= now {
            policy.observed(device: device.id, device.totals)
        }
        policy.observed(server: serverTotals)
        guard let plan = policy.reconsider() else { return }
        firstPrediction = firstPrediction ?? plan.predictedSeconds.map { now + $0 }
        let places = Dictionary(uniqueKeysWithValues: devices.enumerated().map { ($1.id, $0) })
        for assignment in plan.assignments {
            guard let place = places[assignment.device] else { continue }
            devices[place].cut = assignment.cut
            devices[place].creditBytes = assignment.creditBytes
        }
    }

    private func report() -> SimulationReport {
        SimulationReport(
            seconds: now, predictedSeconds: firstPrediction, lastArrivalSeconds: devices.map(\.lastArrival).max() ?? 0,
            serverUtilisation: now > 0 ? busySeconds / now : 0, bottleneck: policy.plan?.bottleneck,
            plansSolved: policy.solved, plansTaken: policy.taken,
            publishedSamples: devices.reduce(0) { $0 + $1.publishedSamples }, trainedSamples: server.trainedSamples,
            firstEpochSamples: server.trainedOnce, trainingOrderDigest: server.orderDigest,
            classes: fleet.classes.indices.map { kind in
                SimulationReport.ClassFigures(
                    name: fleet.classes[kind].name, devices: devices.filter { $0.kind == kind }, seconds: now)
            })
    }
}
