/// Bytes on their way to a peer whose link may be slower than what is said to it: pure.
///
/// A link that moves, however slowly, never looks broken, and what waits for it would grow without end.
struct Backlog {
    /// Handed over, and not sent.
    private(set) var waitingBytes = 0
    /// Handed over in the step under way, and the most in any step so far.
    private var stepBytes = 0
    private var mostBytes = 0

    /// Steps whose messages may wait.
    private static let mostSteps = 2

    /// Whether more waits than the largest steps have.
    var isTooLong: Bool { waitingBytes > Self.mostSteps * mostBytes }

    /// Another step begins.
    mutating func beginStep() { stepBytes = 0 }

    mutating func handedOver(_ bytes: Int) {
        waitingBytes += bytes
        stepBytes += bytes
        mostBytes = max(mostBytes, stepBytes)
    }

    mutating func sent(_ bytes: Int) { waitingBytes -= bytes }
}
