import Datasets
import Testing

@Suite("Train and test parts")
struct SplitTests {
    @Test("every example is in one part, and equal texts are in the same part", arguments: 1...8 as ClosedRange<UInt64>)
    func disjoint(seed: UInt64) throws {
        let examples = randomExamples(1_000, seed: seed)
        let parts = try split(examples, testFraction: 0.3, seed: seed)
        #expect((parts.train + parts.test).sorted { $0.line < $1.line } == examples)
        #expect(Set(parts.train.map(\.text)).isDisjoint(with: parts.test.map(\.text)))
        #expect(Set(examples.map(\.text)).count < examples.count, "the examples should have equal texts")
    }

    @Test("the test part has about its share", arguments: [0.05, 0.2, 0.5])
    func fraction(testFraction: Double) throws {
        let parts = try split(randomExamples(10_000, seed: 3), testFraction: testFraction, seed: 7)
        #expect(abs(Double(parts.test.count) / 10_000 - testFraction) < 0.02)
    }

    @Test("a limit takes the first of the train part and leaves the test part alone", arguments: [1, 10, 400, 5_000])
    func limits(limit: Int) throws {
        let examples = randomExamples(600, seed: 4)
        let all = try split(examples, seed: 7)
        let limited = try split(examples, trainLimit: limit, seed: 7)
        #expect(limited.test == all.test)
        #expect(limited.train == Array(all.train.prefix(limit)))
    }

    @Test("a filter or added lines never move a text to the other part")
    func stability() throws {
        let examples = randomExamples(1_000, seed: 5)
        let all = try split(examples, seed: 7)
        let filtered = try split(examples.filter { $0.line % 3 == 0 }, seed: 7)
        #expect(filtered.test == all.test.filter { $0.line % 3 == 0 })
        #expect(filtered.train == all.train.filter { $0.line % 3 == 0 })
    }

    @Test("the same seed gives the same split, another seed another")
    func determinism() throws {
        let examples = randomExamples(500, seed: 6)
        #expect(try split(examples, seed: 7) == split(examples, seed: 7))
        #expect(try split(examples, seed: 7) != split(examples, seed: 8))
    }

    @Test("the train part is shuffled: a limit is balanced as the whole is")
    func shuffled() throws {
        let examples = (1...4_000).map { example(line: $0, text: "\($0)", label: $0 <= 2_000 ? 0 : 1) }
        let train = try split(examples, trainLimit: 1_000, seed: 7).train
        #expect(abs(train.filter { $0.label == 1 }.count - 500) < 80)
    }

    @Test("examples of one group are on one side, whatever their texts are", arguments: 1...8 as ClosedRange<UInt64>)
    func groups(seed: UInt64) throws {
        let examples = (0..<1_000).map { example(line: $0, text: "\($0)", group: "\($0 / 7)") }
        let parts = try split(examples, testFraction: 0.3, seed: seed)
        #expect(parts.train.count + parts.test.count == 1_000)
        #expect(Set(parts.train.map(\.group)).isDisjoint(with: parts.test.map(\.group)))
        #expect(abs(parts.test.count - 300) < 120)
    }

    @Test("the side of a group does not depend on the file or the texts")
    func groupsOfAnotherFile() throws {
        let one = try split((0..<200).map { example(line: $0, text: "a\($0)", group: "\($0)") }, seed: 7)
        let other = try split((0..<200).map { example(line: 9, text: "b\($0)", group: "\($0)") }, seed: 7)
        #expect(one.test.map(\.group) == other.test.map(\.group))
    }

    @Test("a test file gives the test part, and nothing that shares a group with it is trained on")
    func testFile() throws {
        let examples = (0..<300).map { example(line: $0, text: "\($0)", group: "\($0 % 30)") }
        let tests = (0..<12).map { example(line: $0, text: "test \($0)", group: "\($0)") }
        let parts = try split(examples, testExamples: tests, testFraction: 0, seed: 7)
        #expect(Set(parts.test) == Set(tests))
        #expect(Set(parts.train.map(\.group)) == Set((12..<30).map { "\($0)" }))
        #expect(throws: DataError.self) { try split(tests, testExamples: tests, testFraction: 0, seed: 7) }
        #expect(throws: DataError.self) { try split(examples, testExamples: [], testFraction: 0, seed: 7) }
    }

    @Test("with a share for testing, a test file tests on the groups that the share holds out")
    func testFileOfHeldGroups() throws {
        let examples = (0..<300).map { example(line: $0, text: "\($0)", group: "\($0 % 30)") }
        let tests = (0..<60).map { example(line: $0, text: "test \($0)", group: "\($0 % 30)") }
        let plain = try split(examples, testFraction: 0.3, seed: 7)
        let parts = try split(examples, testExamples: tests, testFraction: 0.3, seed: 7)
        #expect(parts.train == plain.train)
        #expect(Set(parts.test.map(\.group)) == Set(plain.test.map(\.group)))
        #expect(parts.test.allSatisfy { $0.text.hasPrefix("test") })
    }

    @Test("an empty part is refused")
    func empty() {
        #expect(throws: DataError.self) { try split([], seed: 7) }
        #expect(throws: DataError.self) { try split(randomExamples(50, seed: 1), testFraction: 1, seed: 7) }
        #expect(throws: DataError.self) { try split(randomExamples(50, seed: 1), testFraction: 1e-9, seed: 7) }
        #expect(throws: DataError.self) { try split(randomExamples(50, seed: 1), trainLimit: 0, seed: 7) }
        #expect(throws: Never.self) { try split(randomExamples(50, seed: 1), testFraction: 0, seed: 7) }
    }
}
