import Foundation
import Wire

/// What a store's file belongs to.
struct StoreIdentity: Equatable {
    /// The form of this file. A form that this version does not know is never opened.
    static let currentVersion: UInt32 = 1

    var version = currentVersion
    let run: String
    let codec: PayloadCodec

    var record: ByteWriter {
        var writer = ByteWriter()
        writer.append(version)
        writer.append(codec.rawValue)
        writer.append(run)
        return writer
    }
}

extension StoreIdentity {
    init?(_ reader: ByteReader) {
        var reader = reader
        guard let version = reader.number(UInt32.self),
            let codec = reader.number().flatMap(PayloadCodec.init(rawValue:)),
            let run = reader.text()
        else { return nil }
        self.init(version: version, run: run, codec: codec)
    }
}

/// What is known of a message: when its first part came, which samples it has, and as long as parts are missing all
/// about them.
struct MessageRecord: Equatable {
    var date: Int64
    let parts: UInt32
    let ids: [UInt64]
    /// Nil for a message that is complete.
    let missing: [StoredSample]?

    var record: ByteWriter {
        var writer = ByteWriter()
        writer.append(date)
        writer.append(parts)
        writer.append(UInt32(clamping: ids.count))
        for id in ids { writer.append(id) }
        writer.append(missing == nil ? UInt8(1) : 0)
        for sample in missing ?? [] {
            writer.append(UInt64(sample.rows))
            writer.append(UInt64(sample.columns))
            writer.append(UInt64(sample.cut))
            writer.append(UInt32(clamping: sample.targets.count))
            for target in sample.targets { writer.append(target) }
        }
        return writer
    }
}

extension MessageRecord {
    init?(_ reader: ByteReader) {
        var reader = reader
        guard let date = reader.number(Int64.self), let parts = reader.number(UInt32.self),
            let ids = reader.list(minimumBytes: 8, { $0.number(UInt64.self) }),
            let isComplete = reader.number(UInt8.self)
        else { return nil }
        var samples: [StoredSample] = []
        for id in isComplete == 1 ? [] : ids {
            guard let rows = reader.number(UInt64.self), let columns = reader.number(UInt64.self),
                let cut = reader.number(UInt64.self),
                let targets = reader.list(minimumBytes: 4, { $0.number(Int32.self) })
            else { return nil }
            samples.append(
                StoredSample(
                    id: id, targets: targets, rows: Int(clamping: rows), columns: Int(clamping: columns),
                    cut: Int(clamping: cut)))
        }
        guard reader.isAtEnd else { return nil }
        self.init(date: date, parts: parts, ids: ids, missing: isComplete == 1 ? nil : samples)
    }
}

extension DeadLetter {
    var record: ByteWriter {
        var writer = ByteWriter()
        writer.append(date.millisecondsSince1970)
        writer.append(errorNumber)
        writer.append(deviceID)
        writer.append(error)
        writer.append(header)
        return writer
    }

    init?(_ reader: ByteReader, of message: MessageKey) {
        var reader = reader
        guard let date = reader.number(Int64.self), let errorNumber = reader.number(UInt32.self),
            let deviceID = reader.text(), let error = reader.text(), let header = reader.block(), reader.isAtEnd
        else { return nil }
        self.init(
            deviceID: deviceID, device: message.device, sequence: message.sequence, errorNumber: errorNumber,
            error: error, date: Date(millisecondsSince1970: date), header: header)
    }
}

extension StoreCounters {
    var record: ByteWriter {
        var writer = ByteWriter()
        writer.append(redelivered)
        writer.append(duplicates)
        return writer
    }

    init?(_ reader: ByteReader) {
        var reader = reader
        guard let redelivered = reader.number(UInt64.self), let duplicates = reader.number(UInt64.self),
            reader.isAtEnd
        else { return nil }
        self.init(redelivered: redelivered, duplicates: duplicates)
    }
}
