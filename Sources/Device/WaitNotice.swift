/// Tells that a device waits once it has waited for some seconds, and for one thing only once.
struct WaitNotice {
    private let patience: Duration
    private var reason: DeviceEvent.Wait?
    private var since = Duration.zero
    private var isTold = false

    /// - Parameter patience: shorter waits are not worth a word.
    init(patience: Duration = .seconds(5)) { self.patience = patience }

    /// When `update` next has something to tell; nil when only a change would be news.
    var due: Duration? { reason == nil || isTold ? nil : since + patience }

    /// Takes in what the device waits for now.
    ///
    /// - Returns: what is to be told.
    mutating func update(_ reason: DeviceEvent.Wait?, now: Duration) -> DeviceEvent? {
        if reason != self.reason {
            self.reason = reason
            since = now
            isTold = false
        }
        guard let reason, !isTold, now - since >= patience else { return nil }
        isTold = true
        return .waiting(reason)
    }
}
