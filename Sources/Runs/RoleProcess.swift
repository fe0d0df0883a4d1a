import Diagnostics
import Foundation

/// A role's process on this machine: process 1 of a container, for a hook that runs before the container is stopped.
public struct RoleProcess: Sendable {
    private let id: Int32

    /// A process of this very program, for no other one is to be ended by it.
    ///
    /// - Throws: `RoleProcessError.missing`, `.another`.
    public init(_ id: Int32) throws(RoleProcessError) {
        self.id = id
        guard kill(id, 0) == 0 else { throw .missing(process: id, reason: String(cString: strerror(errno))) }
        let file = Self.program("\(id)")
        guard let file, file == Self.program("self") else { throw .another(process: id, program: file) }
    }

    /// Asks it to finish and leave, as SIGTERM does, and waits until it has. Asked again, or sent a SIGTERM meanwhile, it goes
    /// on with that: a hook may be run twice, and whoever runs hooks sends SIGTERM after them.
    ///
    /// - Throws: `RoleProcessError.stays`.
    public func leave(within limit: Duration) throws(RoleProcessError) {
        let end = ContinuousClock.now + limit
        kill(id, SIGUSR1)
        while Self.program("\(id)") != nil {
            guard ContinuousClock.now < end else { throw .stays(process: id, seconds: limit / .seconds(1)) }
            usleep(50_000)
        }
    }

    /// The file that a process runs, which one that has ended and is not reaped yet has no more.
    private static func program(_ process: String) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe")
    }
}

/// Why a role's process has not left.
public enum RoleProcessError: NumberedError, Equatable {
    /// There is none, or it is somebody else's.
    case missing(process: Int32, reason: String)
    /// It runs something else; nil for what may not be known.
    case another(process: Int32, program: String?)
    /// It has not ended in time.
    case stays(process: Int32, seconds: Double)

    /// The number with which the command exits.
    public var exitCode: ExitCode { .roleStays }

    /// What was wrong.
    public var problem: String {
        switch self {
        case .missing(let process, let reason): "process \(process) cannot be asked to leave: \(reason)"
        case .another(let process, let program): "process \(process) is no role: it runs \(program ?? "something else")"
        case .stays(let process, let seconds): "process \(process) has not left within \(Int(seconds)) s"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .missing, .another: "Name the process of a role with --process; in its container it is 1"
        case .stays: "Read its log; a full store takes its time to be handed over, and a second SIGTERM ends it at once"
        }
    }
}
