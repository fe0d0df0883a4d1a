extension HubConfiguration {
    /// How the file says queries and keys are rotated.
    ///
    /// The base stands at the top, or, since transformers 5, with the scaling in `rope_parameters`; the scaling stood in
    /// `rope_scaling` before, which transformers still prefers.
    ///
    /// - Throws: `HubError` when the scaling is not built in, or a value is missing, impossible or of the wrong kind.
    func rotaryPositions(headDimension: Int) throws(HubError) -> Positions {
        let parameters = try object("rope_parameters")
        let scaling = try object("rope_scaling") ?? parameters
        let top = try number("rope_theta", default: 10_000)
        let besideScaling = try parameters?.number("rope_theta", default: top) ?? top
        let base = try (scaling ?? self).number("rope_theta", default: besideScaling)
        guard let scaling else { return .rotary(base: base, factors: nil) }
        let share = try scaling.number("partial_rotary_factor", default: number("partial_rotary_factor", default: 1))
        guard share == 1 else { throw .unsupported(file: file, feature: "partial_rotary_factor \(share)") }
        let kind = try scaling.text("rope_type", default: scaling.text("type", default: "default"))
        switch kind {
        case "default": return .rotary(base: base, factors: nil)
        case "llama3": break
        default: throw .unsupported(file: file, feature: "RoPE scaling of the kind \(kind)")
        }
        let context =
            try self["original_max_position_embeddings"] != nil
            ? number("original_max_position_embeddings") : scaling.number("original_max_position_embeddings")
        let llama3 = Llama3Scaling(
            factor: try scaling.number("factor"), lowFrequencyFactor: try scaling.number("low_freq_factor"),
            highFrequencyFactor: try scaling.number("high_freq_factor"), originalContext: context)
        guard llama3.factor >= 1, llama3.lowFrequencyFactor > 0, context > 0,
            llama3.highFrequencyFactor > llama3.lowFrequencyFactor, (2...4096).contains(headDimension),
            (1...1e12).contains(base)
        else {
            throw .malformed(file: file, reason: "the values of its RoPE scaling do not fit each other")
        }
        return .rotary(base: base, factors: llama3.factors(base: base, headDimension: headDimension))
    }
}

extension Positions {
    /// The keys of `config.json` that say how queries and keys are rotated, as every version of transformers reads them.
    ///
    /// - Throws: `HubError.unsupported` when the factors are not those of a scaling that has a name.
    func rotaryConfiguration(headDimension: Int) throws -> [String: ConfigurationValue] {
        guard case .rotary(let base, let factors) = self else { return [:] }
        guard let factors else { return ["rope_theta": .number(base), "rope_scaling": .null] }
        guard let scaling = Llama3Scaling(giving: factors, base: base, headDimension: headDimension) else {
            throw HubError.unsupported(
                file: HubConfiguration.fileName, feature: "rotation factors that are not Llama 3's")
        }
        return [
            "rope_theta": .number(base),
            "rope_scaling": .object([
                "rope_type": .text("llama3"), "factor": .number(scaling.factor),
                "low_freq_factor": .number(scaling.lowFrequencyFactor),
                "high_freq_factor": .number(scaling.highFrequencyFactor),
                "original_max_position_embeddings": .integer(Int(scaling.originalContext)),
            ]),
        ]
    }
}
