import Randomness
import Testing

@testable import Worker

@Suite("Who computes how much of a step")
struct ReplicaRosterTests {
    /// Replicas that have what trains, and have shown how long a micro-batch takes them.
    private static func roster(_ seconds: [Double]) -> ReplicaRoster {
        var roster = ReplicaRoster()
        for number in seconds.indices { roster.joined("r\(number)", session: 1) }
        _ = roster.begin(1)
        _ = roster.divide(64, step: 1, ownSeconds: nil)
        for (number, seconds) in seconds.enumerated() {
            #expect(roster.delivered("r\(number)", step: 1, seconds: seconds) == true)
        }
        return roster
    }

    @Test(
        "every sum has one owner, one stays here at least, and no other division would be done sooner",
        arguments: 0..<40)
    func division(seed: UInt64) {
        var chance = SeededGenerator(seed: seed, stream: "roster/division")
        func seconds() -> Double { 0.001 * (1 + 50 * chance.uniform()) }
        let theirs = (0..<Int.random(in: 1...5, using: &chance)).map { _ in seconds() }, own = seconds()
        var roster = Self.roster(theirs)
        let sums = Int.random(in: 1...24, using: &chance)
        let parts = roster.divide(sums, step: 2, ownSeconds: own)
        let given = parts.flatMap(\.sums)
        #expect(Set(given).count == given.count && given.allSatisfy { (0..<sums).contains($0) }, "seed \(seed)")
        #expect(given.count < sums && parts.allSatisfy { !$0.sums.isEmpty }, "seed \(seed)")

        var counts = [sums - given.count] + theirs.map { _ in 0 }
        for part in parts { counts[1 + Int(part.id.dropFirst())!] = part.sums.count }
        let times = zip(counts, [own] + theirs).map { Double($0) * $1 }
        let last = times.max() ?? 0
        for (index, time) in times.enumerated() where time == last && counts[index] > (index == 0 ? 1 : 0) {
            for other in times.indices where other != index {
                #expect(times[other] + ([own] + theirs)[other] >= last * (1 - 1e-12), "seed \(seed): \(times)")
            }
        }
    }

    @Test("who has shown nothing yet counts as usual, and a first step is divided equally")
    func unknown() {
        var roster = ReplicaRoster()
        for id in ["r0", "r1", "r2"] { roster.joined(id, session: 1) }
        #expect(roster.divide(8, step: 1, ownSeconds: nil).isEmpty, "nobody has what trains")
        #expect(roster.begin(1).joining.map(\.id) == ["r0", "r1", "r2"])
        #expect(roster.divide(8, step: 1, ownSeconds: nil).map(\.sums) == [[2, 3], [4, 5], [6, 7]])
        #expect(roster.divide(8, step: 2, ownSeconds: nil).isEmpty, "all are busy")
    }

    @Test("a replica may be late by so many steps, and gets nothing meanwhile; then it has to join again")
    func late() {
        var roster = Self.roster([1])
        #expect(roster.divide(4, step: 2, ownSeconds: 1).map(\.id) == ["r0"])
        for step in 3...2 + ReplicaRoster.mostLate {
            let (joining, late) = roster.begin(step)
            #expect(joining.isEmpty && late.isEmpty && roster.divide(4, step: step, ownSeconds: 1).isEmpty)
            #expect(roster.active.map(\.id) == ["r0"], "it is told of every step, to go on from there")
        }
        let late = roster.begin(3 + ReplicaRoster.mostLate).late
        #expect(late.map(\.id) == ["r0"] && late.map(\.session) == [1] && late.map(\.2) == [.owes(step: 2)])
        #expect(roster.active.isEmpty && !roster.isMember("r0", session: 1))
        #expect(roster.delivered("r0", step: 2, seconds: 1) == false, "it is too late")
        #expect(roster.begin(4 + ReplicaRoster.mostLate).late.isEmpty, "it is said once")

        roster.joined("r0", session: 2)
        #expect(roster.isMember("r0", session: 2) && roster.active.isEmpty)
        #expect(roster.begin(9).joining.map(\.session) == [2])
        #expect(roster.divide(4, step: 9, ownSeconds: 1).map(\.session) == [2])
    }

    @Test("a part that comes late, but not too late, makes its replica free again, and shows how fast it is")
    func lateButWelcome() {
        var roster = Self.roster([1])
        #expect(roster.divide(8, step: 2, ownSeconds: 1).map(\.sums.count) == [4])
        _ = roster.begin(3)
        #expect(roster.delivered("r0", step: 2, seconds: 5) == true)
        #expect(roster.delivered("r0", step: 2, seconds: 5) == false, "a part comes once")
        _ = roster.begin(4)
        // Three seconds now, the mean of both.
        #expect(roster.divide(8, step: 4, ownSeconds: 1).map(\.sums.count) == [2])
    }

    @Test("one slow part, as of a process that was stopped, is not a replica's last", arguments: [0.1, 5, 1000])
    func slowOnce(seconds: Double) {
        var roster = Self.roster([seconds])
        let steps = (2...1000).first { !roster.divide(8, step: $0, ownSeconds: 0.01).isEmpty }
        #expect(steps != nil && (seconds < 1 || steps != 2), "\(steps ?? 0)")
    }

    @Test("who introduces itself again while it is busy owes nothing, and its earlier session is over")
    func again() {
        var roster = Self.roster([1])
        _ = roster.divide(4, step: 2, ownSeconds: 1)
        roster.joined("r0", session: 2)
        #expect(roster.delivered("r0", step: 2, seconds: 1) == false)
        #expect(!roster.isMember("r0", session: 1))
        roster.left("r0")
        #expect(!roster.isMember("r0", session: 2) && roster.begin(3).joining.isEmpty)
    }
}
