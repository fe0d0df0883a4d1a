import Diagnostics
import Foundation
import Testing

@Suite("JSON that may be hostile")
struct CheckedJSONTests {
    private struct Numbers: Decodable {
        let a: Int
    }

    private func refusal(_ text: Data, maximumBytes: Int = 1 << 20) -> String? {
        do throws(CheckedJSON.Fault) {
            _ = try CheckedJSON.decode(Numbers.self, from: text, maximumBytes: maximumBytes)
            return nil
        } catch {
            return error.reason
        }
    }

    private func refusal(_ text: String) -> String? { refusal(Data(text.utf8)) }

    @Test("deep nesting is refused, also where Foundation's own scanner would trap on the last byte")
    func depth() {
        let reason = "it is nested deeper than 64 levels"
        for depth in [65, 511, 512, 513, 100_000] {
            let opening = String(repeating: "[", count: depth)
            #expect(refusal("{\"a\":1,\"b\":" + opening) == reason)
            #expect(refusal("{\"a\":1,\"b\":" + opening + String(repeating: "]", count: depth) + "}") == reason)
            #expect(refusal(String(repeating: "{\"a\":", count: depth)) == reason)
        }
        let deep = String(repeating: "[", count: 63) + String(repeating: "]", count: 63)
        #expect(refusal("{\"a\":1,\"b\":\(deep)}") == nil)
    }

    @Test("brackets inside texts are not nesting")
    func texts() {
        #expect(refusal("{\"a\":1,\"b\":\"\(String(repeating: "[{", count: 100))\"}") == nil)
        #expect(refusal("{\"a\":1,\"b\":\"\\\"\(String(repeating: "[", count: 100))\\\\\"}") == nil)
    }

    @Test("a longer document than is read is refused before it is")
    func length() {
        let text = Data("{\"a\":1}".utf8)
        #expect(refusal(text, maximumBytes: text.count) == nil)
        #expect(refusal(text, maximumBytes: text.count - 1) == "it has 7 bytes, more than the 6 that are read")
    }

    @Test(
        "what is no JSON, and what has other values, is refused in words",
        arguments: [
            ("", "it is not JSON, or has a number that does not fit"),
            ("{\"a\":", "it is not JSON, or has a number that does not fit"),
            ("{\"a\":1}}", "it is not JSON, or has a number that does not fit"),
            ("[]", "the document has a value of the wrong kind"), ("{}", "the key a is missing"),
            ("{\"a\":null}", "the key a has a value of the wrong kind"),
        ])
    func words(_ text: String, _ reason: String) { #expect(refusal(text) == reason) }

    @Test("bytes that are no UTF-8 and numbers that fit nowhere are refused")
    func bytes() {
        #expect(refusal(Data("{\"a\":1,\"b\":\"".utf8) + [0xFF] + Data("\"}".utf8)) == "it is not UTF-8")
        for encoding in [String.Encoding.utf16LittleEndian, .utf16BigEndian, .utf32LittleEndian] {
            let hidden = "{\"a\":1,\"\u{2230}\":" + String(repeating: "[", count: 512)
            #expect(refusal(hidden.data(using: encoding) ?? Data()) == "it is not UTF-8")
        }
        #expect(refusal("{\"a\":1e400}") != nil)
        #expect(refusal("{\"a\":99999999999999999999}") != nil)
    }
}
