import Datasets
import Testing
import Wire

@testable import Device
@testable import Queueing

/// A device machine with everything around it played by hand: no socket, no thread, no clock.
///
/// It holds what the machine asked for, and records an issue as soon as the machine asks for what it never may.
struct DeviceBench {
    static let bytesPerSample = 64

    var machine: DeviceMachine
    var now = Duration.zero
    /// Groups in the order in which they were asked for.
    private(set) var computed: [[Int]] = []
    /// The group under way in the compute pool.
    private(set) var computing: [Int]?
    /// Messages by sequence, with the last attempt.
    private(set) var unacknowledged: [UInt64: PublishWindow.Sending] = [:]
    private(set) var published: [[Int]] = []
    private(set) var sendings: [PublishWindow.Sending] = []
    private(set) var ending: DeviceMachine.Action?
    private var waiting: [Int]?
    private var creditBytes = 0

    init(
        samples: Int = 10, publishBatch: Int = 3, acknowledgementTimeout: Duration = .seconds(30),
        maximumAttempts: UInt32 = 5
    ) {
        machine = DeviceMachine(
            samples: samples, publishBatch: publishBatch, acknowledgementTimeout: acknowledgementTimeout,
            maximumAttempts: maximumAttempts)
    }

    static func assignment(cut: UInt32 = 2, epoch: UInt32 = 1) -> Body.Assignment {
        Body.Assignment(cut: cut, workerEndpoint: "inproc://worker", seed: 7, generation: 1, number: 1, epoch: epoch)
    }

    /// The groups that a device with this assignment owes, in training order.
    static func plannedGroups(samples: Int, publishBatch: Int) -> [[Int]] {
        Batches.cut(SampleOrder.deviceOrder(seed: 7, device: 1, count: samples, epoch: 1), size: publishBatch)
    }

    @discardableResult
    mutating func assign(epoch: UInt32 = 1) -> [DeviceMachine.Action] {
        handle(.assigned(Self.assignment(epoch: epoch)))
    }

    @discardableResult
    mutating func grant(_ bytes: Int) -> [DeviceMachine.Action] {
        creditBytes += bytes
        return handle(.granted(Body.Credit(bytes: UInt64(bytes))))
    }

    @discardableResult
    mutating func finishComputing() -> [DeviceMachine.Action] {
        guard let group = computing else { return [] }
        computing = nil
        waiting = group
        return handle(.computed(bytes: group.count * Self.bytesPerSample))
    }

    /// The worker stored a message and gives its credit back.
    @discardableResult
    mutating func acknowledge(_ sequence: UInt64) -> [DeviceMachine.Action] {
        let bytes = unacknowledged.removeValue(forKey: sequence)?.bytes ?? 0
        creditBytes += bytes
        return handle(.acknowledged(Body.Ack(sequence: sequence, creditBytes: UInt64(bytes))))
    }

    @discardableResult
    mutating func handle(_ event: DeviceMachine.Event) -> [DeviceMachine.Action] {
        let hadEnded = ending != nil
        let actions = machine.handle(event, now: now)
        #expect(!hadEnded || actions.isEmpty, "a device that is done acts no more")
        for action in actions { take(action) }
        return actions
    }

    private mutating func take(_ action: DeviceMachine.Action) {
        switch action {
        case .join, .forget: break
        case .compute(let samples, _):
            #expect(computing == nil && waiting == nil, "one group is computed ahead, not more")
            computing = samples
            computed.append(samples)
        case .publish(let sending):
            if sending.attempt == 1 {
                creditBytes -= sending.bytes
                #expect(creditBytes >= 0, "sent beyond credit")
                #expect(sending.sequence == UInt64(published.count + 1), "sequences count the messages")
                #expect(sending.bytes == (waiting?.count ?? 0) * Self.bytesPerSample)
                published.append(waiting ?? [])
                waiting = nil
            } else {
                #expect(unacknowledged[sending.sequence]?.attempt == sending.attempt - 1)
            }
            unacknowledged[sending.sequence] = sending
            sendings.append(sending)
        case .finish, .leave, .fail: ending = action
        }
    }
}
