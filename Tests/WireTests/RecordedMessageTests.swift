import Faults
import Foundation
import Testing
import Wire

/// The bytes of every kind of message, in a file each, in `recorded/MAJOR.MINOR`. Programs out there speak them: what an
/// earlier minor version wrote is never recorded again.
@Suite("Recorded messages")
struct RecordedMessageTests {
    private static let minors = Array(0...Envelope.minorVersion)
    private static let isRecording = ProcessInfo.processInfo.environment["PERMAFROST_RECORD"] == "1"

    @Test("every kind of message has an example, in which every field says something")
    func examples() {
        #expect(Set(ExampleMessages.all.map(\.body.name)).count == RandomMessages.kinds)
        #expect(ExampleMessages.all.count == RandomMessages.kinds)
    }

    @Test("messages of this version have the recorded bytes; PERMAFROST_RECORD=1 writes them anew")
    func present() throws {
        if Self.isRecording { try record() }
        for message in ExampleMessages.all {
            #expect(message.encode() == (try recorded(message, minor: Envelope.minorVersion)), "\(message.body.name)")
        }
    }

    @Test(
        "what any minor version wrote is read as it was meant, and written again with the same bytes", arguments: minors
    )
    func earlier(minor: UInt32) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder(minor).path)
        #expect(!names.isEmpty)
        for message in ExampleMessages.all where names.contains(fileName(message)) {
            let bytes = try recorded(message, minor: minor)
            let read = try Envelope.decode(bytes, limits: WireLimits())
            #expect(read == message.spoken(inMinor: minor), "\(message.body.name)")
            #expect(read.encode() == bytes, "\(message.body.name)")
        }
    }

    @Test("no message of an earlier minor version has been forgotten", arguments: minors)
    func complete(minor: UInt32) throws {
        let known = Set(ExampleMessages.all.map(fileName))
        #expect(try Set(FileManager.default.contentsOfDirectory(atPath: folder(minor).path)).isSubset(of: known))
    }

    @Test("fields and messages of a later minor version are skipped, or refused with words")
    func later() throws {
        let message = Envelope(run: "r", sender: "s", body: .hello(.init(samples: 7)))
        // Field 900 of the header, a text of two bytes.
        let header = message.encode() + [0xA2, 0x38, 2, 0x68, 0x69]
        #expect(try Envelope.decode(header, limits: WireLimits()) == message)
        // The same inside of Hello (field 10), whose length is the byte before its only field.
        var hello = message.encode()
        let place = try #require(hello.indices.first { hello[$0...].starts(with: [0x52, 2, 0x08, 7]) })
        hello.replaceSubrange(place..<(place + 4), with: [0x52, 7, 0x08, 7, 0xA2, 0x38, 2, 0x68, 0x69])
        #expect(try Envelope.decode(hello, limits: WireLimits()) == message)
    }

    private func folder(_ minor: UInt32) -> URL {
        URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "recorded/\(Envelope.version(minor: minor))")
    }

    private func fileName(_ message: Envelope) -> String { "\(message.body.name).hex" }

    /// The bytes of a file of hexadecimal lines.
    private func recorded(_ message: Envelope, minor: UInt32) throws -> [UInt8] {
        let text = try String(contentsOf: folder(minor).appending(path: fileName(message)), encoding: .utf8)
        let digits = text.filter { !$0.isWhitespace }
        return try stride(from: 0, to: digits.count, by: 2).map { place in
            let start = digits.index(digits.startIndex, offsetBy: place)
            return try #require(UInt8(digits[start...].prefix(2), radix: 16))
        }
    }

    private func record() throws {
        let folder = folder(Envelope.minorVersion)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for message in ExampleMessages.all {
            let bytes = message.encode().map { String(format: "%02x", $0) }
            let lines = stride(from: 0, to: bytes.count, by: 32).map { bytes[$0...].prefix(32).joined() + "\n" }
            try lines.joined().write(
                to: folder.appending(path: fileName(message)), atomically: true, encoding: .utf8)
        }
    }
}
