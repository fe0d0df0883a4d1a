/// The routing id under which a ROUTER socket knows a peer.
public struct PeerIdentity: Hashable, Sendable, CustomStringConvertible {
    /// 1 to 255 bytes.
    public let bytes: [UInt8]

    /// A routing id as it was received.
    public init(bytes: [UInt8]) { self.bytes = bytes }

    /// The routing id of a device, worker or coordinator: its sender id as UTF-8.
    public init(_ senderID: String) { bytes = Array(senderID.utf8) }

    /// The text, or the bytes in hexadecimal when they are not printable text.
    public var description: String {
        if let text = String(validating: bytes, as: UTF8.self), text.unicodeScalars.allSatisfy({ $0.value >= 0x20 }) {
            return text
        }
        return "0x" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
