import Datasets
import Diagnostics
import Queueing
import Wire

/// What a device does next, as a pure function of what has happened: no socket, no thread, no arithmetic.
///
/// A device joins the run, computes its samples in the order in which they will be trained, publishes each once as far
/// as its credit allows, sends again what is not acknowledged, and leaves when everything is.
struct DeviceMachine {
    /// Something that happened.
    enum Event {
        /// The coordinator gave the device its part of the plan.
        case assigned(Body.Assignment)
        /// The worker granted, acknowledged or refused.
        case granted(Body.Credit)
        case acknowledged(Body.Ack)
        case rejected(Body.Reject)
        /// The activations of the group under way are there.
        case computed(bytes: Int)
        /// Somebody wants the device to leave.
        case stopped
        /// Time has passed.
        case tick
    }

    /// Something to do.
    enum Action: Equatable {
        /// Connect to the worker and say how many samples will come.
        case join(endpoint: String, samples: Int)
        /// Compute these samples' activations after the first `cut` blocks.
        case compute(samples: [Int], cut: Int)
        /// Send the message under this sequence; with attempt 1 it is the group that was computed last.
        case publish(PublishWindow.Sending)
        /// The message is stored at the worker: its payload is no longer needed.
        case forget(sequence: UInt64)
        /// Tell worker and coordinator that everything is published and acknowledged.
        case finish(messages: UInt64, samples: Int)
        /// Leave without having finished.
        case leave
        /// Give up.
        case fail(DeviceFailure)
    }

    /// Why a device gives up.
    enum DeviceFailure: Equatable {
        case device(DeviceError)
        case publishing(PublishError)

        var error: any NumberedError {
            switch self {
            case .device(let error): error
            case .publishing(let error): error
            }
        }
    }

    private enum Phase {
        case joining, publishing, done
    }

    private let samples: Int
    private let publishBatch: Int
    private var phase = Phase.joining
    private var cut = 0
    private var groups: ArraySlice<[Int]> = []
    private var isComputing = false
    /// Bytes of the group that is computed but not sent yet.
    private var readyBytes: Int?
    /// Samples of the group that is being computed or ready.
    private var readySamples = 0
    private var window: PublishWindow

    /// - Parameters:
    ///   - samples: the size of the shard.
    ///   - publishBatch: samples of one message.
    init(samples: Int, publishBatch: Int, acknowledgementTimeout: Duration, maximumAttempts: UInt32) {
        self.samples = samples
        self.publishBatch = publishBatch
        window = PublishWindow(
            acknowledgementTimeout: acknowledgementTimeout, maximumAttempts: maximumAttempts)
    }

    /// Samples that the worker has acknowledged, or is about to: all that were sent.
    private(set) var sentSamples = 0

    /// When `tick` next has something to do.
    var nextDeadline: Duration? { window.nextDeadline }

    /// Takes in what has happened.
    ///
    /// - Parameter now: since any fixed moment.
    mutating func handle(_ event: Event, now: Duration) -> [Action] {
        guard phase != .done else { return [] }
        switch event {
        case .assigned(let assignment): return assigned(assignment)
        case .granted(let credit):
            window.granted(credit)
            return proceed(now: now)
        case .acknowledged(let ack):
            guard window.acknowledged(ack) else { return [] }
            return [.forget(sequence: ack.sequence)] + proceed(now: now)
        case .rejected(let reject): return [window.rejected(reject, now: now)].compactMap { action($0) }
        case .computed(let bytes):
            isComputing = false
            readyBytes = bytes
            return proceed(now: now)
        case .stopped:
            phase = .done
            return [.leave]
        case .tick: return window.retransmissions(now: now).compactMap { action($0) }
        }
    }

    private mutating func assigned(_ assignment: Body.Assignment) -> [Action] {
        // A repeated assignment changes nothing: the device goes on at its cursor.
        guard phase == .joining else { return [] }
        phase = .publishing
        cut = Int(assignment.cut)
        groups =
            SampleOrder.publication(
                seed: assignment.seed, device: Int(assignment.number), count: samples,
                epoch: Int(assignment.epoch), groupSize: publishBatch)[...]
        return [.join(endpoint: assignment.workerEndpoint, samples: samples)] + computeNext()
    }

    /// Sends what is ready if there is credit, computes one group ahead, and finishes when nothing is left.
    private mutating func proceed(now: Duration) -> [Action] {
        var actions: [Action] = []
        if let bytes = readyBytes {
            if window.canSend(bytes: bytes) {
                readyBytes = nil
                actions.append(.publish(window.sent(bytes: bytes, now: now)))
                sentSamples += readySamples
                actions += computeNext()
            } else if window.unacknowledgedCount == 0, window.creditBytes > 0 {
                // Nothing is on its way, so no credit will ever come back.
                phase = .done
                return [.fail(.device(.messageBeyondCredit(bytes: bytes, creditBytes: window.creditBytes)))]
            }
        }
        if phase == .publishing, groups.isEmpty, !isComputing, readyBytes == nil, window.unacknowledgedCount == 0 {
            phase = .done
            actions.append(.finish(messages: window.messageCount, samples: samples))
        }
        return actions
    }

    private mutating func computeNext() -> [Action] {
        guard let group = groups.popFirst() else { return [] }
        isComputing = true
        readySamples = group.count
        return [.compute(samples: group, cut: cut)]
    }

    private mutating func action(_ action: PublishWindow.Action) -> Action? {
        switch action {
        case .send(let sending): return .publish(sending)
        case .fail(let error):
            phase = .done
            return .fail(.publishing(error))
        case .ignore: return nil
        }
    }
}
