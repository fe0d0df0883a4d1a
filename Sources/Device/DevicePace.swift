import Queueing

/// How fast a device computes. Everything but this machine's own speed is *simulated*: the device waits after computing,
/// and counts the wait as compute time.
public enum DevicePace: Sendable {
    /// As fast as this machine.
    case machine
    /// So many times slower than this machine. Multiplied is the processor's time, so that other work on this machine does
    /// not make the device weaker still.
    case slower(Double)
    /// A rate, whatever this machine is.
    ///
    /// - operations: of sequences of some lengths through so many of the first blocks.
    case rate(flopsPerSecond: Double, operations: @Sendable (_ lengths: [Int], _ blocks: Int) -> Double)

    /// How long a forward pass takes that took this machine `measured`: never less.
    func duration(lengths: [Int], blocks: Int, measured: Duration, processorTime: Duration) -> Duration {
        switch self {
        case .machine: measured
        case .slower(let times): max(measured, processorTime * times)
        case .rate(let rate, let operations): max(measured, .seconds(operations(lengths, blocks) / rate))
        }
    }
}
