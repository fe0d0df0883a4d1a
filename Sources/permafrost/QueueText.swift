import Diagnostics
import Foundation
import Queueing
import Wire

/// What a store holds, as `permafrost queue ls` and `info` say it.
struct QueueAnswer: Encodable {
    struct Device: Encodable {
        let device: UInt32
        let messages: Int
        let samples: Int
        let bytes: Int
        let firstSequence: UInt64?
        let lastSequence: UInt64?
        let unacked: Int
        let redelivered: UInt64
        let duplicates: UInt64
        let dead: Int
        let oldestAgeSeconds: Double?

        init(_ summary: StoreSummary) {
            device = summary.device
            messages = summary.messages
            samples = summary.samples
            bytes = summary.bytes
            firstSequence = summary.firstSequence
            lastSequence = summary.lastSequence
            unacked = summary.unacknowledged
            redelivered = summary.counters.redelivered
            duplicates = summary.counters.duplicates
            dead = summary.dead
            oldestAgeSeconds = summary.oldest.map { max(0, -$0.timeIntervalSinceNow) }
        }
    }

    let run: String
    let codec: String
    let messages: Int
    let samples: Int
    let bytes: Int
    let unacked: Int
    let redelivered: UInt64
    let duplicates: UInt64
    let dead: Int
    let oldestAgeSeconds: Double?
    let devices: [Device]

    init(_ store: LMDBActivationStore) throws {
        run = store.run
        codec = "\(store.codec)"
        let devices = try store.summaries().map(Device.init)
        self.devices = devices
        messages = devices.reduce(0) { $0 + $1.messages }
        samples = devices.reduce(0) { $0 + $1.samples }
        bytes = devices.reduce(0) { $0 + $1.bytes }
        unacked = devices.reduce(0) { $0 + $1.unacked }
        redelivered = devices.reduce(0) { $0 &+ $1.redelivered }
        duplicates = devices.reduce(0) { $0 &+ $1.duplicates }
        dead = devices.reduce(0) { $0 + $1.dead }
        oldestAgeSeconds = devices.compactMap(\.oldestAgeSeconds).max()
    }
}

/// A sample, as `permafrost queue peek` shows it.
struct PeekedSample: Encodable {
    /// The sample's place among its device's.
    let sample: UInt64
    let rows: Int
    let columns: Int
    let cut: Int
    let targets: Int
    /// XXH64 of the activations as they are kept.
    let checksum: String
    let numbers: [Float]

    init(_ sample: StoredSample, bytes: UnsafeRawBufferPointer, codec: PayloadCodec, numbers count: Int) {
        self.sample = sample.id & 0xFFFF_FFFF
        rows = sample.rows
        columns = sample.columns
        cut = sample.cut
        targets = sample.targets.count
        checksum = XXH64.hash(bytes).hexadecimal
        let shown = min(sample.rows, (count + sample.columns - 1) / max(1, sample.columns))
        let first = UnsafeRawBufferPointer(
            rebasing: bytes.prefix(shown * codec.bytesPerRow(columns: sample.columns)))
        var values = [Float](repeating: 0, count: shown * sample.columns)
        values.withUnsafeMutableBufferPointer { codec.decode(first, columns: sample.columns, into: $0) }
        numbers = Array(values.prefix(count))
    }
}

/// A message, as `permafrost queue peek` shows it.
struct PeekedMessage: Encodable {
    let device: UInt32
    let sequence: UInt64
    let codec: String
    let samples: [PeekedSample]
}

/// A dead letter, as `permafrost queue dead` lists it.
struct DeadLetterAnswer: Encodable {
    let deviceId: String
    let device: UInt32
    let sequence: UInt64
    let errorNumber: UInt32
    let error: String
    let time: Double
    let headerBytes: Int
    /// The first bytes of the header in base 64.
    let header: String

    init(_ letter: DeadLetter) {
        deviceId = letter.deviceID
        device = letter.device
        sequence = letter.sequence
        errorNumber = letter.errorNumber
        error = letter.error
        time = letter.date.timeIntervalSince1970
        headerBytes = letter.header.count
        header = Foundation.Data(letter.header).base64EncodedString()
    }
}

/// The answers of `permafrost queue` in lines for people.
enum QueueText {
    static func list(_ answers: [QueueAnswer]) -> [String] {
        guard !answers.isEmpty else { return ["no store yet"] }
        var table = TextTable([
            ("RUN", .left), ("CODEC", .left), ("DEVICES", .right), ("MESSAGES", .right), ("SAMPLES", .right),
            ("BYTES", .right), ("UNACKED", .right), ("DEAD", .right), ("OLDEST", .right),
        ])
        for answer in answers {
            table.add([
                answer.run, answer.codec, Figures.count(answer.devices.count), Figures.count(answer.messages),
                Figures.count(answer.samples), Figures.bytes(Double(answer.bytes)), Figures.count(answer.unacked),
                Figures.count(answer.dead), age(answer.oldestAgeSeconds),
            ])
        }
        return table.lines
    }

    static func information(_ answer: QueueAnswer) -> [String] {
        var table = TextTable([
            ("DEVICE", .right), ("MESSAGES", .right), ("SAMPLES", .right), ("BYTES", .right), ("FIRST", .right),
            ("LAST", .right), ("UNACKED", .right), ("REDELIVERED", .right), ("DUPLICATES", .right), ("DEAD", .right),
            ("OLDEST", .right),
        ])
        for device in answer.devices {
            table.add([
                "\(device.device)", Figures.count(device.messages), Figures.count(device.samples),
                Figures.bytes(Double(device.bytes)), device.firstSequence.map { "\($0)" } ?? "-",
                device.lastSequence.map { "\($0)" } ?? "-", Figures.count(device.unacked), "\(device.redelivered)",
                "\(device.duplicates)", Figures.count(device.dead), age(device.oldestAgeSeconds),
            ])
        }
        return list([answer]) + [""] + (answer.devices.isEmpty ? ["nothing is kept of any device"] : table.lines)
    }

    static func message(_ message: PeekedMessage) -> [String] {
        var table = TextTable([
            ("SAMPLE", .right), ("ROWS", .right), ("COLUMNS", .right), ("CUT", .right), ("TARGETS", .right),
            ("CHECKSUM", .left), ("NUMBERS", .left),
        ])
        for sample in message.samples {
            table.add([
                "\(sample.sample)", Figures.count(sample.rows), Figures.count(sample.columns), "\(sample.cut)",
                Figures.count(sample.targets), sample.checksum,
                sample.numbers.map { Figures.decimal(Double($0), 4) }.joined(separator: " ") + " …",
            ])
        }
        return ["message \(message.sequence) of device \(message.device), kept as \(message.codec)"] + table.lines
    }

    static func dead(_ letters: [DeadLetterAnswer]) -> [String] {
        guard !letters.isEmpty else { return ["no message was given up"] }
        var table = TextTable([
            ("DEVICE", .right), ("ID", .left), ("MESSAGE", .right), ("GIVEN UP (UTC)", .left), ("ERROR", .right),
            ("WHAT", .left),
        ])
        for letter in letters {
            table.add([
                "\(letter.device)", letter.deviceId, "\(letter.sequence)", Figures.moment(letter.time),
                "\(letter.errorNumber)", letter.error,
            ])
        }
        return table.lines
    }

    private static func age(_ seconds: Double?) -> String { seconds.map(Figures.duration) ?? "-" }
}
