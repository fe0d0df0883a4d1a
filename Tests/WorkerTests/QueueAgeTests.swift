import Testing

@testable import Worker

@Suite("How long the oldest sample waits")
struct QueueAgeTests {
    @Test("samples count from when they came to wait, in the order in which they came")
    func order() {
        var age = QueueAge()
        #expect(age.oldest(now: .seconds(5)) == .zero)
        age.update(waiting: 4, used: 0, now: .seconds(10))
        age.update(waiting: 6, used: 0, now: .seconds(12))
        #expect(age.oldest(now: .seconds(13)) == .seconds(3))
        age.update(waiting: 3, used: 3, now: .seconds(14))
        #expect(age.oldest(now: .seconds(14)) == .seconds(4))
        age.update(waiting: 2, used: 4, now: .seconds(15))
        #expect(age.oldest(now: .seconds(15)) == .seconds(3))
        age.update(waiting: 0, used: 6, now: .seconds(16))
        #expect(age.oldest(now: .seconds(20)) == .zero)
    }

    @Test("with a new epoch all samples begin to wait anew")
    func epochs() {
        var age = QueueAge()
        age.update(waiting: 8, used: 0, now: .seconds(1))
        age.update(waiting: 0, used: 8, now: .seconds(30))
        age.update(waiting: 8, used: 8, now: .seconds(31))
        #expect(age.oldest(now: .seconds(33)) == .seconds(2))
    }

    @Test("however long samples trickle in, little is remembered, and the oldest is not forgotten")
    func bound() {
        var age = QueueAge()
        for second in 0..<10_000 { age.update(waiting: second + 1, used: 0, now: .seconds(second)) }
        #expect(age.oldest(now: .seconds(10_000)) == .seconds(10_000))
        age.update(waiting: 1, used: 9_999, now: .seconds(10_000))
        #expect(age.oldest(now: .seconds(10_000)) <= .seconds(2_000))
    }
}
