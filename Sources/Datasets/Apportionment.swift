/// Whole numbers that sum to `total` and are as near as possible to the shares (largest remainders; ties go to the
/// lower index).
///
/// - Parameter shares: finite, not negative, not all zero.
func apportion(_ total: Int, by shares: [Double]) -> [Int] {
    // Scaled by the largest first, so that the sum of huge shares does not overflow.
    let largest = shares.max() ?? 1
    let scaled = shares.map { $0 / largest }
    let sum = scaled.reduce(0, +)
    let exact = scaled.map { Double(total) * ($0 / sum) }
    var counts = exact.map { min(total, Int($0)) }
    let byRemainder = shares.indices.sorted {
        (Double(counts[$0]) - exact[$0], $0) < (Double(counts[$1]) - exact[$1], $1)
    }
    for index in byRemainder.prefix(max(0, total - counts.reduce(0, +))) { counts[index] += 1 }
    return counts
}

/// Takes from the largest lists, one element each time, until no list is empty.
///
/// Needs at least as many elements as lists.
func fillEmpty(_ lists: inout [[Int]]) {
    while let empty = lists.firstIndex(where: \.isEmpty),
        let largest = lists.indices.max(by: { (lists[$0].count, $1) < (lists[$1].count, $0) }),
        lists[largest].count > 1, let moved = lists[largest].popLast()
    {
        lists[empty].append(moved)
    }
}
