import Checkpoints
import Foundation
import Support
import Testing

@Suite("GGUF headers that lie")
struct LyingGGUFTests {
    /// What is thrown for a file that deviates from a good one.
    private func refusal(_ change: (inout GGUFBuilder) -> Void) throws -> GGUFError? {
        var builder = GGUFBuilder()
        change(&builder)
        return try refusal(builder.bytes)
    }

    private func refusal(_ bytes: Data) throws -> GGUFError? {
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("x.gguf")
            try bytes.write(to: url)
            do {
                _ = try GGUFFile(url)
                return nil
            } catch let error as GGUFError {
                return error
            }
        }
    }

    private func reason(_ error: GGUFError?) -> String? {
        if case .malformed(_, _, let reason) = error { reason } else { nil }
    }

    @Test("a good file passes, so that each refusal below has the named cause")
    func good() throws {
        let error = try refusal { builder in
            builder.pair("a", "b")
            builder.tensor("x", [32, 1])
            builder.tensor("y", [32], type: 0, offset: 128)
        }
        #expect(error == nil)
    }

    @Test("another magic or version is refused", arguments: [1, 2, 4, 0x0300_0000] as [UInt32])
    func version(_ version: UInt32) throws {
        let error = try refusal { $0.version = version }
        guard case .unsupportedVersion(_, version) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        let foreign = try refusal(Data("GGML".utf8) + Data(count: 60))
        guard case .notGGUF = foreign else {
            Issue.record("\(String(describing: foreign))")
            return
        }
    }

    @Test("counts and lengths beyond the file are refused before anything is reserved")
    func lengths() throws {
        for count in [UInt64.max, 1 << 60, 1000] {
            let endless = try [
                refusal { $0.pairCount = count },
                refusal { $0.tensorCount = count },
                refusal { $0.pair("k", type: 8, GGUFBuilder.number(count)) },
                refusal { $0.pair("k", type: 9, GGUFBuilder.number(UInt32(0)) + GGUFBuilder.number(count)) },
                refusal { $0.pair("k", type: 9, GGUFBuilder.number(UInt32(12)) + GGUFBuilder.number(count)) },
            ]
            for error in endless {
                #expect(error != nil)
                #expect(error?.exitCode == .modelTruncated || error?.exitCode == .modelMalformed)
            }
        }
    }

    @Test("deep lists, unknown types, foreign truths and texts that are not UTF-8 are refused")
    func values() throws {
        let nested = (0..<10).map { _ in GGUFBuilder.number(UInt32(9)) + GGUFBuilder.number(UInt64(1)) }
        #expect(try reason(refusal { $0.pair("k", type: 9, nested.reduce(Data(), +)) })?.contains("nested") == true)
        #expect(try reason(refusal { $0.pair("k", type: 13, Data()) })?.contains("13") == true)
        #expect(try reason(refusal { $0.pair("k", type: 7, Data([2])) }) != nil)
        let broken = GGUFBuilder.number(UInt64(2)) + Data([0xC3, 0x28])
        #expect(try reason(refusal { $0.pair("k", type: 8, broken) }) == "the text is not UTF-8")
    }

    @Test("names that occur twice are refused")
    func duplicates() throws {
        let key = try refusal { builder in
            builder.pair("a", "b")
            builder.pair("a", "c")
        }
        #expect(reason(key) == "the key occurs twice")
        let tensor = try refusal { builder in
            builder.tensor("x", [8])
            builder.tensor("x", [8], offset: 32)
        }
        #expect(reason(tensor) == "the name occurs twice")
    }

    @Test("an alignment that is no power of two is refused", arguments: [0, 1, 33, 1 << 31] as [UInt32])
    func alignment(_ alignment: UInt32) throws {
        let error = try refusal { $0.pair("general.alignment", alignment) }
        guard case .wrongValue(_, "general.alignment", _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("impossible dimensions are refused")
    func dimensions() throws {
        for extents in [[], [0], [8, 0], [1, 1, 1, 1, 1], [.max], [1 << 40, 1 << 40], [1 << 62, 4]] as [[UInt64]] {
            #expect(try reason(refusal { $0.tensor("x", extents) }) != nil, "\(extents)")
        }
        #expect(try reason(refusal { $0.tensor("x", [31], type: 2) })?.contains("blocks") == true)
    }

    @Test("tensors outside the file, between alignments, overlapping or of unknown format are refused")
    func places() throws {
        #expect(try refusal { $0.tensor("x", [64], offset: 32) }?.exitCode == .modelTruncated)
        #expect(try reason(refusal { $0.tensor("x", [8], offset: .max) }) != nil)
        #expect(try reason(refusal { $0.tensor("x", [8], offset: UInt64(Int.max) - 31) }) != nil)
        #expect(try reason(refusal { $0.tensor("x", [8], offset: 4) })?.contains("alignment") == true)
        let overlap = try refusal { builder in
            builder.tensor("x", [16])
            builder.tensor("y", [8], offset: 32)
        }
        #expect(reason(overlap) == "it overlaps another tensor")
        guard case .unsupportedTensorType(_, "x", 10) = try refusal({ $0.tensor("x", [256], type: 10) }) else {
            Issue.record("a tensor of an unknown format was accepted")
            return
        }
    }
}
