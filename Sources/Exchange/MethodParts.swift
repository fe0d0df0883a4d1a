import Methods
import Queueing
import Tensors
import Wire

/// A message of a method on its way out: its header, and memory with its tensors that is not copied any more.
public struct OutgoingMethodMessage: Sendable {
    private let content: Body.MethodContent
    private let payload: Storage
    private let words: Int

    /// Copies the message's tensors, once.
    public init(_ message: MethodMessage) {
        content = message.content
        payload = message.payload
        words = payload.count
    }

    /// Parts of at most so many payload bytes.
    func parts(partBytes: Int) -> UInt32 { Body.MethodPart.count(words: words, partBytes: partBytes) }

    /// A part with its frame, a new one for every sending.
    func part(at place: Body.MethodPlace, partBytes: Int) -> (Body.MethodPart, Frame?) {
        let parts = parts(partBytes: partBytes)
        let range = Body.rows(ofPart: place.part, of: parts, rows: words) ?? 0..<0
        let bytes = UnsafeRawBufferPointer(start: payload.base + range.lowerBound, count: 4 * range.count)
        let part = Body.MethodPart(
            place: place, parts: parts, checksum: bytes.isEmpty ? 0 : payloadChecksum(bytes),
            content: place.part == 0 ? content : nil)
        return (part, bytes.isEmpty ? nil : Frame(owner: payload, bytes: bytes))
    }
}

/// A message of a method that has arrived as a whole. Its header was checked, and its payload is as long as that says.
public struct ReceivedMethodMessage: Sendable {
    let content: Body.MethodContent
    var payloads: [Frame]

    var payloadBytes: Int { payloads.reduce(0) { $0 + $1.count } }

    /// What it says, in memory of its own.
    ///
    /// - Throws: `WireError` for anything that does not fit.
    public func message(limits: WireLimits = WireLimits()) throws(WireError) -> MethodMessage {
        try payloads.withBytes { payloads throws(WireError) in
            try MethodMessage(content, payloads: payloads, limits: limits)
        }
    }
}
