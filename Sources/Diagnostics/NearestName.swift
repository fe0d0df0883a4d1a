/// The candidate that a mistyped name most likely meant.
///
/// - Returns: the nearest candidate by edit distance, or nil when none is nearer than half the name's length.
public func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
    let nearest = candidates.map { (name: $0, distance: editDistance(name, $0)) }.min { $0.distance < $1.distance }
    guard let nearest, nearest.distance <= max(2, name.count / 2) else { return nil }
    return nearest.name
}

/// Levenshtein distance in characters.
private func editDistance(_ a: String, _ b: String) -> Int {
    let a = Array(a), b = Array(b)
    var previous = Array(0...b.count)
    for (i, x) in a.enumerated() {
        var current = [i + 1]
        for (j, y) in b.enumerated() {
            current.append(min(previous[j] + (x == y ? 0 : 1), previous[j + 1] + 1, current[j] + 1))
        }
        previous = current
    }
    return previous[b.count]
}
