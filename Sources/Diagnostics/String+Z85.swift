extension String {
    private static let z85 = Set(
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#".utf8)

    /// Whether it can be a key of CURVE: 40 characters of Z85, for 32 bytes (ZeroMQ's RFC 32).
    public var isZ85Key: Bool { utf8.count == 40 && utf8.allSatisfy(Self.z85.contains) }
}
