import Diagnostics
import Testing

@Suite("Failpoints")
struct FailpointTests {
    @Test("a setting is a name, or a name and a count from 1; anything else is named with all that there are")
    func settings() {
        #expect(Failpoint.problem(of: nil) == nil)
        for point in Failpoint.allCases {
            #expect(Failpoint.problem(of: point.rawValue) == nil)
            #expect(Failpoint.problem(of: "\(point.rawValue):3") == nil)
        }
        for wrong in ["", "after", "after-write:", "after-write:0", "after-write:-1", "after-write:1:2"] {
            let problem = Failpoint.problem(of: wrong)
            #expect(problem?.contains("after-write") == true, "\(wrong)")
        }
    }
}
