import Randomness

@testable import Methods

/// Carries messages between the programs of a method, in any order that keeps each sender's: no sockets and no clock.
final class MethodNetwork {
    private let server: any ServerProgram
    private let devices: [any DeviceProgram]
    private var generator: SeededGenerator?
    private var toServer: [[MethodMessage]]
    private var toDevice: [[MethodMessage]]
    private var drained: [Int]

    /// All messages in the order in which they were taken; a device's number with each, and whether it is the sender.
    private(set) var log: [(device: Int, isUp: Bool, message: MethodMessage)] = []
    private(set) var progress: [MethodProgress] = []
    private(set) var deviceWork: [MethodWork] = []
    private(set) var isFinished = false

    /// - Parameter seed: of a random order of events; nil for the oldest first.
    init(_ server: any ServerProgram, _ devices: [any DeviceProgram], seed: UInt64? = nil) {
        self.server = server
        self.devices = devices
        generator = seed.map { SeededGenerator(seed: $0, stream: "network") }
        toServer = devices.map { _ in [] }
        toDevice = devices.map { _ in [] }
        drained = devices.map { _ in 0 }
    }

    private enum Step {
        case up(Int), down(Int), drained(Int)
    }

    /// Runs to the end, until nothing is on its way.
    func run() throws {
        try tell(.begin)
        while let step = next() {
            switch step {
            case .up(let device):
                let message = toServer[device].removeFirst()
                log.append((device, true, message))
                try tell(.received(message, from: device))
            case .down(let device):
                let message = toDevice[device].removeFirst()
                log.append((device, false, message))
                take(try devices[device].handle(.received(message)), device)
            case .drained(let device):
                drained[device] -= 1
                take(try devices[device].handle(.drained), device)
            }
        }
    }

    /// Messages of a kind, in one direction.
    func messages(_ kind: MethodMessage.Kind, isUp: Bool) -> [(device: Int, message: MethodMessage)] {
        log.filter { $0.message.kind == kind && $0.isUp == isUp }.map { ($0.device, $0.message) }
    }

    /// The mean loss of some steps.
    func loss(ofSteps steps: ClosedRange<Int>) -> Double {
        progress.filter { steps.contains($0.step) }.reduce(0) { $0 + $1.loss } / Double(steps.count)
    }

    private func tell(_ event: ServerProgramEvent) throws {
        take(try server.handle(event))
        while case let actions = try server.handle(.idle), !actions.isEmpty { take(actions) }
    }

    private func next() -> Step? {
        let steps =
            toServer.indices.filter { !toServer[$0].isEmpty }.map(Step.up)
            + toDevice.indices.filter { !toDevice[$0].isEmpty }.map(Step.down)
            + drained.indices.filter { drained[$0] > 0 }.map(Step.drained)
        guard var random = generator else { return steps.first }
        defer { generator = random }
        return steps.randomElement(using: &random)
    }

    private func take(_ actions: [ServerProgramAction]) {
        for action in actions {
            switch action {
            case .send(let message, let device): toDevice[device].append(message)
            case .completed(let step): progress.append(step)
            case .finished: isFinished = true
            case .computed: break
            }
        }
    }

    private func take(_ actions: [DeviceProgramAction], _ device: Int) {
        for action in actions {
            switch action {
            case .send(let message):
                toServer[device].append(message)
                drained[device] += 1
            case .computed(let work): deviceWork.append(work)
            }
        }
    }
}
