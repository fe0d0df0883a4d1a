import Methods

/// Bytes of a message on the wire: its payload, and an envelope that says what it is.
enum MessageSize {
    private static let headerBytes = 64
    /// An id and a length.
    private static let sampleBytes = 8
    /// A name's length, rows and columns.
    private static let tensorBytes = 12
    private static let scalarNameBytes = 4

    /// An estimate of what goes with the payload.
    static func envelope(_ message: MethodMessage) -> Int {
        let scalars = message.scalars.keys.reduce(0) { $0 + $1.utf8.count + scalarNameBytes }
        let tensors = message.tensors.reduce(0) { $0 + $1.name.utf8.count + tensorBytes }
        return headerBytes + sampleBytes * (message.samples?.ids.count ?? 0) + scalars + tensors
    }
}
