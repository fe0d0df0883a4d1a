import Foundation

/// Why a file operation failed, in the system's words where the error has them, such as "No such file or directory".
public func systemReason(of error: any Error) -> String {
    let cause = (error as? CocoaError)?.underlying.map { $0 as NSError }
    if let cause, cause.domain == NSPOSIXErrorDomain { return String(cString: strerror(Int32(cause.code))) }
    if let error = error as? CocoaError, error.code == .fileReadNoSuchFile || error.code == .fileNoSuchFile {
        return String(cString: strerror(ENOENT))
    }
    return error.localizedDescription
}
