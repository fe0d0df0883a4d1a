import Foundation

/// From values to places on an axis, and the values that are written beside it.
struct AxisScale: Equatable {
    let range: ClosedRange<Double>
    let isLogarithmic: Bool
    let ticks: [Double]

    /// Powers of ten and between where the values span more than a decade and a half, or even steps from zero.
    ///
    /// - Parameters:
    ///   - values: only those above zero count.
    ///   - marks: what is written beside a logarithmic axis in place of powers of ten.
    init(spanning values: [Double], marks: [Double] = []) {
        let positive = values.filter { $0 > 0 && $0.isFinite }
        guard let low = positive.min(), let high = positive.max() else {
            self.init(from: 0, to: 1, steps: 4)
            return
        }
        guard high / low > 30 else {
            self.init(from: 0, to: high, steps: 4)
            return
        }
        let range = low * 0.8...high * 1.25
        let known = marks.filter(range.contains)
        guard known.count < 2 else {
            self.init(range: range, isLogarithmic: true, ticks: known)
            return
        }
        let decades = Int(log10(range.lowerBound).rounded(.up))...Int(log10(range.upperBound).rounded(.down))
        let step = max(1, (decades.count + 3) / 4)
        self.init(
            range: range, isLogarithmic: true,
            ticks: decades.filter { ($0 - decades.lowerBound) % step == 0 }.map { pow(10, Double($0)) })
    }

    /// Logarithmic, with the values themselves as ticks, such as the few learning rates of a sweep.
    init(of values: [Double]) {
        let sorted = Set(values).sorted()
        self.init(range: (sorted.first ?? 1) / 1.3...(sorted.last ?? 1) * 1.3, isLogarithmic: true, ticks: sorted)
    }

    /// Even steps of 1, 2, 2.5 or 5 times a power of ten, about as many as asked for.
    init(from low: Double, to high: Double, steps: Int) {
        let span = max(high - low, 1e-12)
        let rough = span / Double(steps)
        let power = pow(10, log10(rough).rounded(.down))
        let step = power * ([1, 2, 2.5, 5, 10].first { $0 * power >= rough * 0.999 } ?? 10)
        let first = (low / step + 1e-9).rounded(.down), last = max(first + 1, (high / step - 1e-9).rounded(.up))
        self.init(
            range: first * step...last * step, isLogarithmic: false,
            ticks: (Int(first)...Int(last)).map { Double($0) * step })
    }

    private init(range: ClosedRange<Double>, isLogarithmic: Bool, ticks: [Double]) {
        self.range = range
        self.isLogarithmic = isLogarithmic
        self.ticks = ticks
    }

    /// From 0 at the beginning to 1 at the end; nil outside.
    func place(_ value: Double) -> Double? {
        guard value.isFinite, range.contains(value) else { return nil }
        guard isLogarithmic else { return (value - range.lowerBound) / (range.upperBound - range.lowerBound) }
        return log(value / range.lowerBound) / log(range.upperBound / range.lowerBound)
    }

    /// The same; what is outside stands at the end that it is nearest to.
    func nearestPlace(_ value: Double) -> Double { place(min(max(value, range.lowerBound), range.upperBound)) ?? 0 }
}
