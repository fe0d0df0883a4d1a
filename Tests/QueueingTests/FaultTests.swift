import Faults
import Testing
import Wire

@testable import Queueing

@Suite("Links through faulty networks", .timeLimit(.minutes(2)))
struct FaultTests {
    @Test("bytes that are late arrive, in order and no earlier")
    func delay() throws {
        let (conversation, proxy, end) = try proxied()
        proxy.change { $0.delay = .milliseconds(60) }
        let clock = RoleClock()
        end.answers = []
        let number = try #require(try end.speak())
        #expect(try conversation.until { end.answers.contains(number) })
        #expect(clock.now >= .milliseconds(120))
        for _ in 0..<50 { _ = try end.speak() }
        #expect(try conversation.until { end.answers.count >= 51 })
        #expect(end.answers == end.answers.sorted())
        #expect(end.events == [.connected])
    }

    @Test("a slow network passes no more bytes than it can, and heartbeats survive a long frame")
    func rate() throws {
        var timing = ConnectionTiming.quick
        timing.heartbeatTimeout = .seconds(1)
        timing.sendBufferBytes = 16 << 10
        let (conversation, proxy, end) = try proxied(timing)
        proxy.change { $0.bytesPerSecond = 300_000 }
        let clock = RoleClock()
        // Three heartbeat time-outs long.
        #expect(try end.link.send(.registerAgain, payload: Frame([UInt8](repeating: 1, count: 900_000))))
        #expect(try conversation.until { conversation.heard.contains { $0.body == .registerAgain } })
        #expect(clock.now >= .seconds(2.8))
        #expect(end.events == [.connected], "the connection was lost on a slow uplink")
    }

    @Test("each way has a rate of its own, and what passes is counted")
    func ways() throws {
        let (conversation, proxy, end) = try proxied()
        proxy.change { ($0.bytesPerSecond, $0.bytesPerSecondFromUpstream) = (2_000_000, 100_000) }
        let before = proxy.passed
        let clock = RoleClock()
        let up = 400_000
        #expect(try end.link.send(.registerAgain, payload: Frame([UInt8](repeating: 1, count: up))))
        #expect(try conversation.until { conversation.heard.contains { $0.body == .registerAgain } })
        #expect(clock.now >= .seconds(0.9 * Double(up) / 2_000_000))
        #expect(clock.now < .seconds(Double(up) / 100_000), "it went at the other way's rate")
        // It is heard before it is counted.
        #expect(try conversation.until { proxy.passed.toUpstream - before.toUpstream >= up })
        #expect(proxy.passed.toUpstream - before.toUpstream < up + 4096)
        #expect(proxy.passed.fromUpstream - before.fromUpstream < 4096)
    }

    @Test("a link is what its argument says, and nothing else is one")
    func links() throws {
        let link = try #require(ShapedLink("7071,80000,400000,0.1"))
        #expect(link.upstream == 7071 && link.faults.delay == .seconds(0.1))
        #expect(link.faults.bytesPerSecond == 80_000 && link.faults.bytesPerSecondFromUpstream == 400_000)
        for wrong in ["", "7071", "7071,1,1", "0,1,1,0", "7071,0,1,0", "7071,1,1,-1", "7071,1,1,0,", "70710,1,1,0"] {
            #expect(ShapedLink(wrong) == nil, "\(wrong)")
        }
    }

    @Test("in a black hole the connection is lost within its heartbeat time-out, and made again behind it")
    func blackHole() throws {
        let (conversation, proxy, end) = try proxied()
        let clock = RoleClock()
        proxy.change { $0.isBlackHole = true }
        #expect(try conversation.until { end.events.contains(.disconnected) })
        let timing = ConnectionTiming.quick
        #expect(clock.now >= timing.heartbeatTimeout * 0.9, "it was lost by something else")
        #expect(clock.now < timing.heartbeatInterval + timing.heartbeatTimeout + .seconds(1.5))
        #expect(try !conversation.within(.milliseconds(700)) { end.link.isConnected })
        proxy.set(TCPFaults())
        #expect(try conversation.until { end.sessions.count == 2 })
        #expect(try conversation.until { try end.isAnswered() })
        #expect(end.sessions[0] != end.sessions[1])
    }

    @Test("a half-open connection is lost too, whichever way is shut", arguments: TCPFaults.Direction.allCases)
    func halfOpen(direction: TCPFaults.Direction) throws {
        let (conversation, proxy, end) = try proxied()
        proxy.change { $0.stopped = [direction] }
        #expect(try conversation.until { end.events.contains(.disconnected) })
        proxy.set(TCPFaults())
        #expect(try conversation.until { end.sessions.count >= 2 && end.link.isConnected })
        #expect(try conversation.until { try end.isAnswered() })
    }

    @Test("connections that are reset are made again, as often as need be")
    func resets() throws {
        let (conversation, proxy, end) = try proxied()
        for round in 2...5 {
            proxy.resetConnections()
            #expect(try conversation.until { end.sessions.count == round })
            #expect(try conversation.until { try end.isAnswered() })
        }
        proxy.change { $0.resetsNewConnections = true }
        proxy.resetConnections()
        let accepted = proxy.accepted
        #expect(try conversation.until { proxy.accepted > accepted + 3 })
        #expect(!end.link.isConnected)
        proxy.set(TCPFaults())
        #expect(try conversation.until { end.sessions.count == 6 })
        #expect(try conversation.until { try end.isAnswered() })
    }

    @Test("connections that are refused are tried until they are not")
    func refusals() throws {
        let (conversation, proxy, end) = try proxied()
        proxy.change { $0.refuses = true }
        proxy.resetConnections()
        #expect(try conversation.until { end.events.filter { $0 == .retrying }.count > 3 })
        #expect(!end.link.isConnected)
        proxy.set(TCPFaults())
        #expect(try conversation.until { end.sessions.count == 2 })
        #expect(try conversation.until { try end.isAnswered() })
    }

    @Test("a stream whose bytes were changed costs its connection, and the link finds another")
    func nonsense() throws {
        let context = try ZeroMQContext()
        // Nothing of this listener is the protocol, after which ZeroMQ does not try again by itself.
        let stranger = try Stranger.listening()
        let link = Link(context: context, run: "run", sender: "device-1", timing: .quick)
        let end = LinkEnd(link)
        try link.connect(stranger.endpoint, security: .insecure)
        var poller = Poller()
        _ = poller.add(link)
        var visits = 0
        for _ in 0..<2000 where visits < 2 {
            try poller.wait(milliseconds: 5)
            try end.work()
            visits += stranger.answerAll(with: [UInt8](repeating: 0x55, count: 300))
        }
        #expect(visits == 2, "it did not come again")
        #expect(!end.refusals.isEmpty && end.sessions.isEmpty)
    }

    @Test("messages are lost, doubled, late and overtaken as often as asked, and the same for one seed")
    func messages() throws {
        var faults = MessageFaults()
        (faults.drop, faults.duplicate, faults.delay, faults.reorder) = (0.2, 0.1, 0.1, 0.2)
        let context = try ZeroMQContext()
        var seen: [[UInt64]] = []
        for round in 0..<2 {
            let conversation = try Conversation(context: context, endpoint: "inproc://up-\(round)", security: .none)
            let proxy = try MessageFaultProxy(
                context: context, endpoint: "inproc://faults-\(round)", upstream: conversation.endpoint, seed: 7,
                faults: faults)
            let end = try conversation.add("device-1", to: proxy.endpoint, security: .none)
            conversation.answers = false
            #expect(end.link.isConnected)
            for _ in 0..<1000 { _ = try #require(try end.speak()) }
            #expect(
                try conversation.until {
                    let counts = proxy.counts
                    return counts.received == 1000
                        && conversation.heard.count == 1000 - counts.dropped + counts.duplicated
                })
            let counts = proxy.counts
            #expect((150...250).contains(counts.dropped) && (50...120).contains(counts.duplicated))
            #expect((50...120).contains(counts.delayed) && (120...200).contains(counts.reordered))
            let times = conversation.heard.compactMap { if case .heartbeat(let time) = $0.body { time } else { nil } }
            #expect(times != times.sorted(), "nothing was overtaken")
            seen.append(times.sorted())
            // What goes through whole is answered on the way back, too.
            proxy.set(MessageFaults())
            conversation.answers = true
            #expect(try conversation.until { try end.isAnswered() })
        }
        #expect(seen[0] == seen[1])
    }

    private func proxied(
        _ timing: ConnectionTiming = .quick
    ) throws -> (conversation: Conversation, proxy: TCPFaultProxy, end: LinkEnd) {
        let conversation = try Conversation()
        let proxy = try TCPFaultProxy(upstream: conversation.endpoint)
        let end = try conversation.add("device-1", to: proxy.endpoint, timing: timing)
        #expect(try conversation.until { try end.isAnswered() })
        return (conversation, proxy, end)
    }
}
