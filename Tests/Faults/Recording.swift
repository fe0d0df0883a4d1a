import Synchronization

/// What one side of a connection has said.
final class Recording: Sendable {
    private let heard = Mutex<[UInt8]>([])

    var bytes: [UInt8] { heard.withLock { $0 } }

    func add(_ bytes: ArraySlice<UInt8>) { heard.withLock { $0 += bytes } }
}
