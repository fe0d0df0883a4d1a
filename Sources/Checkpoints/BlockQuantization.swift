/// How a tensor's weights are stored: in blocks that share scales, with the numbers of the GGUF specification.
///
/// The layouts are those of ggml (`ggml-common.h`); all numbers are little-endian.
public enum BlockQuantization: UInt32, CaseIterable, Sendable {
    case f32 = 0
    case f16 = 1
    case q4_0 = 2
    case q4_1 = 3
    case q5_0 = 6
    case q5_1 = 7
    case q8_0 = 8
    case q4_k = 12
    case q6_k = 14
    case bf16 = 30

    /// How many weights share a block.
    public var weightsPerBlock: Int {
        switch self {
        case .f32, .f16, .bf16: 1
        case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0: 32
        case .q4_k, .q6_k: 256
        }
    }

    /// How many bytes a block takes.
    public var bytesPerBlock: Int {
        switch self {
        case .f32: 4
        case .f16, .bf16: 2
        case .q4_0: 18
        case .q4_1: 20
        case .q5_0: 22
        case .q5_1: 24
        case .q8_0: 34
        case .q4_k: 144
        case .q6_k: 210
        }
    }

    /// Turns whole blocks into floats.
    ///
    /// - Parameters:
    ///   - source: `blocks * bytesPerBlock` bytes, of any alignment.
    ///   - target: room for `blocks * weightsPerBlock` floats.
    func dequantise(_ source: UnsafeRawPointer, blocks: Int, into target: UnsafeMutablePointer<Float>) {
        switch self {
        case .f32: dequantiseF32(source, blocks, target)
        case .f16: dequantiseF16(source, blocks, target)
        case .bf16: dequantiseBF16(source, blocks, target)
        case .q4_0: dequantiseQ4_0(source, blocks, target)
        case .q4_1: dequantiseQ4_1(source, blocks, target)
        case .q5_0: dequantiseQ5_0(source, blocks, target)
        case .q5_1: dequantiseQ5_1(source, blocks, target)
        case .q8_0: dequantiseQ8_0(source, blocks, target)
        case .q4_k: dequantiseQ4_K(source, blocks, target)
        case .q6_k: dequantiseQ6_K(source, blocks, target)
        }
    }
}
