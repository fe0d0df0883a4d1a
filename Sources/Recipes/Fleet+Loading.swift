import Balancing

extension Fleet {
    /// More devices than this are not simulated.
    private static let maximumDevices = 100_000
    /// More samples than this are not simulated.
    private static let maximumSamples = 20_000_000

    /// Reads a fleet from a file, with overrides.
    ///
    /// - Parameter overrides: `key=value` pairs such as `classes.phone.count=50`; the last of a key counts.
    /// - Throws: `RecipeError`, which names file, line and column, or the override.
    public static func load(file: String, overrides: [String] = []) throws(RecipeError) -> Fleet {
        try parse(yaml: Recipe.contents(of: file), file: file, overrides: overrides)
    }

    /// Reads a fleet from YAML text, with overrides; `file` names the text in errors.
    ///
    /// - Throws: `RecipeError`.
    public static func parse(yaml: String, file: String, overrides: [String] = []) throws(RecipeError) -> Fleet {
        let settings = try RecipeSettings(
            yaml: yaml, file: file, overrides: overrides, known: FleetSchema.known
        ).settings
        var fleet = Fleet()
        try decode(FleetSchema.fields, into: &fleet, from: settings, section: "", file: file)
        let names = Set(settings.keys.compactMap { FleetSchema.classKey($0)?.section }).sorted()
        guard !names.isEmpty else {
            throw .missingKey(place: .file(file), key: FleetSchema.classes, expected: "a section for each class")
        }
        for name in names {
            var kind = DeviceClass()
            kind.name = name
            let section = "\(FleetSchema.classes).\(name)."
            try decode(FleetSchema.classFields, into: &kind, from: settings, section: section, file: file)
            fleet.classes.append(kind)
        }
        try check(fleet, settings, file: file)
        return fleet
    }

    private static func decode<Root>(
        _ fields: [RecipeField<Root>], into root: inout Root, from settings: [String: RecipeSettings.Setting],
        section: String, file: String
    ) throws(RecipeError) {
        for field in fields {
            if let setting = settings[section + field.key] {
                try field.decode(setting, into: &root, section: section)
            } else if field.isRequired {
                throw .missingKey(place: .file(file), key: section + field.key, expected: field.expected)
            }
        }
    }

    private static func check(
        _ fleet: Fleet, _ settings: [String: RecipeSettings.Setting], file: String
    ) throws(RecipeError) {
        let refused = { (key: String, expected: String, found: String) in
            RecipeError.impossibleValue(
                place: settings[key]?.place ?? .file(file), key: key, expected: expected, found: found, nearest: nil)
        }
        if fleet.model.minimumCut > fleet.model.frozenBlocks {
            throw refused(
                "model.minimum_cut", "at most model.frozen_blocks, \(fleet.model.frozenBlocks)",
                "\(fleet.model.minimumCut)")
        }
        // Each number has a limit of its own, so that these sums cannot overflow.
        let devices = fleet.classes.reduce(0) { $0 + $1.count }
        let samples = fleet.classes.reduce(0) { $0 + $1.count * $1.samples }
        if devices > maximumDevices {
            throw refused(FleetSchema.classes, "at most \(maximumDevices) devices", "\(devices)")
        }
        if samples > maximumSamples {
            throw refused(FleetSchema.classes, "at most \(maximumSamples) samples", "\(samples)")
        }
    }
}
