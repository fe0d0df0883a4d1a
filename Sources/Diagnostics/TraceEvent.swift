/// One event of a trace, and how it is written.
struct TraceEvent {
    /// What an event is, with the letter that the format has for it.
    enum Kind {
        case processName, rowName, moment, counter
        case span(Duration)

        fileprivate var letter: String {
            switch self {
            case .processName, .rowName: "M"
            case .moment: "i"
            case .counter: "C"
            case .span: "X"
            }
        }
    }

    let kind: Kind
    let name: String
    let role: Int
    var row = 0
    var time: ContinuousClock.Instant?
    var arguments: KeyValuePairs<String, TraceValue> = [:]

    /// Appends the event as a JSON object. Times are microseconds, with nanoseconds behind the point.
    func write(to text: inout [UInt8], since begin: ContinuousClock.Instant) {
        var object = "{\"ph\":\"\(kind.letter)\",\"pid\":\(role),\"tid\":\(row)"
        if let time { object += ",\"ts\":\(microseconds(time - begin))" }
        if case .span(let duration) = kind { object += ",\"dur\":\(microseconds(duration))" }
        if case .moment = kind { object += ",\"s\":\"t\"" }
        switch kind {
        case .processName: object += ",\"name\":\"process_name\",\"args\":{\"name\":\(quoted(name))}}"
        case .rowName: object += ",\"name\":\"thread_name\",\"args\":{\"name\":\(quoted(name))}}"
        case .moment, .counter, .span:
            let members = arguments.map { "\(quoted($0.key)):\($0.value.json)" }.joined(separator: ",")
            object += ",\"name\":\(quoted(name)),\"args\":{\(members)}}"
        }
        text += Array(object.utf8)
    }
}

extension TraceValue {
    /// As JSON, which knows neither infinity nor NaN.
    fileprivate var json: String {
        switch self {
        case .number(let number): "\(number)"
        case .real(let number): number.isFinite ? "\(number)" : "null"
        case .text(let text): quoted(text)
        }
    }
}

private func microseconds(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    // Three centuries of nanoseconds fit.
    let nanoseconds = max(0, seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000)
    let rest = "\(nanoseconds % 1000)"
    return "\(nanoseconds / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
}

private func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": quoted += "\\\(scalar)"
        case _ where scalar.value < 0x20:
            let digits = String(scalar.value, radix: 16)
            quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}
