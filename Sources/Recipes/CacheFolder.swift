import Foundation

/// The folder that keeps downloaded models and data: `$PERMAFROST_CACHE`, or `~/.cache/permafrost`.
public struct CacheFolder: Sendable, Equatable {
    /// The folder's path; it need not exist.
    public let path: String

    /// The cache folder that an environment chooses.
    public init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        if let chosen = environment["PERMAFROST_CACHE"], !chosen.isEmpty {
            path = chosen
        } else {
            let home = environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? NSHomeDirectory()
            path = home + "/.cache/permafrost"
        }
    }

    /// The path of a file of this machine: `cache:FILE` is FILE in this folder, anything else stays as it is.
    public func resolve(_ path: String) -> String {
        guard let file = Self.fileName(in: path) else { return path }
        return self.path.hasSuffix("/") ? self.path + file : self.path + "/" + file
    }

    /// FILE of a path written `cache:FILE`.
    static func fileName(in path: String) -> Substring? {
        let scheme = "cache:"
        return path.hasPrefix(scheme) ? path.dropFirst(scheme.count) : nil
    }
}
