import Exchange
import Foundation
import Methods
import Models
import Queueing
import Support
import Synchronization
import Tensors

/// A server and devices whose programs add up numbers, which are wrong as soon as a message is lost, doubled or overtaken.
struct LoopScene {
    let context: ZeroMQContext
    let ids: [String]
    let stop: ProgramStop
    let server: ProgramServer
    private let program: AddingServer
    private let programs: [AddingDevice]
    private let pool = ComputePool(threads: 2)
    private let rounds: Int
    private let settings: MethodExchange.Settings

    init(
        devices: Int, rounds: Int, endpoint: String = "inproc://server", silenceLimit: Duration = .seconds(60),
        failingRound: Int? = nil, settings: MethodExchange.Settings = Self.impatient
    ) throws {
        self.settings = settings
        context = try ZeroMQContext()
        stop = try ProgramStop()
        ids = (1...devices).map { "device-\($0)" }
        self.rounds = rounds
        programs = (1...devices).map { AddingDevice(failingRound: $0 == 2 ? failingRound : nil) }
        var configuration = ProgramServerConfiguration(run: "run", id: "server", devices: ids, endpoint: endpoint)
        configuration.exchange = settings
        configuration.silenceLimit = silenceLimit
        configuration.linger = .milliseconds(500)
        if !endpoint.hasPrefix("inproc") { configuration.security = .insecure }
        program = try AddingServer(devices: devices, rounds: rounds)
        server = try ProgramServer(configuration, context: context, pool: pool, stop: stop)
    }

    /// What devices have added up.
    var sums: [Float] { programs.map(\.sum) }
    /// In round r the server sends r, and a device answers with r times the sum so far, of which nothing comes back.
    var expected: [Float] { programs.map { _ in Float(rounds * (rounds + 1) / 2) } }

    /// - Parameters:
    ///   - endpoints: of each device; nil for the server's.
    ///   - only: the devices that take part; nil for all.
    func run(
        endpoints: [String]? = nil, only: [Int]? = nil, observer: @escaping (Int) -> Void = { _ in }
    ) throws -> ProgramServerOutcome {
        let group = DispatchGroup()
        defer { group.wait() }
        for number in only ?? Array(ids.indices) {
            let endpoint = endpoints?[number] ?? server.endpoint
            let configuration = configuration(ids[number], endpoint), program = programs[number]
            group.enter()
            Thread { [context, pool] in
                _ = try? ProgramDevice(configuration, context: context, program: program, pool: pool).run()
                group.leave()
            }.start()
        }
        return try server.run(program) { if case .completed(let progress, _) = $0 { observer(progress.step) } }
    }

    private func configuration(_ id: String, _ endpoint: String) -> ProgramDeviceConfiguration {
        var configuration = ProgramDeviceConfiguration(run: "run", id: id, endpoint: endpoint)
        configuration.exchange = settings
        configuration.heartbeatInterval = .milliseconds(50)
        configuration.timing.firstReconnect = .milliseconds(10)
        if endpoint.hasPrefix("tcp") { configuration.security = .insecure }
        configuration.patience = .seconds(5)
        return configuration
    }

    /// Small parts, sent again soon.
    static var impatient: MethodExchange.Settings {
        var settings = MethodExchange.Settings()
        settings.partBytes = 1024
        settings.acknowledgementTimeout = .milliseconds(100)
        return settings
    }
}

private let size = 2000

private func tensor(_ value: Float) -> MessageTensor {
    let matrix = Storage(count: size).matrix(rows: 1, columns: size)
    matrix.fill(value)
    return MessageTensor("values", matrix)
}

/// Adds what it gets to what it has, and answers each with a message of several parts.
private final class AddingDevice: DeviceProgram {
    private let state = Mutex((sum: Float(0), drained: 0))
    private let failingRound: Int?

    init(failingRound: Int?) { self.failingRound = failingRound }

    var sum: Float { state.withLock(\.sum) }

    func handle(_ event: DeviceProgramEvent) throws -> [DeviceProgramAction] {
        guard case .received(let message) = event else { return [] }
        if message.step == failingRound { throw MethodError.notFinite(name: "loss") }
        let value = message.tensors[0].values[size - 1]
        let sum = state.withLock { state in
            state.sum += value
            return state.sum
        }
        return [.send(MethodMessage(.update, step: message.step, tensors: [tensor(sum)]))]
    }
}

/// Sends every device the round's number, and waits for all sums.
private final class AddingServer: ServerProgram {
    let parameters: TrainableParameters
    private let devices: Int
    private let rounds: Int
    private let state = Mutex((round: 0, answers: 0))

    init(devices: Int, rounds: Int) throws {
        parameters = TrainableParameters(layout: .adapters(try RandomModelSource().hyperparameters, blocks: 0..<1))
        self.devices = devices
        self.rounds = rounds
    }

    func handle(_ event: ServerProgramEvent) throws -> [ServerProgramAction] {
        guard case .received(let message, let device) = event else { return nextRound() }
        let (round, isLast) = state.withLock { state in
            state.answers += 1
            return (state.round, state.answers == devices)
        }
        let expected = Float(round * (round + 1) / 2)
        guard message.step == round, message.tensors[0].values.allSatisfy({ $0 == expected }) else {
            throw MethodError.unexpected(message.kind, step: message.step, sender: device)
        }
        return isLast ? [.completed(MethodProgress(step: round, loss: 0))] + nextRound() : []
    }

    private func nextRound() -> [ServerProgramAction] {
        let round = state.withLock { state in
            state.answers = 0
            state.round += 1
            return state.round
        }
        guard round <= rounds else { return [.finished] }
        return (0..<devices).map {
            .send(MethodMessage(.adapters, step: round, tensors: [tensor(Float(round))]), to: $0)
        }
    }
}
