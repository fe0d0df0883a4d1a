/// A cursor over a GGUF file's header that never reads past the end and never trusts a length.
struct GGUFReader {
    /// Bytes of memory that a header may take beyond the file's own size before it is taken for an attack: the largest
    /// vocabularies with types, scores and merges have about a million elements.
    private static let headerMemory = 32 << 20
    /// What a pair of metadata and a tensor take in tables while they are read and checked.
    private static let pairMemory = 160
    private static let tensorMemory = 640
    static let maximumNesting = 4

    let bytes: UnsafeRawBufferPointer
    let file: String
    private(set) var offset = 0
    private var memoryLeft: Int

    init(_ bytes: UnsafeRawBufferPointer, file: String) {
        self.bytes = bytes
        self.file = file
        memoryLeft = bytes.count + Self.headerMemory
    }

    /// Counts memory that a value is about to take.
    private mutating func reserve(_ bytes: Int, for place: @autoclosure () -> String) throws(GGUFError) {
        guard bytes <= memoryLeft else {
            throw .malformed(file: file, place: place(), reason: "the header takes too much memory for its file")
        }
        memoryLeft -= bytes
    }

    mutating func reservePair(_ key: String) throws(GGUFError) {
        try reserve(Self.pairMemory, for: "metadata \(key)")
    }

    mutating func reserveTensor(_ name: String) throws(GGUFError) {
        try reserve(Self.tensorMemory, for: "tensor \(name)")
    }

    /// Moves past some bytes and gives where they began.
    mutating func take(_ count: UInt64, for place: @autoclosure () -> String) throws(GGUFError) -> Int {
        let left = UInt64(bytes.count - offset)
        guard count <= left else {
            throw .truncated(file: file, place: place(), missingBytes: count - left)
        }
        defer { offset += Int(count) }
        return offset
    }

    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type, for place: @autoclosure () -> String
    ) throws(GGUFError) -> Value {
        let start = try take(UInt64(MemoryLayout<Value>.size), for: place())
        return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: Value.self))
    }

    /// A length in bytes, then that many bytes of UTF-8.
    mutating func string(for place: @autoclosure () -> String) throws(GGUFError) -> String {
        let length = try integer(UInt64.self, for: place())
        let start = try take(length, for: place())
        // Short texts live in their place, longer ones on the heap.
        if length > 15 { try reserve(Int(length) + 48, for: place()) }
        let slice = UnsafeRawBufferPointer(rebasing: bytes[start..<offset])
        guard let text = String(validating: slice.bindMemory(to: UInt8.self), as: UTF8.self) else {
            throw .malformed(file: file, place: place(), reason: "the text is not UTF-8")
        }
        return text
    }

    /// A value's type, then the value.
    mutating func value(for key: String) throws(GGUFError) -> GGUFValue {
        try value(of: try type(for: key), for: key, depth: 0)
    }

    private mutating func type(for key: String) throws(GGUFError) -> GGUFValueType {
        let number = try integer(UInt32.self, for: "metadata \(key)")
        guard let type = GGUFValueType(rawValue: number) else {
            throw .malformed(file: file, place: "metadata \(key)", reason: "there is no value type \(number)")
        }
        return type
    }

    private mutating func value(of type: GGUFValueType, for key: String, depth: Int) throws(GGUFError) -> GGUFValue {
        switch type {
        case .uint8: .unsigned(UInt64(try integer(UInt8.self, for: "metadata \(key)")))
        case .uint16: .unsigned(UInt64(try integer(UInt16.self, for: "metadata \(key)")))
        case .uint32: .unsigned(UInt64(try integer(UInt32.self, for: "metadata \(key)")))
        case .uint64: .unsigned(try integer(UInt64.self, for: "metadata \(key)"))
        case .int8: .signed(Int64(try integer(Int8.self, for: "metadata \(key)")))
        case .int16: .signed(Int64(try integer(Int16.self, for: "metadata \(key)")))
        case .int32: .signed(Int64(try integer(Int32.self, for: "metadata \(key)")))
        case .int64: .signed(try integer(Int64.self, for: "metadata \(key)"))
        case .float32: .real(Double(Float(bitPattern: try integer(UInt32.self, for: "metadata \(key)"))))
        case .float64: .real(Double(bitPattern: try integer(UInt64.self, for: "metadata \(key)")))
        case .bool: .flag(try flag(for: key))
        case .string: .text(try string(for: "metadata \(key)"))
        case .array: .list(try list(for: key, depth: depth))
        }
    }

    private mutating func flag(for key: String) throws(GGUFError) -> Bool {
        let byte = try integer(UInt8.self, for: "metadata \(key)")
        guard byte <= 1 else {
            throw .malformed(file: file, place: "metadata \(key)", reason: "\(byte) is neither true nor false")
        }
        return byte == 1
    }

    private mutating func list(for key: String, depth: Int) throws(GGUFError) -> [GGUFValue] {
        guard depth < Self.maximumNesting else {
            throw .malformed(file: file, place: "metadata \(key)", reason: "lists are nested too deeply")
        }
        let type = try type(for: key)
        let count = try integer(UInt64.self, for: "metadata \(key)")
        let (needed, overflow) = count.multipliedReportingOverflow(by: UInt64(type.minimumBytes))
        let left = UInt64(bytes.count - offset)
        guard !overflow, needed <= left else {
            throw .truncated(
                file: file, place: "metadata \(key)", missingBytes: (overflow ? UInt64.max : needed) - left)
        }
        // The bytes are there, so that the count is one of memory too.
        try reserve(64 + Int(count) * MemoryLayout<GGUFValue>.stride, for: "metadata \(key)")
        var elements: [GGUFValue] = []
        elements.reserveCapacity(Int(count))
        for _ in 0..<Int(count) { elements.append(try value(of: type, for: key, depth: depth + 1)) }
        return elements
    }
}
