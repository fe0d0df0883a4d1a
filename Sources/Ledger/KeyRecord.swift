/// A key that an operator let in, or shut out again.
public struct KeyRecord: Codable, Sendable, Equatable {
    /// What the key's holder may be.
    public enum Role: String, Codable, Sendable, CaseIterable {
        case device, worker
    }

    /// The only id under which the key's holder may speak.
    public var id: String
    /// What the key's holder may be.
    public var role: Role
    /// The public key as text.
    public var publicKey: String
    /// When it was enrolled, in seconds since 1970.
    public var enrolled: Double
    /// When it was revoked, in seconds since 1970; nil while it is valid.
    public var revoked: Double?
}

extension KeyRecord: LedgerRow {
    static let table = "keys"
    static let key = ["role", "id"]
}
