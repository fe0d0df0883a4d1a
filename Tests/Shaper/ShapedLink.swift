import Queueing

/// A link as one argument says it: `PORT,UP,DOWN,SECONDS`.
struct ShapedLink: Equatable {
    /// Of this machine, where connections are passed on to.
    let upstream: UInt16
    /// Bytes a second.
    let up: Int
    /// Bytes a second.
    let down: Int
    /// Each way.
    let latency: Duration

    /// Nil for anything else.
    init?(_ argument: String) {
        let fields = argument.split(separator: ",", omittingEmptySubsequences: false)
        guard fields.count == 4, let upstream = UInt16(fields[0]), let up = Int(fields[1]), let down = Int(fields[2]),
            let seconds = Double(fields[3]), upstream > 0, up > 0, down > 0, (0...60).contains(seconds)
        else { return nil }
        self.upstream = upstream
        self.up = up
        self.down = down
        latency = .seconds(seconds)
    }
}
