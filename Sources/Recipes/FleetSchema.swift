import Balancing
import Diagnostics

/// Every key of a fleet's file, once: its name, its place in `Fleet`, its values and its meaning.
enum FleetSchema {
    /// The section in which every class of devices has a section of its own name.
    static let classes = "classes"

    /// The keys outside the classes.
    static let fields: [RecipeField<Fleet>] = [
        .init("name", \.name, .name, required: true, "name of the fleet"),
        .init("seed", \.seed, .integer(0...UInt64.max), "seed of every use of chance"),
        .init("noise", \.noise, .real(0...1), "relative deviation of each duration from its mean"),
        .init(
            "model.frozen_blocks", \.model.frozenBlocks, .integer(1...1000), required: true,
            "frozen blocks: the largest cut"),
        .init("model.minimum_cut", \.model.minimumCut, .integer(0...1000), "blocks that every device runs at least"),
        .init(
            "model.bytes_per_token", \.model.bytesPerToken, .real(1...1e9), required: true,
            "payload bytes of one token: the model's width times bytes of a value"),
        .init(
            "model.memory_bytes_per_block", \.model.memoryBytesPerBlock, .bytes(0...1 << 40), required: true,
            "memory of a device for each block"),
        .init(
            "model.fixed_memory_bytes", \.model.fixedMemoryBytes, .bytes(0...1 << 40), required: true,
            "memory of a device beside its blocks"),
        .init(
            "model.step_in_blocks", \.model.stepInBlocks, .optional(.real(0.01...1e5)),
            "cost of a step for a token in forward passes of a frozen block, null to wait until steps are measured"),
        .init("training.epochs", \.model.epochs, .integer(1...10_000), "how often every sample is trained"),
        .init("training.batch", \.batch, .integer(1...16_384), "samples in an optimizer step"),
        .init("training.publish_batch", \.publishBatch, .integer(1...4096), "samples in one message"),
        .init("server.workers", \.workers, .integer(1...1024), "workers, which share the work evenly"),
        .init(
            "server.advance_block_tokens_per_second", \.advanceBlockTokensPerSecond, .real(1e-3...1e12),
            required: true, "tokens that a worker takes through one frozen block in a second"),
        .init(
            "server.step_tokens_per_second", \.stepTokensPerSecond, .real(1e-3...1e12), required: true,
            "tokens that a worker trains in a second"),
        .init(
            "server.ingest_bytes", \.ingestBytes, .bytes(1 << 16...1 << 40),
            "most bytes that all devices may have on their way"),
        .init(
            "balance.equal_cut", \.equalCut, .optional(.integer(0...1000)),
            "cut with which the run begins and equal cuts go on, null for the deepest that fits everybody"),
        .init(
            "balance.change", \.change, .real(0.01...10),
            "share by which a speed must change before cuts are chosen anew"),
        .init(
            "balance.improvement", \.improvement, .real(0...1),
            "share of the predicted time by which a new plan must be shorter"),
        .init("balance.report_seconds", \.reportSeconds, .real(0.1...86_400), "seconds between two looks at measures"),
    ]

    /// The keys of each class.
    static let classFields: [RecipeField<Fleet.DeviceClass>] = [
        .init("count", \.count, .integer(1...100_000), required: true, "devices of this class"),
        .init(
            "block_tokens_per_second", \.blockTokensPerSecond, .real(1e-3...1e12), required: true,
            "tokens that a device takes through one block in a second"),
        .init(
            "uplink_bytes_per_second", \.uplinkBytesPerSecond, .real(1...1e12), required: true,
            "payload bytes that its uplink carries in a second"),
        .init("round_trip_seconds", \.roundTripSeconds, .real(0...600), "to the worker and back"),
        .init(
            "memory_bytes", \.memoryBytes, .bytes(1 << 20...1 << 50), required: true,
            "memory that it may use for the model"),
        .init("samples", \.samples, .integer(1...1_000_000), required: true, "samples of one device"),
        .init("tokens_per_sample", \.tokensPerSample, .real(1...1e6), "tokens of one sample"),
        .init("spread", \.spread, .real(0...2), "relative deviation of speed and uplink between devices"),
        .init("late_seconds", \.lateSeconds, .real(0...1e7), "devices join evenly over so long"),
        .init("away_share", \.awayShare, .real(0...1), "share of devices that go away once"),
        .init("away_after_seconds", \.awayAfterSeconds, .real(0...1e7), "when they go"),
        .init("away_seconds", \.awaySeconds, .real(0...1e7), "how long they stay away"),
        .init("slow_share", \.slowShare, .real(0...1), "share of devices that become slower"),
        .init("slow_after_seconds", \.slowAfterSeconds, .real(0...1e7), "when they do"),
        .init("slow_factor", \.slowFactor, .real(1...1e4), "how many times longer they compute from then on"),
    ]

    /// What reading a file needs to know. A class may have any name without a dot.
    static let known = KnownKeys(
        isKey: { key in
            guard let (_, name) = classKey(key) else { return keys.contains(key) }
            return classKeys.contains(name)
        },
        isSection: { key in
            let parts = key.split(separator: ".", omittingEmptySubsequences: false)
            return sections.contains(key) || (parts.count == 2 && parts[0] == classes)
        },
        nearest: { key in
            if let (section, name) = classKey(key) {
                return nearestName(to: name, among: classKeys.sorted()).map { "\(classes).\(section).\($0)" }
            }
            let (_, name) = splitKey(key)
            return keys.sorted().first { splitKey($0).name == name }
                ?? nearestName(to: key, among: keys.sorted() + sections.sorted())
        })

    private static let keys = Set(fields.map(\.key))
    private static let classKeys = Set(classFields.map(\.key))
    private static let sections = Set(fields.compactMap(\.parts.section) + [classes])

    /// `classes.phone.count` as the class and its key, nil for any other key.
    static func classKey(_ key: String) -> (section: String, name: String)? {
        let parts = key.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == classes else { return nil }
        return (String(parts[1]), String(parts[2]))
    }
}
