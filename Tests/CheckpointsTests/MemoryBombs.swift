import Foundation

/// Files of a few megabytes whose headers are made to take as much memory as they can.
enum MemoryBombs {
    /// Names, with the extension of the format, and contents.
    static let all: [(name: String, bytes: @Sendable () -> Data)] = [
        (
            "many numbers.safetensors",
            { safetensors(#""x":{"dtype":"F32","shape":[0,"# + zeros + #"],"data_offsets":[0,0]}"#) }
        ),
        (
            "many tensors.safetensors",
            { safetensors(join(36_000) { #""\#($0)":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}"# }) }
        ),
        ("many texts.safetensors", { safetensors(#""__metadata__":{"# + join(180_000) { #""\#($0)":"""# } + "}") }),
        ("too long.safetensors", { safetensors(String(repeating: " ", count: 8 << 20)) }),
        ("many numbers.json", { Data(#"{"model_type":[\#(zeros.prefix(1_000_000))0]}"#.utf8) }),
        ("too long.json", { Data(#"{"model_type":[\#(zeros)\#(zeros)0]}"#.utf8) }),
        ("many bytes.gguf", { gguf { $0.pair("k", type: 9, list(0, 3_000_000) + Data(count: 3_000_000)) } }),
        ("many bytes more.gguf", { gguf { $0.pair("k", type: 9, list(0, 30_000_000) + Data(count: 30_000_000)) } }),
        ("many texts.gguf", { gguf { $0.pair("k", type: 9, list(8, 1_000_000) + text(1_000_000, length: 16)) } }),
        ("many short texts.gguf", { gguf { $0.pair("k", type: 9, list(8, 2_500_000) + text(2_500_000, length: 0)) } }),
        ("many lists.gguf", { gguf { $0.pair("k", type: 9, list(9, 1_000_000) + lists(1_000_000)) } }),
        ("many pairs.gguf", { gguf { builder in for i in 0..<400_000 { builder.pair("\(i)", type: 0, Data([0])) } } }),
        ("many tensors.gguf", { gguf { builder in for i in 0..<200_000 { builder.tensor("\(i)", [1]) } } }),
    ]

    private static let zeros = String(repeating: "0,", count: 1_000_000)

    private static func join(_ count: Int, _ part: (Int) -> String) -> String {
        (0..<count).map(part).joined(separator: ",")
    }

    private static func safetensors(_ entries: String) -> Data {
        let header = Data("{\(entries)}".utf8)
        return withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) } + header
    }

    private static func gguf(_ fill: (inout GGUFBuilder) -> Void) -> Data {
        var builder = GGUFBuilder()
        fill(&builder)
        return builder.bytes
    }

    private static func list(_ type: UInt32, _ count: UInt64) -> Data {
        GGUFBuilder.number(type) + GGUFBuilder.number(count)
    }

    private static func text(_ count: Int, length: Int) -> Data {
        let one = GGUFBuilder.text(String(repeating: "a", count: length))
        return repeated(one, count)
    }

    private static func lists(_ count: Int) -> Data { repeated(list(0, 1) + Data([7]), count) }

    private static func repeated(_ part: Data, _ count: Int) -> Data {
        var data = Data(capacity: part.count * count)
        for _ in 0..<count { data.append(part) }
        return data
    }
}
