import Datasets
import Testing

@Suite("Final answers")
struct FinalAnswerTests {
    @Test(
        "the number behind the marker, in the one form that equal numbers have",
        arguments: [
            ("6 * 12 = 72\n#### 72", "72"), ("#### 72.", "72"), ("#### 72.0", "72"), ("#### 072", "72"),
            ("#### +72", "72"), ("#### $72", "72"), ("####72", "72"), ("#### 72 apples", "72"), ("#### 72\n9", "72"),
            ("#### $1,234.50.", "1234.5"), ("#### 1,234,567", "1234567"), ("#### -5", "-5"), ("#### -$5.00", "-5"),
            ("#### $-5", "-5"), ("#### \u{2212}5", "-5"), ("#### -0", "0"), ("#### 0.0", "0"), ("#### .5", "0.5"),
            ("#### 0.05", "0.05"), ("#### 100", "100"), ("#### 5%", "5"), ("#### 5 / 2", "5"),
            ("#### 1\n#### 2", "1"), ("####\t3", "3"),
        ])
    func numbers(text: String, number: String) {
        #expect(FinalAnswer.number(in: text, after: "####") == number)
    }

    @Test(
        "no marker or no number behind it is no answer",
        arguments: [
            "", "72", "### 72", "####", "#### ", "#### none", "#### x 72", "#### -", "#### ,", "#### .", "#### 1/2",
        ])
    func none(text: String) {
        #expect(FinalAnswer.number(in: text, after: "####") == nil)
    }

    @Test("another marker counts where it is asked for")
    func marker() {
        #expect(FinalAnswer.number(in: "#### 1. The answer is 2.", after: "The answer is") == "2")
    }

    @Test("answers agree when their numbers do, and never without a number")
    func agreement() {
        #expect(FinalAnswer.agrees("so 8.0\n#### 8.0", with: "8\n#### 8", marker: "####"))
        #expect(!FinalAnswer.agrees("#### 80", with: "#### 8", marker: "####"))
        #expect(!FinalAnswer.agrees("", with: "", marker: "####"))
        #expect(!FinalAnswer.agrees("#### 8", with: "8", marker: "####"))
    }
}
