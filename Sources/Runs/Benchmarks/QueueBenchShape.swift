import Foundation
import Queueing
import Randomness
import Wire

/// Who publishes what.
struct QueueBenchShape: Codable, Sendable {
    var devices: Int
    var samplesPerMessage: Int
    var rowsPerSample: Int
    var width: Int
    var creditBytesPerDevice: Int
    /// Messages of each device at most.
    var messages: Int
    var capacityBytes: Int

    static let run = "bench"
    static let cut = 1

    /// Four samples of 40 tokens of width 576, as of SmolLM2-135M.
    static func usual(devices: Int, creditBytesPerDevice: Int, messages: Int) -> QueueBenchShape {
        QueueBenchShape(
            devices: devices, samplesPerMessage: 4, rowsPerSample: 40, width: 576,
            creditBytesPerDevice: creditBytesPerDevice, messages: messages, capacityBytes: 64 << 30)
    }

    var rows: Int { samplesPerMessage * rowsPerSample }
    var messageBytes: Int { rows * PayloadCodec.f32.bytesPerRow(columns: width) }
    /// Payload bytes of all messages.
    var totalBytes: Int { devices * messages * messageBytes }
    var creditBytes: Int { devices * creditBytesPerDevice }
    var samples: UInt64 { UInt64(messages * samplesPerMessage) }

    func name(_ device: Int) -> String { "device-\(device)" }

    /// The plan of a run that never begins to train: one more device is expected, which never says what it has.
    func plan(keys: [CurvePublicKey]) -> Body.RunPlan {
        let publishing = (0..<devices).map { device in
            Body.DevicePlan(
                device: name(device), samples: samples, cut: UInt32(Self.cut),
                key: device < keys.count ? keys[device].z85 : "")
        }
        return Body.RunPlan(
            devices: publishing + [Body.DevicePlan(device: "nobody", samples: 0, cut: 0)], seed: 1, generation: 1)
    }

    /// The header of a message.
    func header(_ sequence: UInt64, _ payload: QueueBenchPayload) -> Body.Activations {
        let first = (sequence - 1) * UInt64(samplesPerMessage)
        return Body.Activations(
            sequence: sequence, sampleIDs: (0..<UInt64(samplesPerMessage)).map { first + $0 },
            lengths: Array(repeating: UInt32(rowsPerSample), count: samplesPerMessage),
            targetLengths: Array(repeating: 1, count: samplesPerMessage),
            targets: Array(repeating: 0, count: samplesPerMessage), cut: UInt32(Self.cut),
            codec: PayloadCodec.f32.rawValue, rows: UInt32(rows), columns: UInt32(width), checksum: payload.checksum)
    }
}

/// Random activations and their checksum. Unchecked, because nothing writes to them after `init`.
final class QueueBenchPayload: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
    let checksum: UInt64
    private let isMapped: Bool

    /// Activations of a stream of its own.
    init(byteCount: Int, stream: Int) {
        var chance = SeededGenerator(seed: 1, stream: "activations/\(stream)")
        let floats = UnsafeMutableBufferPointer<Float>.allocate(capacity: byteCount / 4)
        floats.initialize(repeating: 0)
        for index in floats.indices { floats[index] = Float(chance.normal()) }
        bytes = UnsafeRawBufferPointer(floats)
        checksum = payloadChecksum(bytes)
        isMapped = false
    }

    /// The same activations in memory of their own, as a device has them that has computed them. It is mapped: between
    /// the messages of many devices in one process an allocator would keep holes.
    init?(copying other: QueueBenchPayload) {
        let count = other.bytes.count
        let mapping = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let mapping, mapping != MAP_FAILED else { return nil }
        mapping.copyMemory(from: other.bytes.baseAddress ?? UnsafeRawPointer(mapping), byteCount: count)
        bytes = UnsafeRawBufferPointer(start: mapping, count: count)
        checksum = other.checksum
        isMapped = true
    }

    deinit {
        if isMapped {
            munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        } else {
            bytes.deallocate()
        }
    }

    /// A frame that shows them; a new one for every sending.
    var frame: Frame { Frame(owner: self, bytes: bytes) }
}
