import Checkpoints
import Foundation
import Randomness
import Support
import Tensors
import Testing

@Suite("Safetensors files")
struct SafetensorsTests {
    @Test("what is written is read again, to the bit")
    func roundTrip() throws {
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("a.safetensors")
            let tensors = [
                "b/\u{E9}\"": SafetensorsTensor(shape: [2, 3], values: [1, -0.0, .infinity, 0x1p-149, 3, 4]),
                "a": SafetensorsTensor(shape: [2], values: [5, 6]),
                "scalar": SafetensorsTensor(shape: [], values: [7]),
                "empty": SafetensorsTensor(shape: [0, 4], values: []),
            ]
            try SafetensorsFile.write(tensors, metadata: ["format": "pt"], to: url)
            let file = try SafetensorsFile(url)
            #expect(file.metadata == ["format": "pt"])
            #expect(file.shapes == tensors.mapValues(\.shape))
            for (name, tensor) in tensors {
                let values = try file.values(name)
                #expect(values.map(\.bitPattern) == tensor.values.map(\.bitPattern))
            }
            let found = try floats(rows: 2, columns: 3) { try file.read("b/\u{E9}\"", into: $0) }
            #expect(found == tensors["b/\u{E9}\""]?.values)
        }
    }

    @Test("matrices, with gaps between their rows or without, become the file that their values become")
    func matrices() throws {
        try Fixtures.withTemporaryFolder { folder in
            var generator = SeededGenerator(seed: 6, stream: "matrices")
            let wide = Storage(normal: 70_000 * 3, using: &generator).matrix(rows: 3, columns: 70_000)
            let matrices: [String: (shape: [Int], matrix: Matrix)] = [
                "gaps": ([3, 35, 2], wide.columns(5..<75).rows(0..<3)), "whole": ([3, 70_000], wide),
                "row": ([9], wide.rows(1..<2).columns(0..<9)), "none": ([0, 4], wide.rows(0..<0).columns(0..<4)),
            ]
            let fromMatrices = folder.appendingPathComponent("a"), fromValues = folder.appendingPathComponent("b")
            try SafetensorsFile.write(matrices: matrices, metadata: ["format": "pt"], to: fromMatrices)
            try SafetensorsFile.write(
                matrices.mapValues { SafetensorsTensor(shape: $0.shape, values: $0.matrix.values) },
                metadata: ["format": "pt"], to: fromValues)
            #expect(try Data(contentsOf: fromMatrices) == Data(contentsOf: fromValues))
            let read = try SafetensorsFile(fromMatrices).values("gaps")
            #expect(read == wide.columns(5..<75).values)
            #expect(throws: SafetensorsError.unfittingValues(tensor: "x", shape: [2], count: 9)) {
                try SafetensorsFile.write(matrices: ["x": ([2], wide.rows(1..<2).columns(0..<9))], to: fromValues)
            }
        }
    }

    @Test("a file is replaced as a whole, and nothing is left beside it")
    func replacement() throws {
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("a.safetensors")
            for value in [Float(1), 2] {
                try SafetensorsFile.write(["x": SafetensorsTensor(shape: [1], values: [value])], to: url)
                let values = try SafetensorsFile(url).values("x")
                #expect(values == [value])
            }
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(names == ["a.safetensors"])
        }
    }

    @Test("a folder that cannot be written is named")
    func unwritable() {
        let url = URL(fileURLWithPath: "/proc/none/a.safetensors")
        #expect(throws: FileError.self) { try SafetensorsFile.write([:], to: url) }
    }

    @Test("values that do not fill the shape are refused before a byte is written")
    func unfittingValues() throws {
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("a.safetensors")
            #expect(throws: SafetensorsError.unfittingValues(tensor: "x", shape: [3], count: 2)) {
                try SafetensorsFile.write(["x": SafetensorsTensor(shape: [3], values: [1, 2])], to: url)
            }
            #expect(!Fixtures.exist(url))
        }
    }

    @Test(
        "a header that lies is refused",
        arguments: [
            #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
            #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            #"{"x":{"dtype":"F32","shape":[-1,-2],"data_offsets":[0,8]}}"#,
            #"{"x":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}"#,
            #"{"x":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}"#,
            #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
            #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}"#,
            #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#,
            #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
            #"{"x":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}"#,
            #"{"x":{"dtype":"F32","shape":[2]}}"#,
            #"{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}"#,
            #"{"__metadata__":{"a":1}}"#, "[]", "", "nonsense", "{}",
        ])
    func lyingHeader(_ header: String) throws {
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("a.safetensors")
            let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
            try (length + Data(header.utf8) + Data(count: 8)).write(to: url)
            #expect(throws: SafetensorsError.self) { try SafetensorsFile(url) }
        }
    }

    @Test("integers are listed, but not read as floats")
    func integers() throws {
        try Fixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("a.safetensors")
            let header = #"{"x":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#
            let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
            try (length + Data(header.utf8) + Data(count: 8)).write(to: url)
            let file = try SafetensorsFile(url)
            #expect(file.shapes == ["x": [1]])
            #expect(throws: SafetensorsError.unsupportedType(file: url.path, tensor: "x", type: "I64")) {
                try file.values("x")
            }
        }
    }
}
