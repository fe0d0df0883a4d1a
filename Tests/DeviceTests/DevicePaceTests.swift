import Tensors
import Testing

@testable import Device

@Suite("The pace of a simulated weaker device")
struct DevicePaceTests {
    private func duration(_ pace: DevicePace, lengths: [Int] = [3, 5], seconds: Double, processor: Double) -> Duration {
        pace.duration(
            lengths: lengths, blocks: 2, measured: .seconds(seconds), processorTime: .seconds(processor))
    }

    @Test("a slower one multiplies the processor's time: what else the machine does makes it no weaker")
    func busy() {
        #expect(duration(.slower(8), seconds: 1, processor: 1) == .seconds(8))
        #expect(duration(.slower(8), seconds: 5, processor: 1) == .seconds(8))
    }

    @Test("one of a rate takes operations by the rate, whatever this machine took")
    func rate() {
        // Two operations for each pair of tokens and each block.
        let pace = DevicePace.rate(flopsPerSecond: 4) { lengths, blocks in
            Double(2 * blocks * lengths.reduce(0) { $0 + $1 * $1 })
        }
        #expect(duration(pace, seconds: 1, processor: 1) == .seconds(34))
        #expect(duration(pace, seconds: 20, processor: 0.5) == .seconds(34))
        #expect(duration(pace, lengths: [3], seconds: 1, processor: 1) == .seconds(9))
    }

    @Test("it is never faster than it really was, and a device as strong as this machine is what the clock says")
    func real() {
        #expect(duration(.slower(8), seconds: 9, processor: 1) == .seconds(9))
        #expect(duration(.rate(flopsPerSecond: 1) { _, _ in 4 }, seconds: 9, processor: 1) == .seconds(9))
        #expect(duration(.machine, seconds: 2, processor: 1) == .seconds(2))
    }

    @Test("a thread's processor time grows while it works")
    func clock() {
        let start = ProcessorTime.now
        while ProcessorTime.now == start {}
        #expect(ProcessorTime.now > start)
    }
}
