import Randomness
import Testing

@testable import Tokenizers

@Suite("Decoding token by token")
struct StreamingDecoderTests {
    private let tokenizer: ByteLevelBPE

    init() throws { tokenizer = try ByteLevelBPE(smallMetadata()) }

    /// What a decoder gives for each token, and at the end.
    private func stream(_ ids: [Int32], skipping: Bool = false) -> [String] {
        var decoder = StreamingDecoder(tokenizer, skippingSpecialTokens: skipping)
        return ids.map { decoder.append($0) } + [decoder.finish()]
    }

    /// The tokens of single bytes.
    private func ids(of bytes: [UInt8]) -> [Int32] {
        bytes.compactMap { tokenizer.id(of: ByteAlphabet.encode([$0])) }
    }

    @Test("a character comes with its last byte, and not before")
    func wholeCharacters() {
        #expect(stream(ids(of: Array("é😀".utf8))) == ["", "é", "", "", "", "😀", ""])
    }

    @Test(
        "bytes that can no longer become a character are not held back",
        arguments: [[0xED, 0xA0], [0xE0, 0x9F], [0xF0, 0x8F], [0xF4, 0x90], [0xC3, 0x41], [0x80, 0xFF]] as [[UInt8]])
    func hopeless(_ bytes: [UInt8]) {
        let parts = stream(ids(of: bytes))
        #expect(parts.last == "")
        #expect(parts.joined() == String(decoding: bytes, as: UTF8.self))
    }

    @Test("a text comes whole, without a replacement character on the way")
    func texts() {
        var chance = SeededGenerator(seed: 20, stream: "streaming")
        for _ in 0..<2000 {
            let text = randomText(length: 0...20, names: ["<|eot_id|>"], &chance)
            let parts = stream(tokenizer.encode(text))
            #expect(Array(parts.joined().utf8) == Array(text.utf8), "seed 20: \(text.debugDescription)")
            #expect(parts.last == "")
        }
    }

    @Test("any tokens give in parts what they give at once")
    func anyTokens() {
        var chance = SeededGenerator(seed: 20, stream: "token soup")
        for _ in 0..<5000 {
            let soup = ids(of: randomBytes(0...12, &chance)) + [Int32.random(in: -2...1010, using: &chance)]
            let mixed = soup.shuffled(using: &chance)
            for skipping in [false, true] {
                let whole = tokenizer.decode(mixed, skippingSpecialTokens: skipping)
                let parts = stream(mixed, skipping: skipping).joined()
                #expect(Array(parts.utf8) == Array(whole.utf8), "seed 20: \(mixed)")
            }
        }
    }

    @Test("what stays incomplete becomes a replacement character at the end, and the decoder begins anew")
    func incomplete() {
        var decoder = StreamingDecoder(tokenizer)
        for id in ids(of: Array("😀".utf8.prefix(3))) { #expect(decoder.append(id) == "") }
        #expect(decoder.finish() == "\u{FFFD}")
        #expect(decoder.finish() == "")
        #expect(decoder.append(ids(of: [0x61])[0]) == "a")
    }
}
