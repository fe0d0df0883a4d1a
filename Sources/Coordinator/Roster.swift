import Ledger
import Wire

/// Everybody who takes part in a run, as the coordinator knows them.
struct Roster {
    /// A device of the plan.
    struct Device {
        let id: String
        /// Its place in the plan.
        let number: Int
        var cut: Int
        /// Nil until it has said so; never changes then.
        var samples: Int?
        var state = DeviceRecord.State.absent
        /// The conversation it is in; nil while it has to register (again).
        var session: UInt64?
        /// Of its newest assignment, 0 before the first.
        var generation = 0
        /// The worker of its newest assignment.
        var worker: String?
        /// The worker that it is to publish to; nil for the one that trains.
        var home: String?
        /// Nil when it does not say.
        var memoryBytes: Int?
        /// Payload bytes that a plan lets it have on their way; 0 before the first.
        var creditBytes = 0
        /// What it can write.
        var codecs = CodecRule.common
        /// What it is to write from now on; nil before it has registered.
        var codec: PayloadCodec?
        /// The width of its rows; 0 when it does not say.
        var columns = 0
        /// What the newest plan was made of.
        var measures = DeviceMeasures()
        var progress: Body.DeviceProgress?
        var queue: Body.DeviceQueue?
        var lastHeard: Duration?
        /// Whether there is anything new of it for the ledger.
        var hasNews = false
        /// Its public key in Z85; empty without CURVE.
        var key = ""
        var isRevoked = false

        init(id: String, number: Int, cut: Int) {
            self.id = id
            self.number = number
            self.cut = cut
        }
    }

    /// A worker that has registered at least once.
    struct Worker {
        let id: String
        var endpoint = ""
        var key = ""
        var state = WorkerRecord.State.standby
        /// The conversation it is in; nil while it has to register (again).
        var session: UInt64?
        var step = 0
        /// Whether a drained worker was told to leave or has left: if it comes now, it is a new process.
        var hasLeft = false
        var isRevoked = false

        init(id: String) { self.id = id }
    }

    /// In the order of the plan.
    var devices: [Device]
    var workers: [String: Worker] = [:]
    /// The worker that trains; set once, and changed by a hand-over alone.
    var owner: String?
    /// Who takes part in its steps, and where.
    var pipelines: Pipelines
    /// Those who have come and have not left: the end is to be told to each.
    var expecting: Set<String> = []
    private let numbers: [String: Int]

    init(_ planned: [Coordinator.Configuration.PlannedDevice], _ pipelines: Pipelines) {
        self.pipelines = pipelines
        devices = planned.enumerated().map { Device(id: $1.id, number: $0, cut: $1.cut) }
        numbers = Dictionary(planned.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// A planned device's number.
    func number(of id: String) -> Int? { numbers[id] }

    /// Whether somebody is a device of the run, or a worker that has registered.
    func knows(_ id: String) -> Bool { numbers[id] != nil || workers[id] != nil }

    /// The worker that trains, when it has registered in this coordinator's life or an earlier one.
    var training: Worker? { owner.flatMap { workers[$0] } }

    /// The conversation that somebody is in.
    func session(of id: String) -> UInt64? {
        if let number = numbers[id] { return devices[number].session }
        return workers[id]?.session
    }

    /// Ends somebody's conversation: whatever it says next, it has to register first.
    mutating func endSession(of id: String) {
        if let number = numbers[id] {
            devices[number].session = nil
        } else {
            workers[id]?.session = nil
        }
    }

    /// Everybody in a conversation: devices by number, then workers by id.
    var present: [String] {
        devices.filter { $0.session != nil }.map(\.id) + workers.values.filter { $0.session != nil }.map(\.id).sorted()
    }

    /// Whether every device has said how many samples it holds.
    var isComplete: Bool { devices.allSatisfy { $0.samples != nil } }

    /// The samples of all devices, as far as they are known.
    var samples: Int { devices.reduce(0) { $0 + ($1.samples ?? 0) } }

    /// A worker that could take over now: one that stands by before one that helps with steps.
    var standby: String? {
        let there = workers.values.filter { $0.id != owner && $0.session != nil }
        return there.filter { $0.state == .standby }.map(\.id).min()
            ?? there.filter { $0.state == .replica }.map(\.id).min()
    }
}

extension Roster.Device {
    /// What the ledger keeps of it.
    func record(run: String) -> DeviceRecord {
        var record = DeviceRecord(run: run, id: id, number: number, samples: samples ?? 0, state: state, cut: cut)
        record.generation = generation
        record.worker = worker
        record.memoryBytes = memoryBytes
        record.blockSeconds = measures.blockSeconds
        record.uplinkBytesPerSecond = measures.uplinkBytesPerSecond
        return record
    }
}

extension Roster.Worker {
    /// What the ledger keeps of it.
    func record(run: String) -> WorkerRecord {
        WorkerRecord(
            run: run, id: id, endpoint: endpoint, publicKey: key, state: state, session: session ?? 0, step: step)
    }
}
