import Wire

/// The worker's side of credit: how many payload bytes each device may still send, and how many are here unstored.
///
/// Their sum over all devices never exceeds the limit, so neither does the memory for activations on their way. Every
/// introduction of a device begins a new account. Bytes that came under an older one stay committed until they are
/// stored.
public struct CreditLedger: Sendable {
    /// Bytes of one message, or a part of one, that are here and not stored yet.
    public struct Charge: Sendable, Hashable {
        /// Whose they are: the number of a device, or `handover`.
        public let device: UInt32
        /// Bytes of the payload frame.
        public let bytes: Int
        fileprivate let account: UInt64
    }

    private struct Account {
        let number: UInt64
        var share: Int
        var granted: Int
        var held = 0
        /// Parts that were acknowledged without giving their bytes back.
        var withheld: Set<MessagePart> = []
    }

    /// The account of a worker that hands over, which is nobody's number.
    public static let handover = UInt32.max

    /// The account of a worker that sends devices' messages on, by its place among them.
    public static func replica(_ place: Int) -> UInt32 { handover - 1 - UInt32(clamping: place) }

    /// Payload bytes that may be granted or held at any time.
    public let limitBytes: Int

    /// Payload bytes that are granted or held now.
    public private(set) var committedBytes = 0

    /// Bytes that the store has left: no more is granted.
    public var roomBytes = Int.max

    /// Payload bytes that one device may have granted or held, when nobody's bytes are in the way.
    public let shareBytes: Int

    private let deviceBytes: Int
    private let leastBytes: Int
    private var plannedShares: [UInt32: Int] = [:]
    private var accounts: [UInt32: Account] = [:]
    private var heldByDevice: [UInt32: Int] = [:]
    private var lastAccount: UInt64 = 0
    private var introduced: Set<UInt32> = []

    /// Whoever comes back begins with this part of its share.
    private static let returningPart = 4

    /// A ledger without accounts.
    ///
    /// - Parameters:
    ///   - limitBytes: for all devices together. It is raised to what lets each send its least.
    ///   - deviceBytes: the most for one device.
    ///   - leastBytes: without so much a device could not send anything: one row of activations.
    ///   - devices: how many there are in the plan.
    public init(limitBytes: Int, deviceBytes: Int, leastBytes: Int, devices: Int) {
        let devices = max(1, devices)
        let (least, overflow) = leastBytes.multipliedReportingOverflow(by: devices)
        self.limitBytes = max(limitBytes, overflow ? .max : least)
        self.deviceBytes = deviceBytes
        self.leastBytes = leastBytes
        shareBytes = max(leastBytes, min(deviceBytes, self.limitBytes / devices))
    }

    /// Payload bytes that a device may still send.
    public func grantedBytes(to device: UInt32) -> Int { accounts[device]?.granted ?? 0 }

    /// Payload bytes of a device that were received and are not stored yet, in whatever session.
    public func heldBytes(of device: UInt32) -> Int { heldByDevice[device] ?? 0 }

    /// Plans what a device may have granted or held; 0 leaves it the same share as others. It counts from the device's next
    /// introduction on, and at once when it is more: parts were cut to fit what was promised.
    public mutating func plan(_ bytes: Int, for device: UInt32) {
        let share = bytes > 0 ? max(leastBytes, min(bytes, deviceBytes, limitBytes)) : nil
        plannedShares[device] = share
        if let share, let account = accounts[device] { accounts[device]?.share = max(account.share, share) }
    }

    /// A device introduces itself: its account is void, and another begins. Whoever comes back gets a part of its share at
    /// first and the rest with `replenish`: what it sent in its last session may still lie in the network's buffers.
    ///
    /// - Returns: the bytes to send in the `Welcome`, possibly none.
    public mutating func open(_ device: UInt32) -> Int {
        close(device)
        lastAccount += 1
        let share = device == Self.handover ? limitBytes : plannedShares[device] ?? shareBytes
        let isBack = !introduced.insert(device).inserted
        let grant = min(isBack ? max(leastBytes, share / Self.returningPart) : share, freeBytes)
        accounts[device] = Account(number: lastAccount, share: share, granted: grant)
        committedBytes += grant
        return grant
    }

    /// A device left, or needs no more credit.
    public mutating func close(_ device: UInt32) {
        committedBytes -= accounts.removeValue(forKey: device)?.granted ?? 0
    }

    /// Charges a message that passed its checks and will be stored. It is held until `stored` or `refused`.
    ///
    /// - Throws: `WireError.creditExceeded`.
    public mutating func received(_ bytes: Int, from device: UInt32) throws(WireError) -> Charge {
        let available = grantedBytes(to: device)
        guard bytes <= available, let account = accounts[device]?.number else {
            throw .creditExceeded(bytes: bytes, available: available)
        }
        accounts[device]?.granted -= bytes
        accounts[device]?.held += bytes
        heldByDevice[device, default: 0] += bytes
        return Charge(device: device, bytes: bytes, account: account)
    }

    /// Whether the account that a charge was made to is still its device's.
    public func isCurrent(_ charge: Charge) -> Bool { accounts[charge.device]?.number == charge.account }

    /// What was held is stored.
    ///
    /// - Returns: the bytes that come back with the `Ack`: none when the account is void or the store has no room.
    public mutating func stored(_ charge: Charge, _ part: MessagePart) -> Int {
        release(charge)
        guard accounts[charge.device]?.number == charge.account else { return 0 }
        guard charge.bytes <= freeBytes else {
            accounts[charge.device]?.withheld.insert(part)
            return 0
        }
        grant(charge.bytes, to: charge.device)
        return charge.bytes
    }

    /// What was held could not be stored and is refused: the device may send it again, for which it keeps its charge.
    /// Nothing is to be sent.
    public mutating func refused(_ charge: Charge) {
        release(charge)
        if accounts[charge.device]?.number == charge.account { grant(charge.bytes, to: charge.device) }
    }

    /// The bytes for a repeated `Ack`, which count when the first one of the session did not arrive: as many as that
    /// one gave, or was to give.
    public func creditAgain(_ bytes: Int, for part: MessagePart, of device: UInt32) -> Int {
        accounts[device]?.withheld.contains(part) == true ? 0 : bytes
    }

    /// What devices may have more than they have, as there is room again: at least `leastBytes` each.
    ///
    /// - Returns: the bytes to send in `Credit` messages.
    public mutating func replenish(leastBytes: Int) -> [(device: UInt32, bytes: Int)] {
        var grants: [(device: UInt32, bytes: Int)] = []
        for device in accounts.keys.sorted() {
            guard let account = accounts[device] else { continue }
            let missing = account.share - account.granted - account.held
            let bytes = min(missing, freeBytes)
            guard bytes >= max(1, min(leastBytes, missing)) else { continue }
            grant(bytes, to: device)
            grants.append((device, bytes))
        }
        return grants
    }

    private var freeBytes: Int { max(0, min(limitBytes, roomBytes) - committedBytes) }

    private mutating func grant(_ bytes: Int, to device: UInt32) {
        accounts[device]?.granted += bytes
        committedBytes += bytes
    }

    private mutating func release(_ charge: Charge) {
        committedBytes -= charge.bytes
        let left = heldBytes(of: charge.device) - charge.bytes
        heldByDevice[charge.device] = left > 0 ? left : nil
        if accounts[charge.device]?.number == charge.account { accounts[charge.device]?.held -= charge.bytes }
    }
}
