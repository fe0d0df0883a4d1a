import Foundation

/// Decodes JSON that may be damaged or hostile.
public enum CheckedJSON {
    /// Foundation's scanner traps when its own limit of 512 is passed on the last byte, so that it must never get there.
    private static let maximumDepth = 64

    /// Decodes a whole document.
    ///
    /// - Parameter maximumBytes: more are refused: decoded, they would take many times the memory.
    /// - Throws: `Fault`.
    public static func decode<Value: Decodable>(
        _ type: Value.Type, from data: Data, maximumBytes: Int
    ) throws(Fault) -> Value {
        try check(data, maximumBytes: maximumBytes)
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch {
            throw Fault(error)
        }
    }

    /// Checks that a decoder can be trusted with a document.
    ///
    /// - Throws: `Fault`.
    public static func check(_ data: Data, maximumBytes: Int) throws(Fault) {
        guard data.count <= maximumBytes else {
            throw Fault(reason: "it has \(data.count) bytes, more than the \(maximumBytes) that are read")
        }
        // Without zeros it is no UTF-16, in which brackets and quotes could not be told from halves of other characters.
        guard !data.contains(0), String(validating: data, as: UTF8.self) != nil else {
            throw Fault(reason: "it is not UTF-8")
        }
        guard data.withUnsafeBytes(depth) <= maximumDepth else {
            throw Fault(reason: "it is nested deeper than \(maximumDepth) levels")
        }
    }

    /// How deep brackets are nested outside texts, whether or not they match.
    private static func depth(_ bytes: UnsafeRawBufferPointer) -> Int {
        var depth = 0
        var deepest = 0
        var isText = false
        var isEscaped = false
        for byte in bytes {
            if isEscaped {
                isEscaped = false
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isText.toggle()
            case UInt8(ascii: "\\"): isEscaped = isText
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += isText ? 0 : 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= isText ? 0 : 1
            default: break
            }
        }
        return deepest
    }

    /// Why a document was refused, in words.
    public struct Fault: Error {
        /// Half a sentence that begins with "it" or names a key.
        public let reason: String

        init(reason: String) { self.reason = reason }

        /// What the decoder says, without the types of this program.
        init(_ error: any Error) {
            switch error as? DecodingError {
            case .keyNotFound(let key, let context): reason = "\(Self.place(context.codingPath + [key])) is missing"
            case .typeMismatch(_, let context), .valueNotFound(_, let context):
                reason = "\(Self.place(context.codingPath)) has a value of the wrong kind"
            default: reason = "it is not JSON, or has a number that does not fit"
            }
        }

        private static func place(_ path: [any CodingKey]) -> String {
            path.isEmpty ? "the document" : "the key \(path.map(\.stringValue).joined(separator: "."))"
        }
    }
}
