import Wire

/// Which codec a device writes, so that its link does not hold it up and as little as possible is lost.
///
/// A device computes and sends at the same time: it publishes as fast as the slower of both. Of the codecs that it
/// knows, it writes the most exact one whose rows its link carries in the time in which it computes them: bytes of a row ÷
/// uplink ≤ seconds of a row. Where none is small enough, it writes the smallest of those that cost no accuracy.
enum CodecRule {
    /// What a device writes as long as computation or link is unmeasured: half the bytes, and eight bits of precision.
    static let unmeasured = PayloadCodec.bf16

    /// The smallest codec that is chosen if there is another: those below it cost points of accuracy
    /// (`docs/results.md`), and a link that is too slow costs time alone.
    static let smallest = PayloadCodec.int8

    /// The share of the computing time within which a more exact codec than the present one must stay: measures waver,
    /// and every change is a new plan.
    static let room = 0.8

    /// What a device that does not say knows, as every device does.
    static let common: [PayloadCodec] = [.f32, .bf16]

    /// What was measured of a device.
    struct Measures: Equatable {
        /// The width of the model.
        var columns: Int
        /// Of computing one row.
        var secondsPerRow: Double
        /// Payload bytes that its link carries.
        var uplinkBytesPerSecond: Double
    }

    /// - Parameters:
    ///   - known: what the device can write.
    ///   - present: what it writes now.
    static func codec(of known: [PayloadCodec], _ measures: Measures, present: PayloadCodec) -> PayloadCodec {
        let exact = known.filter { $0.rawValue <= smallest.rawValue }
        let fromExact = (exact.isEmpty ? known : exact).sorted { $0.rawValue < $1.rawValue }
        let found = fromExact.first { codec in
            let seconds = Double(codec.bytesPerRow(columns: measures.columns)) / measures.uplinkBytesPerSecond
            return seconds <= measures.secondsPerRow * (codec.rawValue < present.rawValue ? room : 1)
        }
        return found ?? fromExact.last ?? present
    }

    /// Of the codecs that a device knows, the one that is wanted, or the smallest of the more exact ones, or the most exact
    /// of all.
    static func nearest(_ wanted: PayloadCodec, of known: [PayloadCodec]) -> PayloadCodec {
        let fromExact = known.sorted { $0.rawValue < $1.rawValue }
        return fromExact.last { $0.rawValue <= wanted.rawValue } ?? fromExact.first ?? wanted
    }
}
