import Datasets
import Diagnostics
import Testing

@Suite("Templates and examples")
struct ExampleTests {
    private let record = Record(
        file: "f.jsonl", line: 3,
        fields: ["text": "It rains.", "why": "{clouds}", "label": "wet", "twin": "7", "none": " "])

    private func filled(_ template: String) throws -> String { try PromptTemplate(template).filled(from: record).text }

    @Test("fields are filled in wherever they stand, and doubled braces are braces")
    func filling() throws {
        #expect(try filled("{text} It was") == "It rains. It was")
        #expect(try filled("{why}: {text}{text}") == "{clouds}: It rains.It rains.")
        #expect(try filled("{{text}} {text} }}{{") == "{text} It rains. }{")
        #expect(try PromptTemplate("{a}{b}{a}").fields == ["a", "b"])
        let parts = try PromptTemplate("Q: {text} A:").filled(from: record)
        #expect(parts == FilledTemplate(body: "Q: It rains.", ending: " A:"))
    }

    @Test(
        "a template that cannot be filled is refused",
        arguments: ["", "text", "{{text}}", "{text", "text}", "{}", "{a{b}"])
    func unusable(template: String) {
        let error = #expect(throws: DataError.self) { try PromptTemplate(template) }
        #expect(error?.exitCode == .recipeImpossibleValue)
    }

    @Test("a field that a record lacks is refused with the line, the fields there are, and the nearest")
    func missingField() throws {
        let error = #expect(throws: DataError.self) { try filled("{txt}") }
        #expect(error?.problem.contains("f.jsonl, line 3") == true)
        #expect(error?.problem.contains("'label', 'none', 'text', 'twin', 'why'") == true)
        #expect(error?.remedy.contains("'text'") == true)
    }

    @Test("a record becomes an example of a class, with its group")
    func labelled() throws {
        let labels = try LabelMap(["dry", "wet"])
        let template = ExampleTemplate(
            prompt: try PromptTemplate("{why} {text}?"), answer: .label(field: "label", labels), groupField: "twin")
        let example = try template.example(of: record)
        #expect(example.label == 1 && example.answer == nil)
        #expect(example.text == "{clouds}\nIt rains.")
        #expect(example.prompt.text == "{clouds} It rains.?")
        #expect(example.group == "7")
    }

    @Test("without a group field the group is the text as it stands in the file, whatever the prompt says around it")
    func textIsGroup() throws {
        let groups = try ["{text} It was", "Is this good? {text}"].map { prompt in
            try ExampleTemplate(prompt: PromptTemplate(prompt), answer: .text(PromptTemplate("{why}")))
                .example(of: record).group
        }
        #expect(groups == ["It rains.", "It rains."])
    }

    @Test(
        "a blank text, answer or group is refused",
        arguments: [("none", "why", "twin"), ("text", "none", "twin"), ("text", "why", "none")])
    func blank(prompt: String, answer: String, group: String) throws {
        let template = ExampleTemplate(
            prompt: try PromptTemplate("{\(prompt)}"), answer: .text(try PromptTemplate("{\(answer)}")),
            groupField: group)
        let error = #expect(throws: DataError.self) { try template.example(of: record) }
        #expect(error?.problem.contains("line 3: expected text as none") == true)
    }

    @Test("a label missing from the map is refused with its line, the known labels and the nearest")
    func unknownLabel() throws {
        let labels = try LabelMap(["dry", "wett"])
        let template = ExampleTemplate(prompt: try PromptTemplate("{text}"), answer: .label(field: "label", labels))
        let error = #expect(throws: DataError.self) { try template.example(of: record) }
        #expect(error == .unknownLabel(file: "f.jsonl", line: 3, label: "wet", known: ["dry", "wett"]))
        #expect(error?.remedy.contains("'wett'") == true)
    }

    @Test("a label map needs two different names", arguments: [[], ["one"], ["one", "one"]])
    func unusableLabels(names: [String]) {
        #expect(throws: DataError.self) { try LabelMap(names) }
    }
}
