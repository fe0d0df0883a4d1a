import Foundation

/// Prometheus's own judgement of metrics, where the Debian package prometheus is installed.
enum PromTool {
    /// What promtool has against a text of metrics; nil where there is none.
    static func complaints(about text: String) throws -> String? {
        guard let tool = ["/usr/bin/promtool", "/usr/local/bin/promtool"].first(where: isExecutable) else {
            print("promtool is not installed: metrics are not checked by it (Debian package prometheus)")
            return nil
        }
        let process = Process(), input = Pipe(), output = Pipe()
        process.executableURL = URL(fileURLWithPath: tool)
        process.arguments = ["check", "metrics"]
        (process.standardInput, process.standardOutput, process.standardError) = (input, output, output)
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        try input.fileHandleForWriting.close()
        let complaints = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return process.terminationStatus == 0 ? complaints : "\(process.terminationStatus): \(complaints)"
    }

    private static func isExecutable(_ path: String) -> Bool { FileManager.default.isExecutableFile(atPath: path) }
}
