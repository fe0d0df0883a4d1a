import Randomness
import Testing
import Tokenizers

@Suite("Stop strings")
struct StopStringsTests {
    @Test("however a text is cut into pieces, it ends where the first stop string begins")
    func pieces() {
        var generator = SeededGenerator(seed: 4, stream: "stop-strings")
        for _ in 0..<2000 {
            let text = String(
                (0..<Int.random(in: 0...20, using: &generator)).map { _ in
                    ["a", "b", "\n", "é"].randomElement(using: &generator) ?? "a"
                }.joined())
            let stops = ["ab", "b\nb", "", "éé"]
            var scanner = StopStrings(stops), shown = ""
            var rest = text[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...3, using: &generator))
                shown += scanner.append(String(piece))
                rest = rest.dropFirst(piece.count)
            }
            shown += scanner.finish()
            let first = stops.filter { !$0.isEmpty }.compactMap { text.firstRange(of: $0)?.lowerBound }.min()
            #expect(shown == String(text[..<(first ?? text.endIndex)]))
            #expect(scanner.hasStopped == (first != nil))
        }
    }

    @Test("text that cannot become a stop string is shown at once")
    func prompt() {
        var scanner = StopStrings(["STOP"])
        #expect(scanner.append("Hello ST") == "Hello ")
        #expect(scanner.append("ART ") == "START ")
        #expect(scanner.append("S") == "")
        #expect(scanner.finish() == "S")
    }
}
