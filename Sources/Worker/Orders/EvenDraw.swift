import Randomness

/// Spreads places over devices by weight, by systematic sampling: each device gets its exact share rounded down or up,
/// by chance and without bias. A device that cannot fill its part leaves the rest to the others, by the same rule.
enum EvenDraw {
    /// How many places each device gets; together fewer than `places` only where the limits are.
    ///
    /// - Parameters:
    ///   - weights: not negative.
    ///   - limits: the most places of each device; 0 leaves it out.
    static func counts(
        _ places: Int, weights: [Int], limits: [Int], using chance: inout SeededGenerator
    ) -> [Int] {
        var counts = weights.map { _ in 0 }
        var open = places
        while open > 0 {
            let able = weights.indices.filter { weights[$0] > 0 && counts[$0] < limits[$0] }
            let total = able.reduce(0) { $0 + weights[$1] }
            guard total > 0 else { break }
            let offset = Int.random(in: 0..<total, using: &chance)
            // Whole numbers: the places before a device are its exact place, moved by the offset and rounded down.
            var (before, sum) = (0, 0)
            let toFill = open
            for device in able {
                sum += weights[device]
                let after = (sum * toFill + offset) / total
                let taken = min(after - before, limits[device] - counts[device])
                counts[device] += taken
                open -= taken
                before = after
            }
        }
        return counts
    }
}
