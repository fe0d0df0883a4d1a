/// A set of message numbers as sorted ranges: small however many messages are settled, because few are missing.
public struct SequenceSet: Sendable, Hashable {
    /// The numbers, as ranges in ascending order that neither overlap nor touch.
    public private(set) var ranges: [ClosedRange<UInt64>] = []

    /// No number.
    public init() {}

    /// Whatever the ranges hold, in any order; they may overlap.
    public init(_ ranges: some Sequence<ClosedRange<UInt64>>) {
        for range in ranges { insert(range) }
    }

    /// How many numbers there are; `Int.max` when there are more.
    public var count: Int {
        ranges.reduce(0) { sum, range in
            let (last, lastOverflow) = (range.upperBound - range.lowerBound).addingReportingOverflow(1)
            guard !lastOverflow, let size = Int(exactly: last) else { return .max }
            let (next, overflow) = sum.addingReportingOverflow(size)
            return overflow ? .max : next
        }
    }

    /// Whether there is none.
    public var isEmpty: Bool { ranges.isEmpty }

    /// Whether a number is one of them.
    public func contains(_ number: UInt64) -> Bool {
        let index = firstRange { $0.upperBound >= number }
        return index < ranges.count && ranges[index].lowerBound <= number
    }

    /// Takes a number in.
    ///
    /// - Returns: whether it is new.
    @discardableResult
    public mutating func insert(_ number: UInt64) -> Bool {
        guard !contains(number) else { return false }
        insert(number...number)
        return true
    }

    /// Takes a range of numbers in.
    public mutating func insert(_ range: ClosedRange<UInt64>) {
        // Those that overlap or touch the new range become one with it.
        let first = firstRange { $0.upperBound >= range.lowerBound || $0.upperBound + 1 == range.lowerBound }
        let end = firstRange { $0.lowerBound > range.upperBound && $0.lowerBound - 1 > range.upperBound }
        let merged = ranges[first..<end]
        let lower = min(range.lowerBound, merged.first?.lowerBound ?? range.lowerBound)
        let upper = max(range.upperBound, merged.last?.upperBound ?? range.upperBound)
        ranges.replaceSubrange(first..<end, with: CollectionOfOne(lower...upper))
    }

    /// The numbers of both.
    public func union(_ other: SequenceSet) -> SequenceSet {
        var result = self
        for range in other.ranges { result.insert(range) }
        return result
    }

    /// The place of the first range for which something holds that holds for all after it.
    private func firstRange(where holds: (ClosedRange<UInt64>) -> Bool) -> Int {
        var low = 0, high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if holds(ranges[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
