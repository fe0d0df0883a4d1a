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
            "model.block_flops_per_token", \.blockFlopsPerToken, .optional(.real(1...1e18)),
            "operations of a token in one block, by which FLOP/s give block_tokens_per_second where it is missing"),
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
        .init(
            "radio.bandwidth_hertz", \.radio.bandwidthHertz, .optional(.real(1...1e12)),
            "bandwidth that all uplinks share when methods are compared, null for uplink_bytes_per_second"),
        .init("radio.block_seconds", \.radio.blockSeconds, .real(1e-3...1e5), "for so long fading stays as it is"),
        .init(
            "radio.reference_snr_decibels", \.radio.referenceSNRDecibels, .real(-50...100),
            "mean signal to noise at the reference distance"),
        .init("radio.reference_metres", \.radio.referenceMetres, .real(0.1...1e6), "the reference distance"),
        .init(
            "radio.path_loss_exponent", \.radio.pathLossExponent, .real(1...8),
            "the signal falls with this power of the distance"),
        .init("balance.report_seconds", \.reportSeconds, .real(0.1...86_400), "seconds between two looks at measures"),
    ]

    /// The keys of each class.
    static let classFields: [RecipeField<Fleet.DeviceClass>] = [
        like,
        .init("count", \.count, .integer(1...100_000), required: true, "devices of this class"),
        .init(
            "fp32_flops_per_second", \.fp32FlopsPerSecond, .optional(.real(1e6...1e18)),
            "operations a second that products of four-byte numbers reach"),
        .init(
            "bf16_flops_per_second", \.bf16FlopsPerSecond, .optional(.real(1e6...1e18)),
            "the same for two-byte numbers, null when they are no faster"),
        .init(
            "block_tokens_per_second", \.blockTokensPerSecond, .real(1e-3...1e12),
            "tokens that a device takes through one block in a second"),
        .init(
            "uplink_bytes_per_second", \.uplinkBytesPerSecond, .real(1...1e12),
            "payload bytes that its uplink carries in a second"),
        .init(
            "downlink_bytes_per_second", \.downlinkBytesPerSecond, .optional(.real(1...1e12)),
            "payload bytes that its downlink carries in a second, null for as many as its uplink"),
        .init("round_trip_seconds", \.roundTripSeconds, .real(0...600), "to the worker and back"),
        .init(
            "distance_metres", \.distanceMetres, .optional(.real(0.1...1e6)),
            "from the base station, for fleets with a radio"),
        .init("memory_bytes", \.memoryBytes, .bytes(1 << 20...1 << 50), "memory that it may use for the model"),
        .init("watts", \.watts, .optional(.real(0.001...1e5)), "what it draws while it computes or sends"),
        .init(
            "windows", \.windows, .list(of: .window, count: 0...1000),
            "when it is there, in seconds of a period and ascending order; empty for all the time"),
        .init(
            "window_period_seconds", \.windowPeriodSeconds, .real(60...1e7), "the windows come again after so long"),
        .init(
            "data_share", \.dataShare, .optional(.real(1e-9...1)),
            "share of all data that its devices hold together, null in all classes for equal devices"),
        .init(
            "label_skew", \.labelSkew, .optional(.skew),
            "how labels are spread over its devices, null for as the run says"),
        .init("samples", \.samples, .integer(1...1_000_000), "samples of one device, in simulated balancing"),
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

    /// The built-in class whose figures hold where the file gives none: read before all other keys.
    static let like = RecipeField<Fleet.DeviceClass>(
        "like", \.like, .optional(.known(Fleet.DeviceClass.builtIn.map(\.name))),
        "built-in class whose figures hold where none are given")

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
