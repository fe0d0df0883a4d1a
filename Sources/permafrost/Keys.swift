import ArgumentParser
import Queueing
import Runs

/// `permafrost keys`.
struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes and shows the keys by which devices, workers and the coordinator know each other.",
        discussion: """
            Examples:
              permafrost keys generate gateway-7
              permafrost keys show keys/gateway-7.pub

            A pair is two files: NAME.key, which stays with its owner and which nobody else may read, and NAME.pub, \
            which the coordinator enrolls.
            """,
        subcommands: [Generate.self, Show.self])

    /// `permafrost keys generate`.
    struct Generate: AnsweringCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a key pair: NAME.key, for its owner alone, and NAME.pub.",
            discussion: """
                Examples:
                  permafrost keys generate coordinator
                  permafrost keys generate gateway-7 --folder /etc/permafrost/keys

                Then, where the coordinator runs:
                  permafrost devices enroll gateway-7 --key gateway-7.pub
                """)

        @Argument(help: "Whose pair it is, such as the device's id.")
        var name: String

        @Option(help: "Where the files go.", completion: .directory)
        var folder = "keys"

        @Flag(help: "Replace a pair of that name; whoever enrolled it must enroll the new one.")
        var force = false

        @Option(help: "How the answer is printed.")
        var format = OutputFormat.text

        func answer() throws {
            let files = try KeyFiles(name: name, folder: folder)
            let pair = try CurveKeyPair.generate()
            try files.write(pair, replacing: force)
            switch format {
            case .json:
                Console.print(
                    jsonText(
                        KeyAnswer(
                            publicKey: pair.publicKey, publicFile: files.publicPath, secretFile: files.secretPath),
                        indented: true))
            case .text:
                Console.print(
                    """
                    \(files.secretPath)  secret: it stays where \(name) runs
                    \(files.publicPath)  public: \(pair.publicKey), fingerprint \(pair.publicKey.fingerprint)
                    """)
            }
        }
    }

    /// `permafrost keys show`.
    struct Show: AnsweringCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the public key of a .pub or .key file.",
            discussion: """
                Examples:
                  permafrost keys show keys/gateway-7.pub
                  permafrost keys show keys/gateway-7.key --format json

                A secret key is never shown; its file is refused when others may read it.
                """)

        @Argument(help: "A .pub or .key file.", completion: .file(extensions: ["pub", "key"]))
        var file: String

        @Option(help: "How the answer is printed.")
        var format = OutputFormat.text

        func answer() throws {
            let key = try KeyFiles.publicKey(at: file)
            Console.print(
                format == .json
                    ? jsonText(KeyAnswer(publicKey: key), indented: true)
                    : "\(key)  fingerprint \(key.fingerprint)")
        }
    }
}

/// What the commands tell of a key. The fingerprint is that of the logs.
private struct KeyAnswer: Encodable {
    let publicKey: String
    let fingerprint: String
    let publicFile: String?
    let secretFile: String?

    init(publicKey: CurvePublicKey, publicFile: String? = nil, secretFile: String? = nil) {
        self.publicKey = publicKey.z85
        fingerprint = publicKey.fingerprint
        self.publicFile = publicFile
        self.secretFile = secretFile
    }
}
