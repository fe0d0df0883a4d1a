import Methods
import Queueing
import Tensors
import Wire

/// A micro-batch on its way to another worker: the same messages in which devices send samples.
enum MicroBatchMessages {
    /// A part has so many numbers at most, and a row at least.
    private static let partSize = 4 << 20

    /// Whether a micro-batch is no more than a message may have.
    static func canHave(_ microBatch: MicroBatch, limits: WireLimits = WireLimits()) -> Bool {
        microBatch.layout.count <= limits.samples && microBatch.layout.tokens <= limits.tokens
    }

    /// Whether others can be given anything of a step.
    static func canHave(_ step: SharedStep) -> Bool { step.microBatches.allSatisfy { canHave($0) } }

    /// - Parameter number: the micro-batch's place in its step.
    /// - Throws: what the source of the activations throws.
    static func cut(
        _ microBatch: MicroBatch, number: Int, width: Int, partSize: Int = partSize
    ) throws -> [(body: Body, payload: Frame)] {
        let rows = microBatch.layout.tokens, values = Storage(count: rows * width)
        try microBatch.readActivations(into: values.matrix(rows: rows, columns: width))
        // Of full parts but the last: not every number of parts divides every number of rows.
        let partRows = max(1, partSize / width)
        let parts = UInt32((rows + partRows - 1) / partRows)
        var header = Body.Activations(
            sequence: UInt64(number) + 1, sampleIDs: (0..<UInt64(microBatch.layout.count)).map(\.self),
            lengths: (0..<microBatch.layout.count).map { UInt32(microBatch.layout.rows(of: $0).count) },
            targetLengths: microBatch.targets.map { UInt32($0.count) },
            targets: microBatch.targets.flatMap { $0.map(UInt32.init) }, cut: 0, codec: PayloadCodec.f32.rawValue,
            rows: UInt32(rows), columns: UInt32(width), checksum: 0, parts: parts)
        return (0..<parts).compactMap { part in
            guard let range = Body.rows(ofPart: part, of: parts, rows: rows) else { return nil }
            let bytes = UnsafeRawBufferPointer(
                UnsafeBufferPointer(start: values.base + range.lowerBound * width, count: range.count * width))
            header.part = part
            header.checksum = payloadChecksum(bytes)
            return (.activations(header), Frame(owner: values, bytes: bytes))
        }
    }
}

/// A micro-batch that is put together from its messages, which come in their order.
struct MicroBatchAssembly {
    private let values: Storage
    private let header: CheckedActivations
    private let width: Int
    private var nextPart: UInt32 = 0

    /// Begins with room for a micro-batch.
    init(_ first: CheckedActivations) {
        header = first
        width = first.columns
        values = Storage(count: first.rows * width)
    }

    /// All of it, once it is here.
    var microBatch: MicroBatch? {
        guard nextPart == header.parts else { return nil }
        let values = values
        return MicroBatch(
            lengths: header.samples.map(\.rows.count), targets: header.samples.map { Array(header.targets(of: $0)) }
        ) { x_TD in x_TD.copy(from: values.matrix(rows: x_TD.rows, columns: x_TD.columns)) }
    }

    /// Takes the next part.
    ///
    /// - Throws: `WireError` when it is not the next one.
    mutating func take(_ part: CheckedActivations, _ payload: UnsafeRawBufferPointer) throws(WireError) {
        guard part.part == nextPart, part.parts == header.parts, part.sequence == header.sequence,
            part.samples == header.samples, part.codec == .f32
        else { throw .unexpectedMessage("Activations out of order") }
        UnsafeMutableRawBufferPointer(
            start: values.base + part.partRows.lowerBound * width, count: payload.count
        ).copyMemory(from: payload)
        nextPart += 1
    }
}
