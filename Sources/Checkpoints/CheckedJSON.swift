import Foundation

/// Decodes JSON that may be damaged or hostile.
enum CheckedJSON {
    /// Foundation's scanner traps when its own limit of 512 is passed on the last byte, so that it must never get there.
    static let maximumDepth = 64

    /// - Parameters:
    ///   - bytes: a whole document.
    ///   - maximumBytes: more are refused: decoded, they would take many times the memory.
    /// - Throws: `Fault`.
    static func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: UnsafeRawBufferPointer, maximumBytes: Int
    ) throws(Fault) -> Value {
        guard bytes.count <= maximumBytes else {
            throw Fault(reason: "it has \(bytes.count) bytes, more than the \(maximumBytes) that are read")
        }
        // Without zeros it is no UTF-16, in which brackets and quotes could not be told from halves of other characters.
        guard !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else {
            throw Fault(reason: "it is not UTF-8")
        }
        guard depth(of: bytes) <= maximumDepth else {
            throw Fault(reason: "it is nested deeper than \(maximumDepth) levels")
        }
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw Fault(error)
        }
    }

    /// How deep brackets are nested outside texts, whether or not they match.
    private static func depth(of bytes: UnsafeRawBufferPointer) -> Int {
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
    struct Fault: Error {
        let reason: String

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
