import Queueing
import Testing
import Wire

@testable import Worker

@Suite("A worker as a replica, and with replicas")
struct WorkerReplicaTests {
    private static func peer(_ id: String, at place: String = "tcp://here", key: String = "") -> Body.WorkerPeer {
        Body.WorkerPeer(worker: id, endpoint: place, key: key)
    }

    private static func plan(
        _ generation: UInt64, leader: Body.WorkerPeer? = nil, replicas: [String] = [], stages: [String] = [],
        predecessor: String = ""
    ) -> Body.RunPlan {
        var plan = WorkerBench.plan(10, 6, generation: generation, predecessor: predecessor)
        (plan.leader, plan.replicas, plan.stages) = (leader, replicas.map { peer($0) }, stages.map { peer($0) })
        return plan
    }

    /// A worker that follows a leader.
    private static func following(_ leader: Body.WorkerPeer = peer("first")) -> WorkerBench {
        var bench = WorkerBench()
        bench.plan(plan(1, leader: leader))
        return bench
    }

    /// A leader with a replica that has introduced itself.
    private static func leading() -> WorkerBench {
        var bench = WorkerBench()
        bench.plan(plan(1, replicas: ["r"]))
        bench.greet("r")
        return bench
    }

    // MARK: As a replica.

    @Test("a plan with a leader is followed once what trains is ready, and nothing is trained here")
    func follows() {
        let leader = Self.peer("first", key: "key")
        var bench = Self.following(leader)
        #expect(bench.replicating == [.follow(leader)] && bench.counts == [10, 6])
        #expect(bench.events.contains(.following(leader: "first")))
        bench.plan(Self.plan(1, leader: leader))
        bench.plan(Self.plan(2, leader: leader))
        #expect(bench.replicating == [.follow(leader)], "the same leader is not left")
        #expect(bench.steps.isEmpty && bench.told.isEmpty)
    }

    @Test("another leader, or the same at another place, is followed instead")
    func otherLeader() {
        var bench = Self.following()
        let moved = Self.peer("first", at: "tcp://there"), other = Self.peer("second")
        bench.plan(Self.plan(2, leader: moved))
        bench.plan(Self.plan(3, leader: other))
        #expect(
            bench.replicating == [
                .follow(Self.peer("first")), .follow(nil), .follow(moved), .follow(nil), .follow(other),
            ])
    }

    @Test("a replica that is to take over follows nobody, and trains when it has everything")
    func successor() {
        var bench = Self.following()
        bench.plan(Self.plan(2, predecessor: "first"))
        #expect(bench.replicating.last == .follow(nil) && bench.steps.isEmpty)
        bench.greet("first")
        bench.send("first", .finished(.init(messages: 0, samples: 0)))
        #expect(bench.isAdopting)
        bench.beginsAgain()
        bench.endAdoption(step: 3)
        #expect(bench.told.contains(.handedOver(.init(step: 3, messages: 0))))
        #expect(bench.counts == nil, "the coordinator has the last word")
        bench.plan(Self.plan(3, replicas: ["second"]))
        #expect(bench.counts == [10, 6] && bench.replicating.last == .follow(nil))
        #expect(bench.events.contains(.trainingBegan(step: 0)))
        for device in ["a", "b"] { bench.greet(device) }
        bench.publishAll()
        bench.finish()
        #expect(bench.steps == WorkerBench.planned())
    }

    @Test("a replica named as successor while it makes ready what trains does not train with that")
    func successorWhilePreparing() {
        var bench = WorkerBench()
        bench.preparesAtOnce = false
        bench.plan(Self.plan(1, leader: Self.peer("first")))
        bench.plan(Self.plan(2, predecessor: "first"))
        bench.beginsAgain()
        bench.endPreparation()
        #expect(bench.replicating.isEmpty && bench.counts == nil && bench.machine.schedule == nil)
        bench.greet("first")
        bench.send("first", .finished(.init(messages: 0, samples: 0)))
        bench.endAdoption(step: 3)
        bench.plan(Self.plan(3))
        bench.endPreparation()
        #expect(bench.counts == [10, 6] && bench.events.contains(.trainingBegan(step: 0)))
    }

    @Test("a replica whose leader changes while it makes ready what trains follows the new one alone")
    func otherLeaderWhilePreparing() {
        var bench = WorkerBench()
        bench.preparesAtOnce = false
        bench.plan(Self.plan(1, leader: Self.peer("first")))
        bench.plan(Self.plan(2, leader: Self.peer("second")))
        #expect(bench.replicating.isEmpty)
        bench.endPreparation()
        #expect(bench.replicating == [.follow(Self.peer("second"))])
    }

    @Test("a worker on standby that becomes a replica, and one again, goes on")
    func standby() {
        var bench = WorkerBench()
        bench.plan(Self.plan(1, predecessor: "first"))
        #expect(bench.counts == nil)
        bench.plan(Self.plan(2, leader: Self.peer("first")))
        #expect(bench.replicating == [.follow(Self.peer("first"))])
        bench.plan(Self.plan(3, predecessor: "first"))
        bench.beginsAgain()
        bench.plan(Self.plan(4, leader: Self.peer("first")))
        #expect(bench.replicating == [.follow(Self.peer("first")), .follow(nil), .follow(Self.peer("first"))])
    }

    @Test("a replica that is stopped, drained or asked to leave ends at once, without a checkpoint")
    func ends() {
        for end in 0..<3 {
            var bench = Self.following()
            switch end {
            case 0: bench.stop()
            case 1: bench.drain()
            default:
                bench.ask()
                #expect(!bench.isFinished, "the coordinator may name who takes over")
                bench.stop()
            }
            #expect(bench.outcome == [.stopped, .drained, .drained][end])
            #expect(bench.checkpoints == 0 && bench.replicating.last == .follow(nil))
            #expect(bench.replicating.count == 2)
        }
    }

    @Test("what a device publishes at a replica is acknowledged, sent on to the leader, and not trained there")
    func device() {
        var bench = Self.following()
        bench.greet("a")
        let answers = bench.send("a", WorkerBench.message(1, Array(0..<10)))
        #expect(answers.count == 1 && answers.first?.acknowledges(1) == true)
        #expect(bench.steps.isEmpty && !bench.isStepping && bench.replicating.count == 2)
        if case .forward(let message, 0)? = bench.replicating.last {
            #expect(message.sequence == 1 && message.samples.count == 10)
        } else {
            Issue.record("\(bench.replicating)")
        }
        bench.drain()
        #expect(!bench.isFinished, "the leader does not have it yet")
        bench.catchUp(messages: 1)
        #expect(bench.outcome == .drained)
    }

    @Test("a replica has later stages if the plan says so, and sends on what their devices publish")
    func stages() {
        var bench = Self.following()
        #expect(bench.send("s", .hello(.init(samples: 0))).map(\.rejection) == [11], "it has none")
        bench.plan(Self.plan(2, leader: Self.peer("first"), stages: ["s", "t"]))
        bench.greet("s")
        #expect(bench.replicating.dropFirst() == [.arrange(stages: ["s", "t"]), .replicaJoined("s", session: 1)])
        let part = Body.stepPart(.init(step: 1, lossSums: [], correct: [], seconds: 1))
        #expect(bench.send("s", part).isEmpty)
        let message = WorkerBench.message(1, Array(0..<10), origin: 1)
        #expect(bench.send("s", message).first?.acknowledges(1) == true)
        #expect(bench.replicating.contains { if case .forward(_, 0) = $0 { true } else { false } })
        // Another place in the same pipeline, and then none.
        bench.plan(Self.plan(3, leader: Self.peer("first"), stages: ["s"]))
        bench.plan(Self.plan(4, leader: Self.peer("first")))
        #expect(
            bench.replicating.suffix(4) == [
                .arrange(stages: ["s"]), .replicaLeft("t"), .arrange(stages: []), .replicaLeft("s"),
            ])
        #expect(bench.enrolled[1].stages.map(\.worker) == ["s", "t"])
        #expect(bench.replicating.count { if case .follow = $0 { true } else { false } } == 1, "its leader is the same")
    }

    // MARK: With replicas.

    @Test("a replica introduces itself, once or more, and what it sends in its session is taken")
    func leads() {
        var bench = Self.leading()
        #expect(bench.replies.map { $0.body.welcome?.settled } == [[]])
        #expect(bench.events.filter { $0 == .replicaArrived("r") }.count == 1)
        let part = Body.stepPart(.init(step: 1, lossSums: [], correct: [], seconds: 1))
        #expect(bench.send("r", part).isEmpty)
        bench.greet("r")
        #expect(bench.send("r", part, session: 1).map(\.rejection) == [12])
        #expect(
            bench.replicating == [
                .replicaJoined("r", session: 1), .takePart(part, from: "r", session: 1),
                .replicaJoined("r", session: 2),
            ])
        #expect(bench.events.filter { $0 == .replicaArrived("r") }.count == 1, "it was there")
        #expect(bench.send("r", .heartbeat(time: 5)) == [.heartbeatReply(time: 5)])
    }

    @Test("parts of steps are taken from replicas alone, and activations are not taken from them")
    func others() {
        var bench = Self.leading()
        bench.greet("a")
        let part = Body.stepPart(.init(step: 1, lossSums: [], correct: [], seconds: 1))
        #expect(bench.send("a", part).map(\.rejection) == [6])
        #expect(bench.send("x", part).map(\.rejection) == [11])
        #expect(bench.send("x", .hello(.init(samples: 0))).map(\.rejection) == [11])
        #expect(bench.send("r", WorkerBench.message(1, [0])).map(\.rejection) == [6])
        #expect(bench.replicating == [.replicaJoined("r", session: 1)])
    }

    @Test("a message that a device began here comes whole from the replica to which it has gone, however it is cut")
    func begunElsewhere() {
        var bench = Self.leading()
        bench.greet("a")
        bench.send("a", .activations(WorkerBench.activations(1, [0, 1, 2], part: 1, parts: 2)))
        let whole = WorkerBench.message(1, [0, 1, 2], origin: 1)
        let answers = bench.send("r", whole)
        #expect(answers.contains { $0.acknowledges(1) }, "\(answers)")
        #expect(bench.send("a", .heartbeat(time: 1)).map(\.rejection) == [12], "the device has to say hello again")
    }

    @Test("a replica that the plan does not name any more is left, and is a stranger then")
    func left() {
        var bench = Self.leading()
        bench.plan(Self.plan(2, replicas: ["s"]))
        #expect(bench.replicating.last == .replicaLeft("r") && bench.enrolled.last?.replicas.map(\.worker) == ["s"])
        #expect(bench.send("r", .heartbeat(time: 5)).map(\.rejection) == [11])
        #expect(bench.greet("r").map(\.rejection) == [11])
        bench.plan(Self.plan(3, replicas: ["r", "s"]))
        #expect(bench.greet("r").map { $0.welcome?.settled } == [[]])
    }

    @Test("a replica that was dismissed is refused whatever it says, until it introduces itself again")
    func dismissed() {
        var bench = Self.leading()
        bench.dismiss("r", session: 9)
        #expect(bench.send("r", .heartbeat(time: 5)) == [.heartbeatReply(time: 5)], "that was an earlier session")
        bench.dismiss("r", session: 1)
        #expect(bench.replies.last?.body.rejection == 12)
        #expect(bench.send("r", .heartbeat(time: 5)).map(\.rejection) == [12], "should the first refusal be lost")
        bench.greet("r")
        #expect(bench.events.filter { $0 == .replicaArrived("r") }.count == 2)
        #expect(bench.replicating.last == .replicaJoined("r", session: 2))
    }

    @Test("a leader trains and ends as one without replicas")
    func trains() {
        var bench = Self.leading()
        for device in ["a", "b"] { bench.greet(device) }
        bench.publishAll()
        bench.finish()
        #expect(bench.steps == WorkerBench.planned() && bench.outcome == .completed && bench.checkpoints == 1)
    }
}
