import Diagnostics
import Foundation
import Testing

@Suite("Exit codes")
struct ExitCodeTests {
    @Test("docs/exit-codes.md is what the enum says; PERMAFROST_RECORD=1 writes it anew")
    func page() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/exit-codes.md")
        if ProcessInfo.processInfo.environment["PERMAFROST_RECORD"] == "1" {
            try ExitCode.documentation.write(to: page, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: page, encoding: .utf8) == ExitCode.documentation)
    }

    @Test("a mistyped name finds the nearest one, a strange one none")
    func nearest() {
        #expect(nearestName(to: "epoch", among: ["batch", "epochs"]) == "epochs")
        #expect(nearestName(to: "xyzzy", among: ["batch", "epochs"]) == nil)
    }
}
