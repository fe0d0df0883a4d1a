import Foundation
import Randomness
import Testing

@testable import Queueing

@Suite("CURVE keys and their files")
struct CurveKeyTests {
    @Test("a public key is its 40 characters, and nothing else is one")
    func texts() throws {
        let key = try CurveKeyPair.generate().publicKey
        #expect(key.z85.utf8.count == 40 && key.bytes.count == 32)
        #expect(try CurvePublicKey(z85: key.z85) == key)
        #expect(CurvePublicKey(bytes: key.bytes) == key)
        #expect(key.fingerprint.count == 16)
        for text in [
            "", "short", key.z85 + "0", String(key.z85.dropLast()) + " ", String(key.z85.dropLast()) + "é",
            "~" + key.z85.dropFirst(),
        ] {
            #expect(throws: KeyError.self) { try CurvePublicKey(z85: text) }
        }
        // The highest character everywhere is more than 32 bits per group of five.
        #expect(throws: KeyError.self) { try CurvePublicKey(z85: String(repeating: "#", count: 40)) }
    }

    @Test("neither a description, nor a dump, nor a mirror shows a secret key")
    func secrecy() throws {
        let pair = try CurveKeyPair.generate()
        let secret = pair.secretZ85
        var dumped = ""
        dump(pair, to: &dumped)
        dump([SocketSecurity.client(pair, server: pair.publicKey)], to: &dumped)
        let bytes = pair.withSecret { "\(Array($0).dropFirst().dropLast())".dropFirst().dropLast() }
        for text in [
            dumped, "\(pair)", String(reflecting: pair), "\(SocketSecurity.client(pair, server: pair.publicKey))",
        ] {
            #expect(!text.contains(secret))
            #expect(!text.contains(bytes))
        }
        #expect(dumped.contains(pair.publicKey.z85))
    }

    @Test("a pair that is written is read again, for its owner alone")
    func files() throws {
        try inFolder { folder in
            let pair = try CurveKeyPair.generate()
            let files = try KeyFiles(name: "gateway-7", folder: folder + "/keys")
            try files.write(pair, replacing: false)
            #expect(try mode(files.secretPath) == 0o600)
            #expect(try KeyFiles.pair(at: files.secretPath).secretZ85 == pair.secretZ85)
            #expect(try KeyFiles.publicKey(at: files.secretPath) == pair.publicKey)
            #expect(try KeyFiles.publicKey(at: files.publicPath) == pair.publicKey)
            #expect(throws: KeyError.self) { try KeyFiles.pair(at: files.publicPath) }
            #expect(try !String(contentsOfFile: files.publicPath, encoding: .utf8).contains(pair.secretZ85))

            #expect(throws: KeyError.exists(path: files.secretPath)) { try files.write(.generate(), replacing: false) }
            #expect(try KeyFiles.pair(at: files.secretPath) == pair)
            let other = try CurveKeyPair.generate()
            try files.write(other, replacing: true)
            #expect(try KeyFiles.pair(at: files.secretPath) == other)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/keys").count == 2)
        }
    }

    @Test("a secret key that others may read or write is refused", arguments: [0o640, 0o604, 0o620, 0o666, 0o610])
    func permissions(mode: Int) throws {
        try inFolder { folder in
            let files = try KeyFiles(name: "k", folder: folder)
            try files.write(.generate(), replacing: false)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: files.secretPath)
            #expect(throws: KeyError.readableByOthers(path: files.secretPath)) {
                try KeyFiles.pair(at: files.secretPath)
            }
            #expect(throws: KeyError.readableByOthers(path: files.secretPath)) {
                try KeyFiles.publicKey(at: files.secretPath)
            }
        }
    }

    @Test("names that lead elsewhere are refused", arguments: ["", ".", "../k", "a/b", "-k", ".k", "k\n", "ü"])
    func names(name: String) {
        #expect(throws: KeyError.invalidName(name)) { try KeyFiles(name: name, folder: "keys") }
    }

    @Test("a damaged key file is refused, and the error shows no key")
    func damage() throws {
        try inFolder { folder in
            var generator = SeededGenerator(seed: 41, stream: "keys")
            let pair = try CurveKeyPair.generate()
            let files = try KeyFiles(name: "k", folder: folder)
            try files.write(pair, replacing: false)
            let whole = try Data(contentsOf: URL(fileURLWithPath: files.secretPath))
            for round in 0..<500 {
                var damaged = whole
                if round % 3 == 0 { damaged = damaged.prefix(Int.random(in: 0..<whole.count, using: &generator)) }
                for _ in 0..<Int.random(in: 1...3, using: &generator) where !damaged.isEmpty {
                    damaged[Int.random(in: 0..<damaged.count, using: &generator)] = .random(
                        in: 0...255, using: &generator)
                }
                try damaged.write(to: URL(fileURLWithPath: files.secretPath))
                do throws(KeyError) {
                    // A changed comment, or the same byte again, harms nothing.
                    #expect(try KeyFiles.pair(at: files.secretPath).secretZ85 == pair.secretZ85)
                } catch {
                    #expect(!error.description.contains(pair.secretZ85.prefix(12)))
                    #expect(error.description.contains(files.secretPath))
                }
            }
        }
        #expect(throws: KeyError.self) { try KeyFiles.pair(at: "/dev/zero") }
        #expect(throws: KeyError.self) { try KeyFiles.pair(at: "/nowhere/k.key") }
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("keys-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }
}
