import Wire

/// How large the parts of a message are.
enum PartSize {
    /// Payload bytes that a part has at least, if the message has them.
    static let least = 64 << 10

    /// Payload bytes of a part as long as nobody has measured the link: a second of two megabits.
    static let unmeasured = 256 << 10

    /// The most payload bytes of one part: what the link carries in about a second, so that acknowledgements keep
    /// coming and little is sent twice after a broken connection.
    ///
    /// - Parameters:
    ///   - limit: the most there may be.
    ///   - headerBytes: of each part's header, which repeats all lists: payloads are made so large that headers are at
    ///     most an eighth of them.
    static func bytes(limit: Int, uplinkBytesPerSecond: Double?, headerBytes: Int) -> Int {
        let second = uplinkBytesPerSecond.map { Int(min(max(0, $0), Double(limit))) } ?? unmeasured
        return min(limit, max(least, second, 8 * headerBytes))
    }

    /// How many parts a message has when each may have `limit` payload bytes. A part has at least one row.
    static func count(rows: Int, bytesPerRow: Int, limit: Int) -> UInt32 {
        let most = max(1, limit / max(1, bytesPerRow))
        return UInt32(clamping: max(1, (rows + most - 1) / most))
    }

    /// Payload bytes of one part.
    static func bytes(ofPart part: UInt32, of parts: UInt32, rows: Int, bytesPerRow: Int) -> Int {
        (Body.rows(ofPart: part, of: parts, rows: rows)?.count ?? 0) * bytesPerRow
    }
}
