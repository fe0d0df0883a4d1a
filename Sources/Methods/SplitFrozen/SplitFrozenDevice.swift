import Datasets
import Tensors

/// The device of SplitFrozen (arXiv 2503.18986): frozen blocks, forward only. It sends each of its samples once, in the
/// order in which the first epoch needs them, and hears nothing back that it would compute with. While one message is on
/// its way it computes the next.
public final class SplitFrozenDevice: DeviceProgram, @unchecked Sendable {
    private let forward: FrozenForward
    private let examples: [EncodedExample]
    private let cut: Int
    private var groups: ArraySlice<PublicationGroup>
    private var hasBegun = false

    /// - Parameters:
    ///   - forward: of a model whose lowest `cut` blocks are loaded.
    ///   - device: its number.
    ///   - groupSize: samples of a message.
    ///   - maximumTokens: of a message.
    ///   - seed: of the run, decides the order.
    public init(
        forward: FrozenForward, device: Int, examples: [EncodedExample], cut: Int, groupSize: Int,
        maximumTokens: Int, seed: UInt64
    ) {
        self.forward = forward
        self.examples = examples
        self.cut = cut
        groups =
            SampleOrder.publication(
                seed: seed, device: device, lengths: examples.map(\.tokens.count), epoch: 1, groupSize: groupSize,
                maximumTokens: maximumTokens)[...]
    }

    /// Takes an event.
    public func handle(_ event: DeviceProgramEvent) throws -> [DeviceProgramAction] {
        if case .received(let message) = event {
            guard message.kind == .turn, !hasBegun else {
                throw MethodError.unexpected(message.kind, step: message.step, sender: nil)
            }
            hasBegun = true
            return try nextMessage() + nextMessage()
        }
        return hasBegun ? try nextMessage() : []
    }

    private func nextMessage() throws -> [DeviceProgramAction] {
        guard let group = groups.popFirst() else { return [] }
        let chosen = group.samples.map { examples[$0] }, lengths = chosen.map(\.tokens.count)
        let x_TD = try forward.activations(of: chosen.map(\.tokens), cut: cut)
            .matrix(rows: lengths.reduce(0, +), columns: forward.width)
        return [
            .computed(.pass(.forward, 0..<cut, lengths: lengths)),
            .send(
                MethodMessage(
                    .activations, step: Int(group.sequence),
                    samples: MessageSamples(ids: group.samples, lengths: lengths, targets: chosen.map(\.targets)),
                    tensors: [MessageTensor(ReceivedBatch.name, x_TD)])),
        ]
    }
}
