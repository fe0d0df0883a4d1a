import Foundation
import Testing
import Wire

@Suite("The contract")
struct ContractTests {
    @Test("the committed C code is what Proto/permafrost.proto compiles to")
    func generatedCode() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
        let process = Process()
        process.executableURL = root.appending(path: "scripts/proto")
        process.arguments = ["--check"]
        let output = Pipe()
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
    }

    @Test("protocol error numbers stay what they are, and each says what was wrong and what to do")
    func errorNumbers() {
        let numbered: [(UInt32, WireError)] = [
            (1, .unsupportedVersion(2)), (2, .headerTooLarge(bytes: 2, limit: 1)), (3, .malformedHeader(bytes: 1)),
            (4, .missingBody), (5, .textTooLong(bytes: 2, limit: 1)), (6, .unexpectedMessage("Stop")),
            (10, .unknownRun("r")), (11, .unknownSender("s")), (12, .unknownSession), (13, .notEnrolled("s")),
            (14, .wrongRole("s")), (20, .payloadMissing),
            (21, .tooManyFrames(found: 2, expected: 1)), (22, .frameTooLarge(bytes: 2, limit: 1)),
            (23, .wrongPayloadLength(bytes: 1, expected: 2)), (24, .unknownCodec(3)),
            (25, .checksumMismatch(stated: 1, computed: 2)), (26, .nonFiniteValue(row: 0, column: 1)),
            (27, .notExpandable(compression: 1, bytes: 2, expected: 3)),
            (30, .noSamples), (31, .tooManySamples(count: 2, limit: 1)),
            (32, .countsDiffer(ids: 1, lengths: 2, targetLengths: 3)),
            (33, .lengthOutOfRange(sample: 1, length: 9, limit: 8)), (34, .tooManyRows(rows: 2, limit: 1)),
            (35, .rowsMismatch(rows: 1, sum: 2)), (36, .widthMismatch(columns: 1, expected: 2)),
            (37, .cutOutOfRange(cut: 2, maximum: 1)), (38, .duplicateSample(1)), (39, .foreignSample(1)),
            (40, .targetOutOfRange(sample: 1, target: 2, limit: 2)), (41, .sampleAlreadyStored(1)),
            (42, .tooManyTargets(count: 2, limit: 1)), (43, .targetLengthOutOfRange(sample: 1, targets: 3, length: 2)),
            (44, .targetsMismatch(targets: 1, sum: 2)), (45, .partOutOfRange(part: 2, parts: 2, rows: 8)),
            (46, .partsDiffer(sequence: 1)),
            (50, .creditExceeded(bytes: 2, available: 1)), (51, .staleAttempt(attempt: 1, latest: 2)),
            (52, .sequenceOutOfRange(sequence: 9, samples: 4)), (53, .deadLettered(sequence: 1)),
            (54, .senderRefused(deadLetters: 16)), (55, .storeFull(neededBytes: 2, freeBytes: 1)), (56, .draining),
            (60, .unknownKind(99)), (61, .tooManyTensors(count: 2, limit: 1)), (62, .nameRepeated("loss")),
            (63, .messageTooLarge(bytes: 8, limit: 4)), (64, .numberOutOfRange(name: "step", value: 0)),
        ]
        for (number, error) in numbered {
            #expect(error.number == number)
            #expect(!error.problem.isEmpty && !error.problem.hasSuffix("."))
            #expect(!error.remedy.isEmpty && !error.remedy.hasSuffix("."))
            #expect(Body.Reject(sequence: 4, error: error).number == number)
        }
        #expect(Set(numbered.map(\.1.problem)).count == numbered.count)
    }

    @Test("docs/protocol.md has every error number as the enum says; PERMAFROST_RECORD=1 writes them anew")
    func page() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/protocol.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let begin = try #require(text.range(of: "<!-- errors:.*-->\n", options: .regularExpression))
        let end = try #require(text.range(of: "<!-- end of errors -->"))
        let expected = text[..<begin.upperBound] + ProtocolError.documentation + "\n" + text[end.lowerBound...]
        if ProcessInfo.processInfo.environment["PERMAFROST_RECORD"] == "1" {
            try expected.write(to: page, atomically: true, encoding: .utf8)
        } else {
            #expect(text == expected)
        }
        #expect(ProtocolError.allCases.allSatisfy { !$0.meaning.isEmpty && !$0.meaning.hasSuffix(".") })
    }
}
