import Diagnostics
import Foundation
import Support
import Testing

@Suite("permafrost keys")
struct KeysTests {
    @Test("a pair is made for its owner alone, shown without its secret, and replaced only when that is said")
    func keys() throws {
        try Fixtures.withTemporaryFolder { folder in
            let made = try Program.run(["keys", "generate", "gateway-7", "--format", "json"], in: folder)
            #expect(made.exitCode == 0, "\(made.errors)")
            let key = try JSON(made.output).text("public_key")
            let secretFile = folder.appendingPathComponent("keys/gateway-7.key")
            let mode = try FileManager.default.attributesOfItem(atPath: secretFile.path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let line = try #require(
                String(contentsOf: secretFile, encoding: .utf8).split(separator: "\n").first {
                    $0.hasPrefix("secret-key")
                })
            let secret = try #require(line.split(separator: " ").last)

            for file in ["keys/gateway-7.key", "keys/gateway-7.pub"] {
                let shown = try Program.run(["keys", "show", file], in: folder)
                #expect(shown.output.hasPrefix(key) && !shown.output.contains(secret))
            }
            let again = try Program.run(["keys", "generate", "gateway-7"], in: folder)
            #expect(again.exitCode == ExitCode.keyRefused.rawValue && again.errors.contains("--force"))
            let forced = try Program.run(["keys", "generate", "gateway-7", "--force"], in: folder)
            #expect(forced.exitCode == 0 && !forced.output.contains(key))

            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: secretFile.path)
            let open = try Program.run(["keys", "show", "keys/gateway-7.key"], in: folder)
            #expect(open.exitCode == ExitCode.keyRefused.rawValue && open.errors.contains("chmod 600"))
        }
    }
}
