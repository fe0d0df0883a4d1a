import Diagnostics
import Yams

/// The values that a key can have: what is expected in words, and the way from YAML and back.
struct ValueKind<Value: Sendable>: Sendable {
    let expected: String
    /// The words it is chosen from, if there are some, and what each stands for.
    var choices: [RecipeKey.Choice] = []
    let decode: @Sendable (Node) throws(ValueProblem) -> Value
    let encode: @Sendable (Value) -> Node
}

extension ValueKind where Value: FixedWidthInteger {
    /// A whole number in decimal digits, which underscores may group: `3_000`.
    static func integer(_ range: ClosedRange<Value>) -> Self {
        let expected =
            range.upperBound == .max
            ? "a whole number of at least \(range.lowerBound)"
            : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return .init(expected: expected) { node throws(ValueProblem) in
            guard let text = node.plainText, isWholeNumber(text) else { throw .wrongType(node) }
            guard let value = Value(text.filter { $0 != "_" }), range.contains(value) else { throw .impossible(node) }
            return value
        } encode: {
            .plain("\($0)")
        }
    }
}

extension ValueKind<Double> {
    /// A finite number in a range, without some of the range's values.
    static func real(_ range: ClosedRange<Double>, except: [Double] = []) -> Self {
        let bounds = "a number from \(shown(range.lowerBound)) to \(shown(range.upperBound))"
        return .init(expected: bounds + except.map { ", but not \(shown($0))" }.joined()) {
            node throws(ValueProblem) in
            guard let text = node.plainText, text.allSatisfy({ "0123456789+-.eE".contains($0) }),
                let value = Double(text)
            else { throw .wrongType(node) }
            guard range.contains(value), !except.contains(value) else { throw .impossible(node) }
            return value
        } encode: {
            .plain(shown($0))
        }
    }
}

extension ValueKind<Bool> {
    /// `true` or `false`.
    static var flag: Self {
        .init(expected: "true or false") { node throws(ValueProblem) in
            switch node.plainText {
            case "true": return true
            case "false": return false
            default: throw .wrongType(node)
            }
        } encode: {
            .plain($0 ? "true" : "false")
        }
    }
}

extension ValueKind where Value: RecipeChoice {
    /// One of a few words.
    static func choice() -> Self {
        let names = Value.allCases.map(\.rawValue)
        let choices = Value.allCases.map { RecipeKey.Choice(name: $0.rawValue, meaning: $0.meaning) }
        return .init(expected: "one of \(names.joined(separator: ", "))", choices: choices) {
            node throws(ValueProblem) in
            guard let text = node.plainText ?? node.scalar?.string, !node.isNull else { throw .wrongType(node) }
            guard let value = Value(rawValue: text) else {
                throw .impossible(node, nearest: nearestName(to: text, among: names))
            }
            return value
        } encode: {
            .plain($0.rawValue)
        }
    }
}

extension ValueKind {
    /// A value, or null for none.
    static func optional<Wrapped>(_ kind: ValueKind<Wrapped>) -> Self where Value == Wrapped? {
        .init(expected: kind.expected + ", or null", choices: kind.choices) { node throws(ValueProblem) in
            node.isNull ? nil : try kind.decode(node)
        } encode: {
            $0.map(kind.encode) ?? .plain("null")
        }
    }

    /// A list of values, perhaps all different.
    static func list<Element>(
        of kind: ValueKind<Element>, count: ClosedRange<Int>, distinct: Bool = false
    ) -> Self where Value == [Element], Element: Hashable {
        let expected =
            "a list of \(count.lowerBound) to \(count.upperBound)\(distinct ? " different" : ""): each \(kind.expected)"
        return .init(expected: expected, choices: kind.choices) { node throws(ValueProblem) in
            guard let sequence = node.sequence else { throw .wrongType(node) }
            guard count.contains(sequence.count) else { throw .impossible(node) }
            var values: [Element] = []
            for element in sequence {
                let value = try kind.decode(element)
                guard !distinct || !values.contains(value) else { throw .impossible(element) }
                values.append(value)
            }
            return values
        } encode: {
            Node($0.map(kind.encode), Tag(.seq), .flow)
        }
    }
}

/// Decimal digits with a sign and grouping underscores, but no leading zero, which YAML 1.1 takes for octal.
func isWholeNumber(_ text: some StringProtocol) -> Bool {
    let digits = text.hasPrefix("-") || text.hasPrefix("+") ? String(text.dropFirst()) : String(text)
    guard let first = digits.first, first.isASCII, first.isNumber, digits == "0" || first != "0" else { return false }
    return digits.allSatisfy { ("0"..."9").contains($0) || $0 == "_" }
}

/// A number in its shortest exact form. An exponent gets a fraction before it (`1.0e-08`), without which readers of
/// YAML 1.1 take it for text.
private func shown(_ value: Double) -> String {
    if value.rounded() == value, abs(value) < 1e15 { return "\(Int(value))" }
    let digits = "\(value)"
    return digits.contains(".") ? digits : digits.replacing("e", with: ".0e")
}
