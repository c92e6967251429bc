import PipelineEngine
import Testing

@testable import PipelineFiles

@Suite struct TemplateTests {
    private var frame: GenericFrame {
        GenericFrame(
            .dataFrame, header: FrameHeader(id: 9, pts: 5), text: "hi",
            payload: FramePayload(name: "audio", bytes: [0]),
            fields: ["n": 5, "x": .number(0.5), "b": true, "none": .null, "list": .array([1, "a"]), "id2": "z"])
    }

    @Test(arguments: [
        ("", ""), ("plain", "plain"), ("{text}", "hi"), ("a {text}, {n}!", "a hi, 5!"), ("{x}{b}", "0.5true"),
        ("[{missing}]", "[]"), ("[{none}]", "[]"), ("{list}", #"[1, "a"]"#), ("{audio}", "AA=="),
        ("{id}-{type}-{pts}", "9-DataFrame-5"),
        ("{{text}}", "{text}"), ("{ text }", "{ text }"), ("{}", "{}"), ("{", "{"), ("}", "}"), ("{text", "{text"),
        (#"{"a": 1}"#, #"{"a": 1}"#), ("{{text}", "{hi"), ("{5}", "{5}"), ("{id2}", "z"), ("{{{text}}}", "{{text}}"),
    ])
    func fillsInFields(template: String, expected: String) {
        #expect(TextTemplate(template).filled(from: frame) == expected)
    }

    @Test func aSoleFieldKeepsItsKind() {
        func filled(_ text: String) -> FieldValue { FrameTemplate.Value.text(TextTemplate(text)).filled(from: frame) }
        #expect(
            filled("{n}") == 5 && filled("{audio}") == .bytes([0]) && filled("{missing}") == ""
                && filled("{n}{n}") == "55")
    }

    @Test func textIsAlwaysText() {
        var template = FrameTemplate(type: TextFrame.frameType)
        template.fields = [FrameTemplate.Field(name: "text", value: .text(TextTemplate("{n}")))]
        #expect(template.make(from: frame).text == "5")
        template.fields = [FrameTemplate.Field(name: "text", value: .text(TextTemplate("{missing}")))]
        #expect((template.make(from: frame) as? TextFrame)?.content == "")
    }
}
