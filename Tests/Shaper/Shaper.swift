import Faults
import Foundation

/// Makes links of this machine slow: `shaper PORT,UP,DOWN,SECONDS...`.
///
/// Prints where each link begins, a line each. For every line of its input it prints what the links have passed on so far,
/// `UP DOWN` for each link, and it ends with its input.
@main
enum Shaper {
    static func main() throws {
        let links = CommandLine.arguments.dropFirst().compactMap { ShapedLink($0) }
        guard !links.isEmpty, links.count == CommandLine.arguments.count - 1 else {
            FileHandle.standardError.write(Data("usage: shaper PORT,UP,DOWN,SECONDS...\n".utf8))
            exit(2)
        }
        let proxies = try links.map { link in
            let proxy = try TCPFaultProxy(upstream: link.upstream)
            proxy.set(link.faults)
            return proxy
        }
        say(proxies.map(\.endpoint))
        while readLine() != nil {
            say(proxies.map { "\($0.passed.toUpstream) \($0.passed.fromUpstream)" })
        }
    }

    /// At once: whoever waits for it reads from a pipe.
    private static func say(_ lines: [String]) {
        FileHandle.standardOutput.write(Data((lines.joined(separator: "\n") + "\n").utf8))
    }
}
