import Balancing
import Datasets

/// What one setting of a fleet demands of another, or what a run demands of a fleet.
extension FleetFile {
    /// More devices than this are not simulated.
    private static let maximumDevices = 100_000
    /// More samples than this are not simulated.
    private static let maximumSamples = 20_000_000

    /// Refuses a fleet with a device that could not hold what it must.
    ///
    /// - Parameters:
    ///   - purpose: for what, in words: `"splitlora with 3 blocks"`.
    ///   - bytes: what a device of a class holds, such as what a method needs for the class's blocks.
    /// - Throws: `RecipeError` with the line of the class's memory.
    public func checkMemory(for purpose: String, bytes: (Fleet.DeviceClass) -> Int) throws(RecipeError) {
        for kind in fleet.classes {
            let needed = bytes(kind)
            guard kind.memoryBytes < needed else { continue }
            throw unfitting(
                kind, "memory_bytes", "at least \(byteText(needed)) for \(purpose)", byteText(kind.memoryBytes),
                "Give the class more memory, leave it out, or give its devices fewer blocks")
        }
    }

    /// Refuses a skew that the data cannot have.
    ///
    /// - Parameters:
    ///   - labels: how many different ones there are; 0 for data without labels.
    ///   - examples: how many there are.
    ///   - skew: of classes that have none of their own.
    /// - Throws: `RecipeError` with the line of a class's skew, share or count.
    public func checkSkew(labels: Int, examples: Int, otherwise skew: Partition) throws(RecipeError) {
        let shares = fleet.deviceShares
        let devices = shares.count
        guard examples >= devices else {
            throw unfitting(
                fleet.classes[0], "count", "such that all classes have at most \(examples) devices",
                "\(devices) devices", "Use fewer devices, or more data")
        }
        for group in fleet.skewGroups(otherwise: skew) where group.skew != .iid {
            let kinds = group.kinds.map { fleet.classes[$0] }
            let kind = kinds[0]
            let name = "\(Recipe.Partition(group.skew))"
            let count = kinds.reduce(0) { $0 + $1.count }
            let share = kinds.reduce(0) { $0 + ($1.dataShare ?? Double($1.count) / Double(devices)) }
            let held = Int((share * Double(examples)).rounded(.down))
            guard labels > 0 else {
                throw unfitting(kind, "label_skew", "iid, as the data has no labels", name, "Set it to iid")
            }
            guard labels <= held else {
                throw unfitting(
                    kind, "label_skew", "iid, as its devices hold \(held) examples of \(labels) labels", name,
                    "Use more data, a larger data_share, or iid")
            }
            guard group.skew != .oneLabelPerDevice || count >= labels else {
                throw unfitting(
                    kind, "count", "such that \(labels) labels have a device each", "\(count) devices with \(name)",
                    "Use more devices, or dirichlet(ALPHA)")
            }
        }
    }

    func checkFigures(for use: Use) throws(RecipeError) {
        for kind in fleet.classes {
            try require(kind, "uplink_bytes_per_second", kind.uplinkBytesPerSecond > 0 || hasRadio(use))
            try require(kind, "memory_bytes", kind.memoryBytes > 0)
            switch use {
            case .simulation:
                try require(kind, "block_tokens_per_second", kind.blockTokensPerSecond > 0)
                try require(kind, "samples", kind.samples > 0)
            case .comparison:
                try require(kind, "fp32_flops_per_second", kind.fp32FlopsPerSecond != nil)
            }
        }
    }

    /// Each number has a limit of its own, so that these sums cannot overflow.
    func checkSizes() throws(RecipeError) {
        if fleet.model.minimumCut > fleet.model.frozenBlocks, settings["model.frozen_blocks"] != nil {
            throw impossible(
                "model.minimum_cut", "at most model.frozen_blocks, \(fleet.model.frozenBlocks)",
                "\(fleet.model.minimumCut)")
        }
        let devices = fleet.classes.reduce(0) { $0 + $1.count }
        let samples = fleet.classes.reduce(0) { $0 + $1.count * $1.samples }
        if devices > Self.maximumDevices {
            throw impossible(FleetSchema.classes, "at most \(Self.maximumDevices) devices", "\(devices)")
        }
        if samples > Self.maximumSamples {
            throw impossible(FleetSchema.classes, "at most \(Self.maximumSamples) samples", "\(samples)")
        }
    }

    func checkShares() throws(RecipeError) {
        let sharing = fleet.classes.filter { $0.dataShare != nil }
        guard let last = sharing.last else { return }
        if let missing = fleet.classes.first(where: { $0.dataShare == nil }) {
            throw unfitting(
                missing, "data_share", "given, as other classes have one", "none",
                "Give every class a data_share, or none")
        }
        let sum = sharing.reduce(0) { $0 + ($1.dataShare ?? 0) }
        guard abs(sum - 1) <= 1e-6 else {
            throw unfitting(
                last, "data_share", "such that the shares of all classes sum to 1", "a sum of \(Float(sum))",
                "Correct the shares, or give none for devices that hold equally much")
        }
    }

    func checkWindows(of kind: Fleet.DeviceClass) throws(RecipeError) {
        var end = 0.0
        for window in kind.windows {
            guard window.from >= end, window.to <= kind.windowPeriodSeconds else {
                throw unfitting(
                    kind, "windows",
                    "in ascending order, apart, and within window_period_seconds, \(Float(kind.windowPeriodSeconds))",
                    "\(Float(window.from))-\(Float(window.to))",
                    "Correct the windows; one over the period's end is two windows")
            }
            end = window.to
        }
    }

    func checkBlocks() throws(RecipeError) {
        let (bytes, overflow) = fleet.model.fixedMemoryBytes.addingReportingOverflow(fleet.model.memoryBytesPerBlock)
        try checkMemory(for: "one block and what is beside it (model)") { _ in overflow ? .max : bytes }
    }

    func checkDistances() throws(RecipeError) {
        guard fleet.radio.bandwidthHertz != nil else { return }
        for kind in fleet.classes { try require(kind, "distance_metres", kind.distanceMetres != nil) }
    }

    private func hasRadio(_ use: Use) -> Bool { use == .comparison && fleet.radio.bandwidthHertz != nil }

    private func require(_ kind: Fleet.DeviceClass, _ name: String, _ isGiven: Bool) throws(RecipeError) {
        guard !isGiven else { return }
        let expected = FleetSchema.classFields.first { $0.key == name }?.expected ?? ""
        throw .missingKey(place: place(of: kind, name), key: key(kind, name), expected: expected)
    }

    private func key(_ kind: Fleet.DeviceClass, _ name: String) -> String {
        "\(FleetSchema.classes).\(kind.name).\(name)"
    }

    /// Where a figure stands, or the name of the built-in class that it comes from.
    private func place(of kind: Fleet.DeviceClass, _ name: String) -> RecipePlace {
        let setting = settings[key(kind, name)] ?? settings[key(kind, "like")] ?? settings[key(kind, "count")]
        return setting?.place ?? .file(file)
    }

    private func unfitting(
        _ kind: Fleet.DeviceClass, _ name: String, _ expected: String, _ found: String, _ remedy: String
    ) -> RecipeError {
        .unfitting(
            place: place(of: kind, name), key: key(kind, name), expected: expected, found: found, remedy: remedy)
    }

    private func impossible(_ key: String, _ expected: String, _ found: String) -> RecipeError {
        .impossibleValue(
            place: settings[key]?.place ?? .file(file), key: key, expected: expected, found: found, nearest: nil)
    }
}
