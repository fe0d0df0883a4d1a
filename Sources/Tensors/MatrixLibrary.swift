import COpenBLAS
import CProducts
import Foundation

/// The libraries behind `Matrix.product`: OpenBLAS, and oneDNN where it is installed.
///
/// On a product of 128 tokens oneDNN is 8 to 25 % faster; on skinny ones, such as an adapter's, OpenBLAS is up to three
/// times as fast (docs/performance.md has the figures).
public enum MatrixLibrary: String, Sendable, CaseIterable {
    /// OpenBLAS alone.
    case openBLAS = "openblas"
    /// oneDNN for the shapes that it is faster at, OpenBLAS for the others.
    case oneDNN = "onednn"

    /// The environment's variable that chooses; without it, the fastest that is there.
    public static let variable = "PERMAFROST_PRODUCTS"

    /// What products of this process go to.
    public static let chosen: MatrixLibrary = {
        let wish = ProcessInfo.processInfo.environment[variable].flatMap(MatrixLibrary.init) ?? .oneDNN
        return wish.isFound ? wish : .openBLAS
    }()

    /// What is wrong with the variable's value; nil if nothing is.
    public static func problem(of value: String?) -> String? {
        guard let value else { return nil }
        guard let library = MatrixLibrary(rawValue: value) else {
            return "\(variable) is '\(value)', but must be \(allCases.map(\.rawValue).joined(separator: " or "))"
        }
        return library.isFound ? nil : "\(variable) is '\(value)', but this machine does not have that library"
    }

    /// Whether this machine has it.
    public var isFound: Bool { self == .openBLAS || pf_onednn_found() }

    /// Name and version, and the kernels that OpenBLAS chose.
    public var description: String {
        pf_openblas_choose()
        let openBLAS = openblas_get_config().map { String(cString: $0) } ?? "OpenBLAS"
        guard self == .oneDNN else { return openBLAS }
        var version: [Int32] = [0, 0, 0]
        pf_onednn_version(&version)
        return "oneDNN \(version.map { "\($0)" }.joined(separator: ".")), \(openBLAS)"
    }
}
