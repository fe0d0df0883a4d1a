import Wire

/// The worker's side of credit: how many payload bytes each device may still send, and how many are here unstored.
///
/// Their sum over all devices never exceeds the limit, so neither does the memory for activations on their way.
public struct CreditLedger: Sendable {
    /// What to do with a message.
    public enum Action: Sendable, Equatable {
        case accept
        case reject(WireError)
    }

    private struct Account {
        var granted = 0
        var held = 0
    }

    /// Payload bytes that may be granted or held at any time.
    public let limitBytes: Int

    /// Payload bytes that are granted or held now.
    public private(set) var committedBytes = 0

    private var accounts: [String: Account] = [:]

    /// A ledger without devices.
    public init(limitBytes: Int) { self.limitBytes = limitBytes }

    /// Payload bytes that a device may still send.
    public func grantedBytes(to device: String) -> Int { accounts[device]?.granted ?? 0 }

    /// Payload bytes of a device that were received and are not stored yet.
    public func heldBytes(of device: String) -> Int { accounts[device]?.held ?? 0 }

    /// Grants a device credit, or what is left of the limit.
    ///
    /// - Returns: the bytes to send in a `Credit` message, possibly none.
    public mutating func grant(_ bytes: Int, to device: String) -> Int {
        let grant = max(0, min(bytes, limitBytes - committedBytes))
        accounts[device, default: Account()].granted += grant
        committedBytes += grant
        return grant
    }

    /// Charges a message that passed its checks and will be stored. It is held until `released` or `refunded`.
    public mutating func received(_ bytes: Int, from device: String) -> Action {
        let available = grantedBytes(to: device)
        guard bytes <= available else { return .reject(.creditExceeded(bytes: bytes, available: available)) }
        accounts[device]?.granted -= bytes
        accounts[device]?.held += bytes
        return .accept
    }

    /// A held message is stored: the device may send as much again.
    ///
    /// - Returns: the bytes to send back with the `Ack`.
    public mutating func released(_ bytes: Int, from device: String) -> Int {
        refunded(bytes, from: device)
        return bytes
    }

    /// A held message could not be stored and is rejected: the device may send it again, for which it keeps its
    /// charge. Nothing is to be sent.
    public mutating func refunded(_ bytes: Int, from device: String) {
        precondition(bytes <= heldBytes(of: device), "\(device) holds less than \(bytes) bytes")
        accounts[device]?.held -= bytes
        accounts[device]?.granted += bytes
    }

    /// Forgets a device that left: its credit is free for others. What it holds stays committed until it is dropped,
    /// so call this after that.
    public mutating func remove(_ device: String) {
        guard let account = accounts.removeValue(forKey: device) else { return }
        committedBytes -= account.granted + account.held
    }
}
