import Foundation

/// Resident memory of this process, as the kernel counts it.
public enum ProcessMemory {
    /// Bytes resident now.
    public static var residentBytes: Int { bytes(of: "VmRSS:", in: "/proc/self/status") ?? 0 }

    /// The most bytes that were ever resident.
    public static var peakResidentBytes: Int { bytes(of: "VmHWM:", in: "/proc/self/status") ?? 0 }

    /// Lets the peak begin anew with what is resident now, where the kernel can do that.
    static func forgetPeak() {
        guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return }
        try? file.write(contentsOf: Data("5".utf8))
    }

    /// Bytes of another process resident now; 0 when there is none.
    static func residentBytes(of process: Int32) -> Int { bytes(of: "VmRSS:", in: "/proc/\(process)/status") ?? 0 }

    /// The most bytes of another process that were ever resident; 0 when there is none.
    static func peakResidentBytes(of process: Int32) -> Int {
        bytes(of: "VmHWM:", in: "/proc/\(process)/status") ?? 0
    }
}

/// Memory of the whole machine, as the kernel counts it.
enum SystemMemory {
    /// Bytes that programs can take without others being pushed out; all there are where the kernel does not say.
    static var availableBytes: Int {
        bytes(of: "MemAvailable:", in: "/proc/meminfo") ?? Int(clamping: ProcessInfo.processInfo.physicalMemory)
    }
}

/// The value of a line such as `VmRSS: 1234 kB`.
private func bytes(of field: String, in file: String) -> Int? {
    guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { return nil }
    let line = text.split(separator: "\n").first { $0.hasPrefix(field) }
    return line.flatMap { $0.split(whereSeparator: \.isWhitespace).dropFirst().first }.flatMap { Int($0) }
        .map { $0 << 10 }
}
