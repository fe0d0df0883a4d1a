import Queueing
import Testing
import Wire

@testable import Device

@Suite("A device's reports")
struct DeviceReportTests {
    @Test("news are told at most once a second, nothing new every ten seconds, and the end and a new session at once")
    func pace() throws {
        var bench = DeviceBench(stays: true)
        let link = Link(context: try ZeroMQContext(), run: "run", sender: "d")
        var report = DeviceReport()
        func next(_ now: Duration, isLast: Bool = false) -> Body.DeviceProgress? {
            report.next(bench.machine, link, nil, isLast: isLast, now: now)
        }
        #expect(next(.zero)?.publishedSamples == 0)
        bench.start()
        bench.finishComputing()
        bench.acknowledge(1)
        #expect(next(.milliseconds(999)) == nil)
        #expect(next(.seconds(1))?.publishedSamples == 3 && report.hasGrown)
        #expect((2...10).allSatisfy { next(.seconds($0)) == nil })
        #expect(next(.seconds(11))?.publishedSamples == 3 && !report.hasGrown)
        report.computed(blockTokens: 40, duration: .seconds(2))
        #expect(next(.seconds(12))?.blockTokens == 40)
        report.mustRepeat = true
        #expect(next(.milliseconds(12_001))?.computeNanoseconds == 2_000_000_000)
        bench.runToEnd()
        #expect(next(.milliseconds(12_002))?.finished == true)
        #expect(next(.milliseconds(12_003)) == nil)
        #expect(next(.milliseconds(12_004), isLast: true)?.publishedSamples == 10)
    }
}
