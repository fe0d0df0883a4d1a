import Diagnostics

/// What can be wrong with a GGUF file, or with what is asked of it.
public enum GGUFError: NumberedError, Equatable {
    case notGGUF(file: String)
    case unsupportedVersion(file: String, version: UInt32)
    /// The file ends before something it announces.
    case truncated(file: String, place: String, missingBytes: UInt64)
    case malformed(file: String, place: String, reason: String)
    case unsupportedTensorType(file: String, tensor: String, type: UInt32)
    case unsupportedArchitecture(file: String, name: String)
    case unsupportedFeature(file: String, feature: String)
    case missingKey(file: String, key: String)
    case wrongValue(file: String, key: String, expected: String)
    case missingTensor(file: String, tensor: String)
    case wrongShape(file: String, tensor: String, found: [Int], expected: [Int])
    case rowOutside(file: String, tensor: String, row: Int, rows: Int)

    /// The number under which the error is documented and with which the process exits.
    public var exitCode: ExitCode {
        switch self {
        case .notGGUF, .malformed, .wrongValue, .missingKey, .wrongShape, .rowOutside: .modelMalformed
        case .truncated: .modelTruncated
        case .unsupportedVersion, .unsupportedTensorType, .unsupportedArchitecture, .unsupportedFeature:
            .modelUnsupported
        case .missingTensor: .tensorMissing
        }
    }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .notGGUF(let file): "\(file) does not begin with the letters GGUF"
        case .unsupportedVersion(let file, let version): "\(file) has the GGUF version \(version), not 3"
        case .truncated(let file, let place, let missing): "\(file) lacks \(missing) bytes in \(place)"
        case .malformed(let file, let place, let reason): "\(file) is damaged in \(place): \(reason)"
        case .unsupportedTensorType(let file, let tensor, let type):
            "\(file) holds the tensor \(tensor) in the unknown format \(type)"
        case .unsupportedArchitecture(let file, let name): "\(file) holds a model of the architecture \(name)"
        case .unsupportedFeature(let file, let feature): "\(file) needs \(feature), which is not built in"
        case .missingKey(let file, let key): "\(file) has no metadata \(key)"
        case .wrongValue(let file, let key, let expected): "\(file) has metadata \(key) that is not \(expected)"
        case .missingTensor(let file, let tensor): "\(file) has no tensor \(tensor)"
        case .wrongShape(let file, let tensor, let found, let expected):
            "\(file) has the tensor \(tensor) with the shape \(found) where \(expected) is needed"
        case .rowOutside(let file, let tensor, let row, let rows):
            "row \(row) of the tensor \(tensor) in \(file) was asked for, which has \(rows) rows"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .notGGUF, .missingKey, .wrongValue, .missingTensor, .wrongShape:
            "Check that the path names a language model in GGUF format"
        case .truncated, .malformed: "Fetch the file again and compare its checksum"
        case .unsupportedVersion: "Convert the model again with a current converter for little-endian machines"
        case .unsupportedTensorType:
            "Quantise the model to one of "
                + BlockQuantization.allCases.map { "\($0)".uppercased() }.joined(separator: ", ")
        case .unsupportedArchitecture: "Take a model of the architecture llama"
        case .unsupportedFeature: "Take a plain Llama model without it"
        case .rowOutside: "Check that the token ids come from this model's own tokenizer"
        }
    }
}
