import Foundation
import Support
import Testing

/// The time of day of a test's processes, which can be set while they run: a library that they load stands between them
/// and the system's clock.
final class WallClock {
    /// What a process's command begins with that has this time.
    let prefix: [String]
    private let file: URL

    /// - Throws: when the library cannot be compiled.
    init(in folder: URL) throws {
        file = folder.appendingPathComponent("wall-clock")
        let library = folder.appendingPathComponent("wallclock.so")
        try Data(count: MemoryLayout<Int>.size).write(to: file)
        prefix = ["LD_PRELOAD=\(library.path)", "WALL_CLOCK_OFFSET=\(file.path)"]
        let source = Fixtures.folder.appendingPathComponent("wallclock.c").path
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments = ["cc", "-shared", "-fPIC", "-O1", "-o", library.path, source, "-ldl"]
        try compiler.run()
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0)
    }

    /// Sets it so many hours off, at once.
    func set(hours: Int) throws {
        let handle = try FileHandle(forWritingTo: file)
        defer { try? handle.close() }
        // In place: processes have the file mapped.
        try handle.write(contentsOf: withUnsafeBytes(of: hours * 3600) { Data($0) })
    }
}
