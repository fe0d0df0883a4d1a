import CKernels
import Foundation

/// An older processor that this one is taken for, so that what runs there can be tested here.
///
/// The libraries behind products look at the processor themselves: scripts/verify-processors tells them too.
public enum ProcessorLimit: String, Sendable, CaseIterable {
    /// Without AVX-512, and without products of bfloat16 numbers.
    case avx2
    /// Without AVX2 as well.
    case portable

    /// The environment's variable that names it.
    public static let variable = PF_PROCESSOR_VARIABLE

    /// What this process is limited to; nil if nothing.
    public static let chosen = ProcessInfo.processInfo.environment[variable].flatMap(ProcessorLimit.init)

    /// What is wrong with the variable's value; nil if nothing is.
    public static func problem(of value: String?) -> String? {
        guard let value, ProcessorLimit(rawValue: value) == nil else { return nil }
        return "\(variable) is '\(value)', but must be \(allCases.map(\.rawValue).joined(separator: " or "))"
    }
}
