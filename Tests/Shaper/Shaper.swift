import Faults
import Foundation

/// Makes links of this machine slow: `shaper PORT,UP,DOWN,SECONDS...`, bytes a second each way and the latency.
///
/// Prints where each link begins, a line each. For every line of its input it prints what the links have passed on so far,
/// `UP DOWN` for each link, and it ends with its input.
@main
enum Shaper {
    static func main() throws {
        let links = CommandLine.arguments.dropFirst().map { ShapedLink($0) }
        guard !links.isEmpty, !links.contains(nil) else {
            FileHandle.standardError.write(Data("usage: shaper PORT,UP,DOWN,SECONDS...\n".utf8))
            exit(2)
        }
        let proxies = try links.compactMap(\.self).map { link in
            let proxy = try TCPFaultProxy(upstream: link.upstream)
            proxy.set(link.faults)
            return proxy
        }
        say(proxies.map(\.endpoint).joined(separator: "\n"))
        while readLine() != nil {
            say(proxies.map { "\($0.passed.toUpstream) \($0.passed.fromUpstream)" }.joined(separator: "\n"))
        }
    }

    /// At once: whoever waits for it reads from a pipe.
    private static func say(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }
}

extension ShapedLink {
    fileprivate var faults: TCPFaults {
        var faults = TCPFaults()
        faults.delay = latency
        faults.bytesPerSecond = up
        faults.bytesPerSecondFromUpstream = down
        return faults
    }
}
