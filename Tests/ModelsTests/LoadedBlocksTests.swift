import Checkpoints
import Foundation
import Models
import Support
import Synchronization
import Tensors
import Testing

/// A random model that counts how often each tensor is read.
private final class CountingSource: ModelSource {
    let base: RandomModelSource
    let reads = Mutex<[String: Int]>([:])

    init(_ base: RandomModelSource) { self.base = base }

    var hyperparameters: Hyperparameters { base.hyperparameters }
    func shape(of name: String) -> [Int]? { base.shape(of: name) }
    func readRows(_ rows: [Int], of name: String, into matrix: Matrix) {
        base.readRows(rows, of: name, into: matrix)
    }
    func releasePages() {}

    func read(_ name: String, into matrix: Matrix) {
        reads.withLock { $0[name, default: 0] += 1 }
        base.read(name, into: matrix)
    }

    /// How often the tensors of each block were read.
    func readsByBlock() -> [Set<Int>] {
        let names = hyperparameters.family.names
        return (0..<hyperparameters.layers).map { block in
            let prefix = names.inBlock(block, "")
            return reads.withLock { reads in Set(reads.filter { $0.key.hasPrefix(prefix) }.values) }
        }
    }
}

@Suite("When and from where blocks are loaded")
struct LoadedBlocksTests {
    private static let digest = String(repeating: "ab", count: 32)

    private func outputs(_ model: LanguageModel, blocks: Int? = nil) throws -> [Float] {
        let tokens: [Int32] = [3, 14, 15, 9, 2, 6], width = model.hyperparameters.width
        let layout = SequenceLayout(lengths: [4, 2])
        let x_TD = Storage(count: tokens.count * width).matrix(rows: tokens.count, columns: width)
        try model.embed(tokens, layout: layout, into: x_TD)
        model.forward(0..<(blocks ?? model.hyperparameters.layers), x_TD, layout: layout, scratch: Arena())
        return x_TD.values
    }

    @Test("only blocks that are asked for are read, each once, however many threads ask at the same time")
    func whenAsked() throws {
        let source = CountingSource(try RandomModelSource(layers: 6))
        let model = try LanguageModel(source: source, maximumTokens: 8, loadedBlocks: 5, loading: .whenAsked)
        #expect(source.readsByBlock() == Array(repeating: [], count: 6))
        let pool = ComputePool(threads: 4)
        for count in [2, 3] { _ = try pool.map(8) { _ in try model.load(count) } }
        #expect(source.readsByBlock() == [[1], [1], [1], [], [], []])
        let whole = try LanguageModel(source: source.base, maximumTokens: 8, loading: .atOnce(pool))
        #expect(try outputs(model, blocks: 3) == outputs(whole, blocks: 3))
    }

    @Test(
        "blocks that were prepared are those of the source to the bit, and nothing of them is read from it",
        arguments: [ModelFamily.llama, .gpt2, .opt], WeightType.allCases)
    func prepared(family: ModelFamily, type: WeightType) throws {
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("blocks")
            let base = try RandomModelSource(family: family, layers: 3)
            try PreparedBlocks.write(to: url, of: base, digest: Self.digest, as: type)
            let size = try FileManager.default.attributesOfItem(atPath: url.path)[.size] as? Int
            #expect(size == PreparedBlocks.bytes(base.hyperparameters, as: type))
            let source = CountingSource(base)
            let blocks = try PreparedBlocks(url, of: base.hyperparameters, digest: Self.digest, as: type) {
                Issue.record("\($0.problem)")
            }
            let model = try LanguageModel(source: source, maximumTokens: 8, weightType: type, prepared: blocks)
            #expect(source.readsByBlock() == [[], [], []])
            #expect(try outputs(model) == outputs(LanguageModel(source: base, maximumTokens: 8, weightType: type)))
        }
    }

    @Test(
        "blocks that never run backward have the bits of the others",
        arguments: [ModelFamily.llama, .gpt2, .opt], WeightType.allCases)
    func forwardOnly(family: ModelFamily, type: WeightType) throws {
        let source = try RandomModelSource(family: family, layers: 3)
        let all = try outputs(LanguageModel(source: source, maximumTokens: 8, weightType: type))
        for count in [2, 3] {
            let model = try LanguageModel(source: source, maximumTokens: 8, forwardOnly: count, weightType: type)
            #expect(try outputs(model) == all)
        }
    }

    @Test("a damaged block is told about and comes from the source, the others do not")
    func damaged() throws {
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("blocks")
            let base = try RandomModelSource(layers: 3)
            try PreparedBlocks.write(to: url, of: base, digest: Self.digest, as: .bf16)
            var data = try Data(contentsOf: url)
            // In the second of three blocks: before them lies a page, behind them four checksums.
            data[4096 + (data.count - 4096 - 32) / 3 + 100] ^= 1
            try data.write(to: url)
            let problems = Mutex<[String]>([])
            let blocks = try PreparedBlocks(url, of: base.hyperparameters, digest: Self.digest, as: .bf16) { error in
                problems.withLock { $0.append(error.problem) }
            }
            let source = CountingSource(base)
            let model = try LanguageModel(source: source, maximumTokens: 8, weightType: .bf16, prepared: blocks)
            #expect(problems.withLock { $0.count == 1 && $0[0].contains("part 2 of 3") && $0[0].contains(url.path) })
            #expect(source.readsByBlock() == [[], [1], []])
            #expect(try outputs(model) == outputs(LanguageModel(source: base, maximumTokens: 8, weightType: .bf16)))
        }
    }

    @Test("blocks of another model or another type are refused")
    func strangers() throws {
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("blocks")
            let model = try RandomModelSource(layers: 3)
            try PreparedBlocks.write(to: url, of: model, digest: Self.digest, as: .f32)
            let other = try RandomModelSource(layers: 3, width: 32).hyperparameters
            for (sizes, digest, type) in [
                (other, Self.digest, .f32), (model.hyperparameters, "\(Self.digest.dropLast())c", .f32),
                (model.hyperparameters, Self.digest, .bf16),
            ] as [(Hyperparameters, String, WeightType)] {
                #expect(throws: FileError.self) {
                    try PreparedBlocks(url, of: sizes, digest: digest, as: type) { _ in }
                }
            }
        }
    }
}
