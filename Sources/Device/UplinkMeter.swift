import Foundation

/// Measures how fast a link carries payloads: bytes acknowledged per second of time in which something was on its way,
/// over about the last ten such seconds.
///
/// A device that sends little at a time sees the way there and back in it: it is what the link gives this device, not
/// what it could carry at most.
struct UplinkMeter {
    private static let memorySeconds = 10.0

    private var bytes = 0.0
    private var seconds = 0.0
    private var lastTime = Duration.zero
    private var isMoving = false

    /// Nil before the first acknowledgement.
    var bytesPerSecond: Double? { bytes > 0 && seconds > 0 ? bytes / seconds : nil }

    /// Payload bytes were acknowledged just now.
    mutating func acknowledged(_ count: Int) { bytes += Double(count) }

    /// Whether something is on its way from now on.
    mutating func advance(to now: Duration, isMoving: Bool) {
        if self.isMoving {
            let passed = max(0, (now - lastTime).seconds)
            let kept = exp(-passed / Self.memorySeconds)
            bytes *= kept
            seconds = seconds * kept + passed
        }
        lastTime = now
        self.isMoving = isMoving
    }
}
