import Foundation

/// Resident memory of this process, as the kernel counts it.
public enum ProcessMemory {
    /// Bytes resident now.
    public static var residentBytes: Int { kibibytes("VmRSS:") << 10 }

    /// The most bytes that were ever resident.
    public static var peakResidentBytes: Int { kibibytes("VmHWM:") << 10 }

    private static func kibibytes(_ field: String) -> Int {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return 0 }
        let line = status.split(separator: "\n").first { $0.hasPrefix(field) }
        return line.flatMap { $0.split(whereSeparator: \.isWhitespace).dropFirst().first }.flatMap { Int($0) } ?? 0
    }
}
