import Foundation
import Support

/// Prometheus's own judgement of metrics, where the Debian package prometheus is installed.
enum PromTool {
    private static let path = ["/usr/bin/promtool", "/usr/local/bin/promtool"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// Whether there is one.
    static var isInstalled: Bool { path != nil }

    /// What promtool's linter has against metrics in Prometheus's older form.
    static func complaints(about text: String) throws -> String { try run(["check", "metrics"], input: text) }

    /// What Prometheus has against metrics as OpenMetrics text, which it reads into a new database. Only samples with a time
    /// are read there; of a scrape Prometheus knows the time itself.
    static func complaints(aboutOpenMetrics text: String) throws -> String {
        let timed = text.split(separator: "\n").map { $0.hasPrefix("#") ? "\($0)\n" : "\($0) 1700000000\n" }.joined()
        return try Fixtures.withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("metrics")
            try Data(timed.utf8).write(to: file)
            let database = folder.appendingPathComponent("database").path
            return try run(["tsdb", "create-blocks-from", "openmetrics", "--quiet", file.path, database], input: "")
        }
    }

    private static func run(_ arguments: [String], input text: String) throws -> String {
        let process = Process(), input = Pipe(), output = Pipe()
        process.executableURL = URL(fileURLWithPath: path ?? "promtool")
        process.arguments = arguments
        (process.standardInput, process.standardOutput, process.standardError) = (input, output, output)
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        try input.fileHandleForWriting.close()
        let complaints = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return process.terminationStatus == 0 ? complaints : "\(process.terminationStatus): \(complaints)"
    }
}
