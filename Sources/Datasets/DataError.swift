import Diagnostics

/// What can be wrong with a data set, or with what is asked of it.
public enum DataError: NumberedError, Equatable {
    /// The file cannot be read at all.
    case unreadable(file: String, reason: String)
    /// A line is not what the format says. Lines count from 1.
    case malformedLine(file: String, line: Int, expected: String, found: String)
    /// A line carries a label that the label map does not name.
    case unknownLabel(file: String, line: Int, label: String, known: [String])
    /// The labels themselves cannot be told apart.
    case unusableLabels(names: [String], reason: String)
    /// There are fewer examples than the request needs.
    case tooFew(what: String, available: Int, needed: Int, remedy: String)
    /// There are fewer devices than labels, where each device is to hold one label.
    case tooFewDevices(devices: Int, labels: Int)
    /// A record lacks a field that the prompt, the answer, the label or the group comes from.
    case missingField(file: String, line: Int, field: String, available: [String])
    /// A template that cannot be filled.
    case badTemplate(String, reason: String)
    /// A chat for a model whose tokenizer has no tokens for turns.
    case noChatTokens
    /// A label word that the tokenizer splits, so that no single logit stands for it.
    case labelWordNotOneToken(word: String, tokens: Int)
    /// An example of more tokens than the limit.
    case tooLong(file: String, line: Int, tokens: Int, limit: Int)

    /// One number for each kind of mistake.
    public var exitCode: ExitCode {
        switch self {
        case .unreadable: .dataUnreadable
        case .malformedLine, .missingField: .dataMalformedLine
        case .unknownLabel, .unusableLabels: .dataUnknownLabel
        case .tooFew, .tooFewDevices: .dataTooFew
        case .badTemplate: .recipeImpossibleValue
        case .noChatTokens: .tokenizerUnsupported
        case .labelWordNotOneToken: .labelWordNotOneToken
        case .tooLong: .dataTooLong
        }
    }

    /// What was wrong, with file and line.
    public var problem: String {
        switch self {
        case .unreadable(let file, let reason):
            "The data file \(file) cannot be read: \(reason)"
        case .malformedLine(let file, let line, let expected, let found):
            "\(file), line \(line): expected \(expected), found \(found)"
        case .unknownLabel(let file, let line, let label, let known):
            "\(file), line \(line): the label '\(label)' is not in the label map, which has \(listed(known))"
        case .unusableLabels(let names, let reason):
            "The labels \(listed(names)) cannot be used: \(reason)"
        case .tooFew(let what, let available, let needed, _):
            "Too few examples: \(what) needs at least \(needed), there are \(available)"
        case .tooFewDevices(let devices, let labels):
            "One label per device needs at least one device for each of the \(labels) labels, there are \(devices)"
        case .missingField(let file, let line, let field, let available):
            "\(file), line \(line): there is no field '\(field)', only \(listed(available))"
        case .badTemplate(let template, let reason):
            "The template '\(template)' cannot be filled: \(reason)"
        case .noChatTokens:
            "The model's tokenizer has no tokens <|im_start|> and <|im_end|>, so it knows no turns of a chat"
        case .labelWordNotOneToken(let word, let tokens):
            "The label word '\(word)' is \(tokens) tokens, and only one token can be predicted at one position"
        case .tooLong(let file, let line, let tokens, let limit):
            "\(file), line \(line): the example has \(tokens) tokens, more than the limit of \(limit)"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .unreadable: "Check data.path in the recipe, and that the file exists and may be read"
        case .malformedLine: "Correct or delete the line, or choose the data.format that the file has"
        case .unknownLabel(_, _, let label, let known):
            if let nearest = nearestName(to: label, among: known) {
                "Change the label to '\(nearest)', or add '\(label)' to task.labels"
            } else {
                "Add '\(label)' to task.labels, or correct the line"
            }
        case .unusableLabels: "Correct task.labels in the recipe"
        case .tooFew(_, _, _, let remedy): remedy
        case .tooFewDevices: "Add devices (devices.cuts), or choose another devices.partition"
        case .missingField(_, _, let field, let available):
            if let nearest = nearestName(to: field, among: available) {
                "Perhaps '\(nearest)' was meant in task.prompt, task.answer, data.label or data.group"
            } else {
                "Correct task.prompt, task.answer, data.label or data.group, or name the fields with data.columns"
            }
        case .badTemplate: "Write {field} for a field's value, and {{ or }} for a brace"
        case .noChatTokens: "Set task.chat to false"
        case .labelWordNotOneToken:
            "Choose a more common word in task.labels, and mind its leading space, as in ' great'"
        case .tooLong:
            "Shorten the line, raise task.maximum_tokens up to the model's context, or set task.too_long to truncate"
        }
    }
}

private func listed(_ names: [String]) -> String { names.map { "'\($0)'" }.joined(separator: ", ") }
