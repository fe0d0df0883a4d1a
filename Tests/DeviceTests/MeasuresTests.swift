import Randomness
import Testing
import Wire

@testable import Device

@Suite("What a device measures and decides by it")
struct MeasuresTests {
    @Test("parts are as few as the limit allows, none is empty, and only a single row may be larger")
    func partCount() {
        var chance = SeededGenerator(seed: 9, stream: "parts")
        for _ in 0..<5000 {
            let rows = Int.random(in: 1...3000, using: &chance), row = Int.random(in: 1...5000, using: &chance)
            let limit = Int.random(in: 1...200_000, using: &chance)
            let parts = PartSize.count(rows: rows, bytesPerRow: row, limit: limit)
            let sizes = (0..<parts).map { PartSize.bytes(ofPart: $0, of: parts, rows: rows, bytesPerRow: row) }
            #expect(sizes.allSatisfy { $0 > 0 && $0 <= max(limit, row) })
            #expect(sizes.reduce(0, +) == rows * row)
            let most = max(1, limit / row)
            #expect(Int(parts) == (rows + most - 1) / most)
        }
    }

    @Test("a part takes the link about a second, within 64 KiB and the limit; headers are at most an eighth of it")
    func partSize() {
        func size(_ speed: Double?, headerBytes: Int = 100, limit: Int = 4 << 20) -> Int {
            PartSize.bytes(limit: limit, uplinkBytesPerSecond: speed, headerBytes: headerBytes)
        }
        #expect(size(nil) == 256 << 10)
        #expect(size(0) == 64 << 10)
        #expect(size(200_000) == 200_000)
        #expect(size(.infinity) == 4 << 20)
        #expect(size(10, headerBytes: 100_000) == 800_000)
        #expect(size(1e9, headerBytes: 100_000, limit: 1000) == 1000)
    }

    @Test("the uplink's speed is bytes acknowledged by time under way; idle time does not count")
    func uplink() throws {
        var meter = UplinkMeter()
        var now = Duration.zero
        #expect(meter.bytesPerSecond == nil)
        for _ in 0..<20 {
            meter.advance(to: now, isMoving: true)
            now += .seconds(2)
            meter.advance(to: now, isMoving: true)
            meter.acknowledged(1000)
            meter.advance(to: now, isMoving: false)
            now += .seconds(60)
        }
        let speed = try #require(meter.bytesPerSecond)
        #expect(abs(speed - 500) < 60)
        for _ in 0..<20 {
            meter.advance(to: now, isMoving: true)
            now += .seconds(2)
            meter.advance(to: now, isMoving: true)
            meter.acknowledged(8000)
        }
        let later = try #require(meter.bytesPerSecond)
        #expect(abs(later - 4000) < 500, "it forgets what was half a minute ago")
    }

    @Test("one heartbeat is on its way at a time; its answer, and no other, gives the time there and back")
    func heartbeats() {
        var probe = HeartbeatProbe(interval: .seconds(1), timeout: .seconds(30))
        #expect(probe.due == .zero)
        probe.sent(now: .seconds(5))
        #expect(probe.due == .seconds(35))
        #expect(probe.answered(time: 5, now: .seconds(6)) == nil)
        #expect(probe.answered(time: Duration.seconds(5).nanoseconds, now: .milliseconds(5500)) == .seconds(5))
        #expect(probe.roundTrip == .milliseconds(500) && probe.due == .seconds(6))
        #expect(probe.answered(time: Duration.seconds(5).nanoseconds, now: .seconds(7)) == nil)
        probe.sent(now: .seconds(6))
        probe.sent(now: .seconds(36))
        #expect(probe.answered(time: Duration.seconds(6).nanoseconds, now: .seconds(40)) == .seconds(6))
        probe.restart()
        #expect(probe.answered(time: Duration.seconds(36).nanoseconds, now: .seconds(41)) == nil)
        #expect(probe.due == .seconds(37))
    }

    @Test("a wait is told once it has lasted, and once")
    func waits() {
        var notice = WaitNotice(patience: .seconds(5))
        #expect(notice.update(.credit, now: .seconds(10)) == nil)
        #expect(notice.due == .seconds(15))
        #expect(notice.update(nil, now: .seconds(14)) == nil)
        #expect(notice.update(.credit, now: .seconds(15)) == nil)
        #expect(notice.update(.credit, now: .seconds(20)) == .waiting(.credit))
        #expect(notice.update(.credit, now: .seconds(60)) == nil)
        #expect(notice.due == nil)
        #expect(notice.update(.stop, now: .seconds(61)) == nil)
        #expect(notice.update(.stop, now: .seconds(66)) == .waiting(.stop))
    }
}
