import Datasets
import Diagnostics
import Dispatch
import Exchange
import Methods
import Queueing
import Recipes
import Synchronization
import Wire

/// The programs of a method in one process, over `inproc://`: the same frames as between machines. Every role has a thread
/// of its own for its socket, and all of them compute on one pool.
final class MethodRun: Sendable {
    private let setup: TrainingSetup
    private let programs: RecipePrograms
    private let run: String
    private let trace: Trace?
    private let stopping: ProgramStop
    private let failure = Mutex<(any Error)?>(nil)
    private let totals = Mutex<[String: ProgramTotals]>([:])
    private let headTokens = Atomic(0)

    /// - Parameters:
    ///   - shards: training examples by device.
    ///   - run: the run's id, which every message carries.
    ///   - trace: where devices are traced; the server is where the setup says.
    /// - Throws: `TransportError`, or what the model throws when weights cannot be read.
    init(_ setup: TrainingSetup, shards: [[EncodedExample]], run: String, trace: Trace? = nil) throws {
        self.setup = setup
        self.trace = trace
        self.run = run
        programs = try RecipePrograms(setup, shards: shards)
        stopping = try ProgramStop()
    }

    /// Ends the run after what is under way. Callable from any thread.
    func stop() { stopping.request() }

    /// Trains to the end, after which the setup's parameters are what was trained. Blocks the calling thread, which must
    /// not be one of the pool's.
    ///
    /// - Parameter observer: called on the calling thread after every step or round.
    /// - Returns: whether all steps were taken, and the totals of the server and, by id, of the devices.
    /// - Throws: `ExchangeError`, `TransportError`, `MethodError`, `TrainingError`, or what the observer throws.
    func train(
        observer: (Body.StepReport) throws -> Void
    ) throws -> (isCompleted: Bool, server: ProgramTotals, devices: [String: ProgramTotals]) {
        let context = try ZeroMQContext()
        let devices = setup.recipe.devices, ids = devices.cuts.indices.map(devices.id)
        var configuration = ProgramServerConfiguration(
            run: run, id: "worker-1", devices: ids, endpoint: "inproc://worker-1")
        configuration.silenceLimit = .seconds(devices.silenceSeconds)
        configuration.tracer = setup.tracer
        let server = try ProgramServer(configuration, context: context, pool: setup.pool, stop: stopping)
        let roles = DispatchGroup()
        for (id, program) in zip(ids, programs.devices) { start(id, program, server.endpoint, context, in: roles) }
        let outcome = Result { () throws -> ProgramServerOutcome in
            var meter = StepMeter(setup)
            return try server.run(programs.server) { event in
                guard case .completed(let progress, let totals) = event else { return }
                let tokens = totals.headTokens + headTokens.load(ordering: .relaxed)
                try observer(meter.report(progress, totals, headTokens: tokens))
            }
        }
        // They were told to leave; until they do, they use the model.
        roles.wait()
        // A device's own words say more than what the server heard of them.
        if case .failure(is ExchangeError) = outcome, let error = failure.withLock({ $0 }) { throw error }
        let ended = try outcome.get()
        programs.finish()
        return (ended.isCompleted, ended.totals, totals.withLock { $0 })
    }

    private func start(
        _ id: String, _ program: any DeviceProgram, _ endpoint: String, _ context: ZeroMQContext,
        in roles: DispatchGroup
    ) {
        RoleThread.start(id, in: roles) { [self] error in
            failure.withLock { $0 = $0 ?? error }
        } _: { [self] in
            var configuration = ProgramDeviceConfiguration(run: run, id: id, endpoint: endpoint)
            configuration.heartbeatInterval = setup.recipe.devices.heartbeatInterval
            configuration.tracer = trace?.role(id)
            let device = try ProgramDevice(configuration, context: context, program: program, pool: setup.pool)
            let found = try device.run { [self] work in
                if let tokens = work.headTokens { headTokens.add(tokens, ordering: .relaxed) }
            }
            totals.withLock { $0[id] = found }
        }
    }
}
