import Foundation

/// Why a file operation failed, in the system's words where the error has them, such as "No such file or directory".
public func systemReason(of error: any Error) -> String {
    let cause = (error as? CocoaError)?.underlying as? POSIXError
    if let cause { return String(cString: strerror(cause.code.rawValue)) }
    if let error = error as? CocoaError, error.code == .fileReadNoSuchFile || error.code == .fileNoSuchFile {
        return String(cString: strerror(ENOENT))
    }
    return error.localizedDescription
}
