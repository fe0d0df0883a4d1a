import Balancing

/// A fleet, and where each of its settings stands, so that what later turns out not to fit is refused with its line.
public struct FleetFile {
    /// What a fleet is read for. Both uses read the same files; each demands the keys that it needs.
    public enum Use: Sendable {
        /// Balanced cuts on a virtual clock: model and server are part of the file.
        case simulation
        /// Methods side by side: the recipe says what model and data are, the file only what devices are.
        case comparison
    }

    /// The fleet.
    public let fleet: Fleet
    /// The file as it was read, without overrides.
    public let yaml: String
    let settings: [String: RecipeSettings.Setting]
    let file: String

    /// Reads a file, with overrides.
    ///
    /// - Throws: `RecipeError`, which names file, line and column, or the override.
    public init(file: String, overrides: [String] = [], for use: Use) throws(RecipeError) {
        try self.init(yaml: try Recipe.contents(of: file), file: file, overrides: overrides, for: use)
    }

    /// Reads YAML text, with overrides; `file` names the text in errors.
    ///
    /// - Throws: `RecipeError`.
    public init(yaml: String, file: String, overrides: [String] = [], for use: Use) throws(RecipeError) {
        let settings = try RecipeSettings(
            yaml: yaml, file: file, overrides: overrides, known: FleetSchema.known
        ).settings
        self.settings = settings
        self.file = file
        self.yaml = yaml
        var fleet = Fleet()
        for field in FleetSchema.fields {
            let isRequired = field.isRequired && (use == .simulation || field.parts.section == nil)
            try Self.decode(field, into: &fleet, from: settings, isRequired: isRequired, section: "", file: file)
        }
        let names = Set(settings.keys.compactMap { FleetSchema.classKey($0)?.section }).sorted()
        guard !names.isEmpty else {
            throw .missingKey(place: .file(file), key: FleetSchema.classes, expected: "a section for each class")
        }
        for name in names { fleet.classes.append(try Self.deviceClass(name, settings, file: file)) }
        if let flops = fleet.blockFlopsPerToken {
            for place in fleet.classes.indices where fleet.classes[place].blockTokensPerSecond == 0 {
                fleet.classes[place].blockTokensPerSecond = (fleet.classes[place].fp32FlopsPerSecond ?? 0) / flops
            }
        }
        self.fleet = fleet
        try checkFigures(for: use)
        try checkSizes()
        try checkShares()
        for kind in fleet.classes { try checkWindows(of: kind) }
        if use == .simulation { try checkBlocks() } else { try checkDistances() }
    }

    private static func deviceClass(
        _ name: String, _ settings: [String: RecipeSettings.Setting], file: String
    ) throws(RecipeError) -> Fleet.DeviceClass {
        let section = "\(FleetSchema.classes).\(name)."
        var named = Fleet.DeviceClass()
        try decode(
            FleetSchema.like, into: &named, from: settings, isRequired: false, section: section, file: file)
        var kind = named.like.flatMap(Fleet.DeviceClass.builtIn(named:)) ?? Fleet.DeviceClass()
        kind.name = name
        for field in FleetSchema.classFields {
            try decode(
                field, into: &kind, from: settings, isRequired: field.isRequired, section: section, file: file)
        }
        return kind
    }

    private static func decode<Root>(
        _ field: RecipeField<Root>, into root: inout Root, from settings: [String: RecipeSettings.Setting],
        isRequired: Bool, section: String, file: String
    ) throws(RecipeError) {
        if let setting = settings[section + field.key] {
            try field.decode(setting, into: &root, section: section)
        } else if isRequired {
            throw .missingKey(place: .file(file), key: section + field.key, expected: field.expected)
        }
    }
}
