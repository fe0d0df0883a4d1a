import CWire

/// Turns the unpacked C structures of one header into values.
struct HeaderReader {
    let headerBytes: Int
    let limits: WireLimits

    /// An id, an endpoint or a key.
    func name(_ text: UnsafePointer<CChar>?) throws(WireError) -> String {
        try self.text(text, limit: limits.nameBytes)
    }

    /// A sentence or two.
    func text(_ text: UnsafePointer<CChar>?) throws(WireError) -> String {
        try self.text(text, limit: limits.textBytes)
    }

    func text(_ text: UnsafePointer<CChar>?, limit: Int) throws(WireError) -> String {
        guard let text else { return "" }
        let bytes = UnsafeBufferPointer(start: text, count: length(text))
        guard bytes.count <= limit else { throw .textTooLong(bytes: bytes.count, limit: limit) }
        let string = bytes.withMemoryRebound(to: UInt8.self) { String(validating: $0, as: UTF8.self) }
        guard let string else { throw .malformedHeader(bytes: headerBytes) }
        return string
    }

    func role(_ role: Permafrost__Role) throws(WireError) -> Body.Role {
        guard let role = Body.Role(rawValue: role.rawValue) else { throw .malformedHeader(bytes: headerBytes) }
        return role
    }

    func present<Message>(_ message: UnsafeMutablePointer<Message>?) throws(WireError) -> Message {
        guard let message else { throw .missingBody }
        return message.pointee
    }

    /// The messages of a list.
    func list<Message, Element>(
        _ start: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?, count: Int,
        _ element: (Message) throws(WireError) -> Element
    ) throws(WireError) -> [Element] {
        var elements: [Element] = []
        for message in UnsafeBufferPointer(start: start, count: count) {
            elements.append(try element(present(message)))
        }
        return elements
    }

    /// Bytes before the NUL that unpacking put behind every text.
    private func length(_ text: UnsafePointer<CChar>) -> Int {
        var count = 0
        while text[count] != 0 { count += 1 }
        return count
    }
}
