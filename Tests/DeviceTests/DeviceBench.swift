import Datasets
import Queueing
import Testing
import Wire

@testable import Device

/// A device machine with everything around it played by hand: no socket, no thread, no clock.
///
/// It holds what the machine asked for, and records an issue as soon as the machine asks for what it never may.
struct DeviceBench {
    static let rowBytes = 32
    /// Each sample has two tokens.
    static let sampleBytes = 64

    var machine: DeviceMachine
    var now = Duration.zero
    /// Groups in the order in which they were asked for, and their cuts.
    private(set) var computed: [PublicationGroup] = []
    private(set) var cuts: [Int] = []
    private(set) var computing: PublicationGroup?
    private(set) var held: [UInt64: Publication.Shape] = [:]
    /// Parts on their way in this session.
    private(set) var unacknowledged: [PublishWindow.Part: Int] = [:]
    private(set) var sendings: [PublishWindow.Sending] = []
    private(set) var parts: [UInt64: UInt32] = [:]
    private(set) var hellos = 0
    private(set) var finishes = 0
    private(set) var connections: [String] = []
    private(set) var told: [DeviceEvent] = []
    private(set) var ending: DeviceMachine.Action?
    private var isWelcome = false
    private var creditBytes = 0
    private var largestAccount = 0

    init(
        samples: Int = 10, publishBatch: Int = 3, partBytes: Int = 4 << 20, maximumAttempts: UInt32 = 5,
        stays: Bool = false, seed: UInt64 = 1
    ) {
        machine = DeviceMachine(
            DeviceMachine.Settings(
                publishBatch: publishBatch, partBytes: partBytes, acknowledgementTimeout: .seconds(30),
                maximumAttempts: maximumAttempts, staysUntilStopped: stays, maximumCut: 4),
            lengths: Array(repeating: 2, count: samples), seed: seed)
    }

    static func assignment(
        cut: UInt32 = 2, epoch: UInt32 = 1, generation: UInt64 = 1, worker: String = "worker"
    ) -> Body.Assignment {
        Body.Assignment(
            cut: cut, workerEndpoint: "inproc://\(worker)", seed: 7, generation: generation, number: 1, epoch: epoch,
            worker: worker)
    }

    /// The groups that a device with this assignment owes, in sending order.
    static func planned(samples: Int = 10, publishBatch: Int = 3, epoch: Int = 1) -> [PublicationGroup] {
        SampleOrder.publication(
            seed: 7, device: 1, lengths: Array(repeating: 2, count: samples), epoch: epoch, groupSize: publishBatch,
            maximumTokens: 65536)
    }

    /// Assigned, connected and welcome.
    mutating func start(credit: Int = 10_000, settled: [ClosedRange<UInt64>] = []) {
        handle(.assigned(Self.assignment()))
        handle(.workerConnected)
        welcome(credit: credit, settled: settled)
    }

    @discardableResult
    mutating func welcome(credit: Int = 10_000, settled: [ClosedRange<UInt64>] = []) -> [DeviceMachine.Action] {
        if !isWelcome {
            creditBytes = credit
            largestAccount = max(largestAccount, credit)
            isWelcome = true
        }
        return handle(.welcomed(Body.Welcome(creditBytes: UInt64(credit), settled: settled)))
    }

    @discardableResult
    mutating func grant(_ bytes: Int) -> [DeviceMachine.Action] {
        creditBytes += bytes
        largestAccount = max(largestAccount, creditBytes + unacknowledged.values.reduce(0, +))
        return handle(.granted(Body.Credit(bytes: UInt64(bytes))))
    }

    @discardableResult
    mutating func finishComputing() -> [DeviceMachine.Action] {
        guard let group = computing else { return [] }
        computing = nil
        let shape = Publication.Shape(
            rows: group.samples.count * 2, bytesPerRow: Self.rowBytes, headerBytes: 100)
        held[group.sequence] = shape
        return handle(.computed(sequence: group.sequence, shape))
    }

    /// The worker stored a part and gives its credit back.
    @discardableResult
    mutating func acknowledge(_ sequence: UInt64, part: UInt32 = 0) -> [DeviceMachine.Action] {
        let bytes = unacknowledged.removeValue(forKey: .init(sequence: sequence, index: part)) ?? 0
        creditBytes += bytes
        return handle(.acknowledged(Body.Ack(sequence: sequence, creditBytes: UInt64(bytes), part: part)))
    }

    /// Computes and acknowledges until nothing moves any more.
    mutating func runToEnd() {
        while ending == nil {
            let before = (computed.count, sendings.count)
            finishComputing()
            for part in unacknowledged.keys { acknowledge(part.sequence, part: part.index) }
            if before == (computed.count, sendings.count), computing == nil { return }
        }
    }

    @discardableResult
    mutating func reject(_ sequence: UInt64, part: UInt32 = 0, _ error: WireError) -> [DeviceMachine.Action] {
        handle(.rejected(Body.Reject(sequence: sequence, error: error, part: part)))
    }

    @discardableResult
    mutating func handle(_ event: DeviceMachine.Event) -> [DeviceMachine.Action] {
        let hadEnded = ending != nil
        if case .workerDisconnected = event { endSession() }
        let actions = machine.handle(event, now: now)
        #expect(!hadEnded || actions.isEmpty, "a device that is done acts no more")
        for action in actions { take(action) }
        let bytes = held.values.reduce(0) { $0 + $1.bytes }
        #expect(bytes <= largestAccount + (held.values.map(\.bytes).max() ?? 0), "holds more than credit and a group")
        return actions
    }

    /// Plays an event of a simulated worker, whose grants and acknowledgements the bench keeps account of.
    mutating func tell(_ event: DeviceMachine.Event) -> [DeviceMachine.Action] {
        switch event {
        case .welcomed(let welcome):
            return self.welcome(credit: Int(clamping: welcome.creditBytes), settled: welcome.settled)
        case .acknowledged(let ack): return acknowledge(ack.sequence, part: ack.part)
        default: return handle(event)
        }
    }

    /// How many messages the device owes.
    var messageCount: Int { machine.publication.messageCount }

    private mutating func endSession() {
        isWelcome = false
        creditBytes = 0
        unacknowledged = [:]
    }

    private mutating func take(_ action: DeviceMachine.Action) {
        switch action {
        case .register: break
        case .connect(let assignment):
            connections.append(assignment.workerEndpoint)
            endSession()
        case .hello:
            hellos += 1
            endSession()
        case .tell(let event): told.append(event)
        case .compute(let group, let cut, _):
            #expect(computing == nil, "one group is computed ahead, not more")
            #expect(held[group.sequence] == nil, "nothing is computed that is there")
            computing = group
            computed.append(group)
            cuts.append(cut)
        case .publish(let sending, let parts): take(sending, of: parts)
        case .forget(let sequence):
            #expect(held[sequence] != nil)
            held[sequence] = nil
        case .finish: finishes += 1
        case .leave, .end, .fail: ending = action
        }
    }

    private mutating func take(_ sending: PublishWindow.Sending, of parts: UInt32) {
        #expect(isWelcome, "sent before the worker's welcome")
        guard let shape = held[sending.part.sequence],
            let rows = Body.rows(ofPart: sending.part.index, of: parts, rows: shape.rows)
        else {
            Issue.record("\(sending.part) of \(parts) is not there")
            return
        }
        #expect(sending.bytes == rows.count * Self.rowBytes && !rows.isEmpty)
        if unacknowledged.updateValue(sending.bytes, forKey: sending.part) == nil {
            creditBytes -= sending.bytes
            #expect(creditBytes >= 0, "sent beyond credit")
        }
        self.parts[sending.part.sequence] = parts
        sendings.append(sending)
    }
}
