import Datasets
import Tensors
import Testing

@testable import Device

@Suite("A simulated weaker device")
struct SlowdownTests {
    private func result(seconds: Double, processorSeconds: Double) -> ComputeJob.Result {
        let message = ActivationMessage(
            samples: [0], examples: [EncodedExample(tokens: [1], targets: [1])], activations: Storage(count: 2),
            columns: 2, cut: 1, codec: .f32)
        return ComputeJob.Result(
            group: PublicationGroup(sequence: 1, samples: [0]), message: message, cut: 1, began: .now,
            duration: .seconds(seconds), processorTime: .seconds(processorSeconds))
    }

    @Test("it multiplies the processor's time: what else the machine does makes it no weaker")
    func busy() {
        #expect(result(seconds: 1, processorSeconds: 1).duration(slowdown: 8) == .seconds(8))
        #expect(result(seconds: 5, processorSeconds: 1).duration(slowdown: 8) == .seconds(8))
    }

    @Test("it is never faster than it really was, and a device as strong as this machine is what the clock says")
    func real() {
        #expect(result(seconds: 9, processorSeconds: 1).duration(slowdown: 8) == .seconds(9))
        #expect(result(seconds: 2, processorSeconds: 1).duration(slowdown: 1) == .seconds(2))
    }

    @Test("a thread's processor time grows while it works")
    func clock() {
        let start = ProcessorTime.now
        while ProcessorTime.now == start {}
        #expect(ProcessorTime.now > start)
    }
}
