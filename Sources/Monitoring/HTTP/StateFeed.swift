import Foundation

/// Sends the newest state to everybody who listens: at most once a second, and only when it has changed.
///
/// Whoever reads too slowly misses states, and never gets an older one after a newer one.
public actor StateFeed {
    /// A state as JSON on one line, with a number that is another one when anything in it is.
    public struct State: Sendable, Equatable {
        /// Grows with every change.
        public let number: Int
        /// One line.
        public let json: String

        /// A state.
        public init(number: Int, json: String) {
            self.number = number
            self.json = json
        }
    }

    /// A listener's line.
    struct Subscription: Sendable {
        /// What is to be sent next, ready for the wire.
        let pieces: AsyncStream<String>
        /// Nothing more is to be sent.
        let end: @Sendable () -> Void
    }

    /// Listeners at the same time.
    static let most = 64
    private static let interval = Duration.seconds(1)
    /// Without anything new a listener gets a sign of life after so many intervals.
    private static let quietIntervals = 15
    /// How soon a browser tries again when the process is gone, in milliseconds.
    private static let greeting = "retry: 2000\n\n"
    private static let signOfLife = ": still here\n\n"

    private let source: @Sendable () async -> State?
    private(set) var listeners: [UUID: AsyncStream<String>.Continuation] = [:]
    private var told: Int?
    private var quiet = 0
    private var following: Task<Void, Never>?

    /// - Parameter source: the state now; nil when there is none. Asked about once a second, while anybody listens.
    public init(source: @escaping @Sendable () async -> State?) { self.source = source }

    /// The state now, and all that follow; nil when too many listen already.
    func subscribe() async -> Subscription? {
        guard listeners.count < Self.most else { return nil }
        let id = UUID()
        // A sign of life must not take the place of a state that was not read yet.
        let (pieces, line) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(3))
        line.onTermination = { [weak self] _ in Task { await self?.forget(id) } }
        listeners[id] = line
        line.yield(Self.greeting)
        if let state = await source() {
            if state.number == told { line.yield(Self.piece(state)) } else { tell(state) }
        }
        if following == nil { following = Task { await follow() } }
        return Subscription(pieces: pieces) { line.finish() }
    }

    private func forget(_ id: UUID) {
        listeners[id] = nil
        guard listeners.isEmpty else { return }
        following?.cancel()
        following = nil
    }

    private func follow() async {
        while !Task.isCancelled {
            guard (try? await Task.sleep(for: Self.interval)) != nil else { return }
            await look()
        }
    }

    /// Tells what is new, or now and then that nothing is.
    func look() async {
        let state = await source()
        if let state, state.number != told {
            tell(state)
        } else {
            quiet += 1
            guard quiet >= Self.quietIntervals else { return }
            quiet = 0
            tell(Self.signOfLife)
        }
    }

    private func tell(_ state: State) {
        told = state.number
        quiet = 0
        tell(Self.piece(state))
    }

    private func tell(_ piece: String) { for line in listeners.values { line.yield(piece) } }

    private static func piece(_ state: State) -> String { "event: state\ndata: \(state.json)\n\n" }
}
