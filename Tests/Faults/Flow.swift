import Glibc
import Queueing

/// One way through a proxied connection: what was read and not written yet, and when it may be.
struct Flow {
    private static let mostWaiting = 4 << 20
    /// Few bytes wait in a slow network: what a real one has no room for stays with the sender.
    private static let mostWaitingWhenSlow = 64 << 10
    private static let chunk = 64 << 10
    /// What a slow network takes at once, as a share of a second: as little as a loop that wakes by milliseconds can do with.
    private static let burst = 0.02

    private let direction: TCPFaults.Direction
    private var waiting: [(due: Duration, bytes: ArraySlice<UInt8>)] = []
    private var waitingBytes = 0
    private var hasEnded = false
    private var isShut = false
    private var allowance = 0.0
    private var lastFilled = Duration.zero

    /// Bytes that were passed on.
    private(set) var passedBytes = 0

    init(_ direction: TCPFaults.Direction) { self.direction = direction }

    /// Whether the source may be read.
    func takesMore(_ faults: TCPFaults) -> Bool {
        let isSlow = faults.bytesPerSecond(direction) != nil
        return !hasEnded && waitingBytes < (isSlow ? Self.mostWaitingWhenSlow : Self.mostWaiting)
    }

    /// Whether everything was passed on, the end too.
    var isDone: Bool { isShut }

    /// When something may be written; nil when there is nothing.
    func due(_ faults: TCPFaults) -> Duration? {
        guard let first = waiting.first else { return hasEnded && !isShut ? .zero : nil }
        guard let rate = faults.bytesPerSecond(direction), allowance < 1 else { return first.due }
        return max(first.due, lastFilled + .seconds((1 - allowance) / Double(max(rate, 1))))
    }

    /// Nothing more comes from the source.
    mutating func end() { hasEnded = true }

    /// Nothing reaches the sink any more.
    mutating func abandon() {
        waiting = []
        waitingBytes = 0
        (hasEnded, isShut) = (true, true)
    }

    mutating func fill(_ faults: TCPFaults, now: Duration) {
        if let rate = faults.bytesPerSecond(direction) {
            allowance = min(max(1, Double(rate) * Self.burst), allowance + (now - lastFilled).seconds * Double(rate))
        }
        lastFilled = now
    }

    /// - Returns: whether the source is still sound.
    mutating func read(
        from source: Int32, _ faults: TCPFaults, now: Duration, _ recording: Recording? = nil
    ) -> Bool {
        var bytes = [UInt8](repeating: 0, count: Self.chunk)
        let count = recv(source, &bytes, bytes.count, 0)
        if count > 0 {
            recording?.add(bytes.prefix(count))
            waiting.append((now + faults.delay, bytes.prefix(count)))
            waitingBytes += count
        } else if count == 0 {
            hasEnded = true
        } else {
            return errno == EAGAIN || errno == EINTR
        }
        return true
    }

    /// - Returns: whether the sink is still sound.
    mutating func write(to sink: Int32, _ faults: TCPFaults, now: Duration) -> Bool {
        let isSlow = faults.bytesPerSecond(direction) != nil
        while let first = waiting.first, first.due <= now {
            let most = !isSlow ? first.bytes.count : min(first.bytes.count, Int(allowance))
            guard most > 0 else { return true }
            let count = first.bytes.withUnsafeBytes { send(sink, $0.baseAddress, most, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return errno == EAGAIN || errno == EINTR }
            allowance -= isSlow ? Double(count) : 0
            passedBytes += count
            waitingBytes -= count
            if count == first.bytes.count {
                waiting.removeFirst()
            } else {
                waiting[0].bytes = first.bytes.dropFirst(count)
            }
        }
        if waiting.isEmpty, hasEnded, !isShut {
            shutdown(sink, Int32(SHUT_WR))
            isShut = true
        }
        return true
    }
}
