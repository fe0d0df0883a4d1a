import Balancing

extension ValueKind<Availability.Window> {
    /// `FROM-TO` in seconds of a period.
    static var window: Self {
        .init(expected: "FROM-TO in seconds, at least one second long, such as 0-28800") {
            node throws(ValueProblem) in
            guard let text = node.plainText else { throw .wrongType(node) }
            let ends = text.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count == 2, text.allSatisfy({ "0123456789.-".contains($0) }),
                let from = Double(ends[0]), let to = Double(ends[1])
            else { throw .wrongType(node) }
            guard from.isFinite, to.isFinite, to - from >= 1, to <= 1e7 else { throw .impossible(node) }
            return .init(from: from, to: to)
        } encode: {
            .plain("\($0.from)-\($0.to)")
        }
    }
}
