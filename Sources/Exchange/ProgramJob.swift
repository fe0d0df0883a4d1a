import Methods
import Queueing
import Tensors
import Wire

/// Lets a program handle events on the pool, one at a time, and brings back what it has done.
final class ProgramJob<Event: Sendable, Action: Sendable> {
    /// What came of an event.
    struct Outcome: Sendable {
        let actions: [Action]
        let began: ContinuousClock.Instant
        let seconds: Double
    }

    /// Where outcomes arrive.
    let outcomes: Mailbox<Result<Outcome, any Error>>
    /// Whether an event is being handled.
    private(set) var isBusy = false
    private let pool: ComputePool
    private let handle: @Sendable (Event) throws -> [Action]

    /// - Parameter handle: called on the pool.
    /// - Throws: `TransportError` when the system has no file descriptor left.
    init(pool: ComputePool, handle: @escaping @Sendable (Event) throws -> [Action]) throws(TransportError) {
        outcomes = try Mailbox()
        self.pool = pool
        self.handle = handle
    }

    /// Handles an event while nothing else is handled.
    func start(_ event: Event) {
        precondition(!isBusy, "a program has one user at a time")
        isBusy = true
        pool.submit { [outcomes, handle] in
            let began = ContinuousClock.now
            outcomes.post(
                Result {
                    let actions = try handle(event)
                    return Outcome(actions: actions, began: began, seconds: (ContinuousClock.now - began).seconds)
                })
        }
    }

    /// What came of the event, once it is handled.
    ///
    /// - Throws: what the program threw.
    func outcome() throws -> Outcome? {
        guard let result = outcomes.drain().first else { return nil }
        isBusy = false
        return try result.get()
    }
}

/// What a program's side has done so far.
public struct ProgramTotals: Sendable, Equatable {
    /// Time in the program.
    public var computeSeconds = 0.0
    /// Bytes of frames that its socket sent, as `Socket` counts them.
    public var bytesSent = 0
    /// Bytes among them of the method's messages, also of those that were sent again.
    public var messageBytesSent = 0
    /// Bytes of frames that its socket received.
    public var bytesReceived = 0
    /// Tokens of sequences that went through blocks up to the head.
    public var headTokens = 0

    /// Nothing yet.
    public init() {}

    mutating func add(_ work: MethodWork) { headTokens += work.headTokens ?? 0 }
}

extension MethodWork {
    /// Tokens of sequences that went through blocks up to the head, if they did.
    public var headTokens: Int? { kind == .forward && targets > 0 ? lengths.reduce(0, +) : nil }
}
