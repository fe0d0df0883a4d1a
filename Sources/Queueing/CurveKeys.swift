import CZeroMQ
import Diagnostics
import Glibc

/// A CURVE public key: 32 bytes, written as 40 characters of Z85. Everybody may know it.
public struct CurvePublicKey: Hashable, Sendable, CustomStringConvertible {
    static let byteCount = 32
    static let textCount = 40

    /// The key as 40 characters of Z85.
    public let z85: String

    /// A key from its text.
    ///
    /// - Throws: `KeyError.malformed` when it is not 40 characters of Z85.
    public init(z85 text: String) throws(KeyError) {
        guard decodedZ85(text) != nil else { throw .malformed(place: "the public key", reason: z85Reason) }
        z85 = text
    }

    /// A key as it crosses the wire in a handshake; nil for another number of bytes.
    init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        z85 = encodedZ85(bytes)
    }

    var bytes: [UInt8] { decodedZ85(z85) ?? [] }

    /// The first 8 bytes in hexadecimal: enough to tell keys apart in a log.
    public var fingerprint: String { bytes.prefix(8).hexadecimal }

    /// The text.
    public var description: String { z85 }
}

/// A CURVE key pair. The secret half is never printed: neither a description, a dump nor a mirror shows it.
public struct CurveKeyPair: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The half that others may know.
    public let publicKey: CurvePublicKey
    private let secret: Secret

    /// A new pair.
    ///
    /// - Throws: `KeyError.generationFailed` when the transport library was built without CURVE.
    public static func generate() throws(KeyError) -> CurveKeyPair {
        var publicText = [CChar](repeating: 0, count: CurvePublicKey.textCount + 1)
        var secretText = publicText
        defer { explicit_bzero(&secretText, secretText.count) }
        guard zmq_curve_keypair(&publicText, &secretText) == 0 else {
            throw .generationFailed(reason: lastZeroMQReason())
        }
        return try CurveKeyPair(secretZ85: text(secretText))
    }

    /// The pair of a secret key.
    ///
    /// - Throws: `KeyError.malformed` when it is not 40 characters of Z85.
    init(secretZ85: String) throws(KeyError) {
        guard let bytes = decodedZ85(secretZ85) else { throw .malformed(place: "the secret key", reason: z85Reason) }
        secret = Secret(bytes)
        var publicText = [CChar](repeating: 0, count: CurvePublicKey.textCount + 1)
        guard zmq_curve_public(&publicText, secretZ85) == 0 else {
            throw .generationFailed(reason: lastZeroMQReason())
        }
        publicKey = try CurvePublicKey(z85: text(publicText))
    }

    /// Lends the secret key's 32 bytes.
    func withSecret<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        secret.bytes.withUnsafeBytes(body)
    }

    /// The public key alone.
    public var description: String { "key pair of \(publicKey)" }
    /// The public key alone.
    public var debugDescription: String { description }
    /// The public key alone.
    public var customMirror: Mirror { Mirror(self, children: ["publicKey": publicKey]) }

    /// Whether both are the same pair.
    public static func == (a: Self, b: Self) -> Bool { a.publicKey == b.publicKey }
}

/// Bytes that are overwritten when nobody needs them any more.
///
/// Unchecked, because the bytes change only when the last reference goes.
private final class Secret: @unchecked Sendable, CustomReflectable {
    private(set) var bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    deinit { explicit_bzero(&bytes, bytes.count) }

    var customMirror: Mirror { Mirror(self, children: []) }
}

private let z85Reason = "a key is \(CurvePublicKey.textCount) characters of Z85"

/// The 32 bytes of a key, nil when the text is none.
private func decodedZ85(_ text: String) -> [UInt8]? {
    guard text.isZ85Key else { return nil }
    var bytes = [UInt8](repeating: 0, count: CurvePublicKey.byteCount)
    guard zmq_z85_decode(&bytes, text) != nil else { return nil }
    return bytes
}

private func encodedZ85(_ bytes: [UInt8]) -> String {
    var buffer = [CChar](repeating: 0, count: bytes.count / 4 * 5 + 1)
    zmq_z85_encode(&buffer, bytes, bytes.count)
    return text(buffer)
}

private func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}

/// A key of another length never reaches this, so the writer of key files may ask for the secret's text.
extension CurveKeyPair {
    var secretZ85: String { withSecret { encodedZ85(Array($0)) } }
}
