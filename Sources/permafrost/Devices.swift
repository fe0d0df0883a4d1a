import ArgumentParser
import Foundation
import Ledger
import Runs

/// `permafrost devices`.
struct Devices: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists a run's devices; lets devices and workers in by their keys, and shuts them out.",
        subcommands: [DeviceList.self, DeviceEnroll.self, DeviceRevoke.self])
}

/// `permafrost devices ls`.
struct DeviceList: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "Lists a run's devices, and every key that was enrolled.")

    @Option(help: "The run's id; the newest one if left out.")
    var run: String?

    @OptionGroup var state: StateArguments

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func answer() throws {
        let ledger = try state.ledger(.reading)
        // Keys are enrolled before there is a run.
        let known = try run != nil || !ledger.runs().isEmpty ? state.run(run, in: ledger) : nil
        let devices = try known.map { try ledger.state(of: $0.id).devices } ?? []
        let keys = try ledger.keys()
        if format == .json {
            return Console.print(jsonText(Answer(run: known?.id, devices: devices, keys: keys), indented: true))
        }
        Console.print((Self.table(devices) + [""] + Self.table(keys)).joined(separator: "\n"))
    }

    private static func table(_ devices: [DeviceRecord]) -> [String] {
        guard !devices.isEmpty else { return ["no device yet"] }
        var table = TextTable([
            ("DEVICE", .left), ("STATE", .left), ("SAMPLES", .right), ("CUT", .right), ("WORKER", .left),
            ("S/BLOCK", .right), ("UPLINK", .right),
        ])
        for device in devices {
            table.add([
                device.id, device.state.rawValue, Figures.count(device.samples), "\(device.cut)", device.worker ?? "-",
                device.blockSeconds.map { Figures.decimal($0, 4) } ?? "-",
                device.uplinkBytesPerSecond.map { "\(Figures.bytes($0))/s" } ?? "-",
            ])
        }
        return table.lines
    }

    private static func table(_ keys: [KeyRecord]) -> [String] {
        guard !keys.isEmpty else { return ["no key is enrolled"] }
        var table = TextTable([("ID", .left), ("ROLE", .left), ("KEY", .left), ("STATE", .left)])
        for key in keys {
            let enrolled = "enrolled \(Figures.moment(key.enrolled))"
            let state = key.revoked.map { "revoked \(Figures.moment($0))" } ?? enrolled
            table.add([key.id, key.role.rawValue, key.publicKey, state])
        }
        return table.lines
    }

    private struct Answer: Encodable {
        let run: String?
        let devices: [DeviceRecord]
        let keys: [KeyRecord]
    }
}

extension KeyRecord.Role: ExpressibleByArgument {}

/// `permafrost devices enroll`.
struct DeviceEnroll: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "enroll",
        abstract: "Lets the holder of a key in under an id, at once.",
        discussion: """
            Examples:
              permafrost devices enroll gateway-7 --key keys/gateway-7.pub
              permafrost devices enroll worker-0 --key keys/worker-0.pub --role worker

            An id that is enrolled again speaks with the new key only.
            """)

    @Argument(help: "The id under which the key's holder will speak.")
    var id: String

    @Option(help: "The holder's public key file.", completion: .file(extensions: ["pub"]))
    var key: String

    @Option(help: "What the holder may be.")
    var role = KeyRecord.Role.device

    @OptionGroup var state: StateArguments

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func answer() throws {
        let publicKey = try PublicKeyFile(path: key).key
        try state.ledger(.operations).enroll(id: id, role: role, publicKey: publicKey)
        Console.print(
            format == .json
                ? jsonText(["enrolled": id, "role": role.rawValue, "public_key": publicKey])
                : "enrolled \(role.rawValue) \(id)")
    }
}

/// `permafrost devices revoke`.
struct DeviceRevoke: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Shuts the holder of an id's key out, at once.")

    @Argument(help: "The id that was enrolled.")
    var id: String

    @Option(help: "What it was enrolled as.")
    var role = KeyRecord.Role.device

    @OptionGroup var state: StateArguments

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func answer() throws {
        _ = try state.ledger(.reading)
        try state.ledger(.operations).revoke(id: id, role: role)
        Console.print(
            format == .json
                ? jsonText(["revoked": id, "role": role.rawValue]) : "revoked \(role.rawValue) \(id)")
    }
}

/// The public half of a key pair, as `permafrost keys generate` writes it: `public-key = …`.
private struct PublicKeyFile {
    let key: String

    init(path: String) throws(OperationError) {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw .keyUnreadable(path: path, reason: error.localizedDescription)
        }
        let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
        guard let line = lines.first(where: { $0.count == 3 && $0[0] == "public-key" }) else {
            throw .keyUnreadable(path: path, reason: "it has no line 'public-key = …'")
        }
        key = String(line[2])
    }
}
