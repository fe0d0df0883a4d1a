import Diagnostics

/// How long a role that can do nothing else waits for a word of its coordinator.
///
/// Times are measured from any fixed moment; the caller holds the clock, and looks at least every few seconds. A machine
/// that slept, or a process that was stopped, has not waited meanwhile: the coordinator had no chance to be heard.
public struct Patience: Sendable {
    /// Longer than a loop that runs ever pauses between two looks.
    static let longestPause = Duration.seconds(10)

    private let limit: Duration?
    private var waited = Duration.zero
    private var lastLook = Duration.zero

    /// - Parameter limit: nil is for ever.
    public init(limit: Duration?) { self.limit = limit }

    /// The coordinator said something.
    public mutating func heard(now: Duration) {
        waited = .zero
        lastLook = now
    }

    /// Looks at the time.
    ///
    /// - Parameter isBusy: whether the role gets on without the coordinator. Only what comes after that is waiting.
    /// - Returns: how long nothing was heard, once that is too long.
    public mutating func end(isBusy: Bool, now: Duration) -> Duration? {
        waited = isBusy ? .zero : waited + min(now - lastLook, Self.longestPause)
        lastLook = now
        guard let limit, !isBusy, waited >= limit else { return nil }
        return limit
    }
}

/// Why a role has stopped waiting for its coordinator.
public enum PatienceError: NumberedError, Equatable {
    /// Nothing was heard of the coordinator for too long.
    case coordinatorSilent(endpoint: String, seconds: Double)

    /// The number with which the process exits.
    public var exitCode: ExitCode { .coordinatorLost }

    /// Who was not heard, and for how long.
    public var problem: String {
        switch self {
        case .coordinatorSilent(let endpoint, let seconds):
            "No coordinator was heard of at \(endpoint) for \(Int(seconds.rounded(.up))) s"
        }
    }

    /// What to do next.
    public var remedy: String {
        "Start the coordinator with its state folder, and then this role again: it goes on where it was. --patience says "
            + "how long it waits, 0 for ever"
    }
}
