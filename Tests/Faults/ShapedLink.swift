import Queueing

/// A slow link as one argument says it: `PORT,UP,DOWN,SECONDS`, where connections are passed on to on this machine, bytes a
/// second each way, and the latency.
public struct ShapedLink: Sendable, Equatable {
    /// Where connections are passed on to.
    public let upstream: UInt16
    /// What a proxy does to them.
    public let faults: TCPFaults

    /// Nil for anything else.
    public init?(_ argument: String) {
        let fields = argument.split(separator: ",", omittingEmptySubsequences: false)
        guard fields.count == 4, let upstream = UInt16(fields[0]), let up = Int(fields[1]), let down = Int(fields[2]),
            let seconds = Double(fields[3]), upstream > 0, up > 0, down > 0, (0...60).contains(seconds)
        else { return nil }
        self.upstream = upstream
        var faults = TCPFaults()
        faults.delay = .seconds(seconds)
        faults.bytesPerSecond = up
        faults.bytesPerSecondFromUpstream = down
        self.faults = faults
    }
}
