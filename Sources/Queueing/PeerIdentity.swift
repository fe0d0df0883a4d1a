import Diagnostics

/// The routing id under which a ROUTER socket knows a peer.
public struct PeerIdentity: Hashable, Sendable, CustomStringConvertible {
    /// 1 to 255 bytes.
    public let bytes: [UInt8]

    /// A routing id as it was received.
    public init(bytes: [UInt8]) { self.bytes = bytes }

    /// A routing id that a socket chooses for itself. Roles leave the choice to the other side.
    public init(_ senderID: String) { bytes = Array(senderID.utf8) }

    /// The text, or the bytes in hexadecimal when they are not printable text.
    public var description: String {
        if let text = String(validating: bytes, as: UTF8.self), text.unicodeScalars.allSatisfy({ $0.value >= 0x20 }) {
            return text
        }
        return "0x\(bytes.hexadecimal)"
    }
}
