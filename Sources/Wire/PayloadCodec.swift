import CKernels

/// How the numbers of a payload frame are written, little-endian, from the most exact way to the smallest. The raw value is
/// the number on the wire.
///
/// A payload is rows of one width, each written by itself, so that it can be cut between any two rows.
public enum PayloadCodec: UInt32, Sendable, CaseIterable {
    /// IEEE 754 binary32, as in memory.
    case f32 = 1
    /// The upper half of binary32, rounded to nearest, ties to even: half the bytes, 8 bits of precision.
    case bf16 = 2
    /// Blocks of 64 numbers with a scale: 66 bytes for 256 of binary32. No number moves by more than half its block's
    /// scale, which is the largest magnitude over 127.
    case int8 = 3
    /// As int4, and of each row its largest errors, one for every 32 numbers: 0.164 of the bytes of binary32 in all.
    case int4Residual = 4
    /// As int8, with codes of four bits: 34 bytes for 256, and a scale of the largest magnitude over 7.
    case int4 = 5

    /// Numbers of a row that share a scale; those of its last block may be fewer.
    public static let blockValues = Int(PF_BLOCK_VALUES)

    /// The most bytes of one number, and more than any codec takes for one with its share of a scale.
    private static let valueBytesLimit = 8

    /// Bits of a code where numbers share a scale.
    var codeBits: Int32 { self == .int8 ? 8 : 4 }

    /// What the address of payload bytes must be a multiple of to be read in place.
    public var alignment: Int {
        switch self {
        case .f32: 4
        case .bf16: 2
        case .int8, .int4Residual, .int4: 1
        }
    }

    /// Bytes of a row of numbers.
    ///
    /// - Precondition: `columns` is not negative, and so many numbers fit into memory.
    public func bytesPerRow(columns: Int) -> Int {
        precondition(columns >= 0 && columns <= Int.max / Self.valueBytesLimit, "no row has \(columns) columns")
        switch self {
        case .f32: return 4 * columns
        case .bf16: return 2 * columns
        case .int8, .int4Residual, .int4:
            let (blocks, rest) = columns.quotientAndRemainder(dividingBy: Self.blockValues)
            return blocks * bytesPerBlock(Self.blockValues) + (rest > 0 ? bytesPerBlock(rest) : 0)
                + Self.bytesPerPair * residuals(columns: columns)
        }
    }

    /// Bytes of a block of so many numbers with its scale.
    func bytesPerBlock(_ count: Int) -> Int { 2 + (codeBits == 4 ? (count + 1) / 2 : count) }

    /// A column, and what its number is beside its code.
    static let bytesPerPair = 4

    /// Errors that are written of each row. There are none of a row so wide that 16 bits do not name its columns.
    func residuals(columns: Int) -> Int {
        self == .int4Residual && columns <= 1 << 16 ? (columns + 31) / 32 : 0
    }

    /// Bytes of a tensor [rows, columns], or nil when that is negative or beyond an `Int`.
    public func byteCount(rows: Int, columns: Int) -> Int? {
        guard rows >= 0, columns >= 0, columns <= Int.max / Self.valueBytesLimit else { return nil }
        let (bytes, overflow) = rows.multipliedReportingOverflow(by: bytesPerRow(columns: columns))
        return overflow ? nil : bytes
    }

    /// Bytes of whole rows of payload in this codec that came in another.
    ///
    /// - Precondition: `bytes` is that many whole rows of `columns` numbers in `codec`.
    public func byteCount(of bytes: Int, in codec: PayloadCodec, columns: Int) -> Int {
        codec == self ? bytes : codec.rows(in: bytes, columns: columns) * bytesPerRow(columns: columns)
    }

    /// Rows in payload bytes.
    ///
    /// - Precondition: there is no part of a row.
    func rows(in bytes: Int, columns: Int) -> Int {
        let rowBytes = bytesPerRow(columns: columns)
        guard rowBytes > 0 else { return 0 }
        let (rows, rest) = bytes.quotientAndRemainder(dividingBy: rowBytes)
        precondition(rest == 0, "the payload ends within a row")
        return rows
    }
}
