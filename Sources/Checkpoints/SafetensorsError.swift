import Diagnostics

/// What can be wrong with a safetensors file, or with what is asked of it.
public enum SafetensorsError: NumberedError, Equatable {
    /// The file ends before something it announces.
    case truncated(file: String, place: String, missingBytes: UInt64)
    case malformed(file: String, place: String, reason: String)
    case unsupportedType(file: String, tensor: String, type: String)
    case missingTensor(file: String, tensor: String)
    case wrongShape(file: String, tensor: String, found: [Int], expected: [Int])
    case rowOutside(file: String, tensor: String, row: Int, rows: Int)
    /// A tensor to be written has another number of values than its shape says.
    case unfittingValues(tensor: String, shape: [Int], count: Int)

    /// The number under which the error is documented and with which the process exits.
    public var exitCode: ExitCode {
        switch self {
        case .truncated: .modelTruncated
        case .malformed, .wrongShape, .rowOutside, .unfittingValues: .modelMalformed
        case .unsupportedType: .modelUnsupported
        case .missingTensor: .tensorMissing
        }
    }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .truncated(let file, let place, let missing): "\(file) lacks \(missing) bytes in \(place)"
        case .malformed(let file, let place, let reason): "\(file) is damaged in \(place): \(reason)"
        case .unsupportedType(let file, let tensor, let type):
            "\(file) holds the tensor \(tensor) as \(type), which cannot be read as floats"
        case .missingTensor(let file, let tensor): "\(file) has no tensor \(tensor)"
        case .wrongShape(let file, let tensor, let found, let expected):
            "\(file) has the tensor \(tensor) with the shape \(found) where \(expected) is needed"
        case .rowOutside(let file, let tensor, let row, let rows):
            "row \(row) of the tensor \(tensor) in \(file) was asked for, which has \(rows) rows"
        case .unfittingValues(let tensor, let shape, let count):
            "\(count) values were given for the tensor \(tensor) of the shape \(shape)"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .truncated, .malformed: "Fetch or write the file again"
        case .unsupportedType: "Save the tensor as F32, F16 or BF16"
        case .missingTensor, .wrongShape: "Check that the file belongs to this model"
        case .rowOutside: "Check that the token ids come from this model's own tokenizer"
        case .unfittingValues: "This is a defect of the program: please report it"
        }
    }
}
