import Diagnostics
import Foundation
import Support
import Testing

@testable import Runs

@Suite("Places of alike workers")
struct WorkerPlaceTests {
    @Test("a range stands for its ids, any other name for itself")
    func ids() throws {
        #expect(try WorkerPlace.ids("worker-9..11") == ["worker-9", "worker-10", "worker-11"])
        #expect(try WorkerPlace.ids("w3..3") == ["w3"])
        #expect(try WorkerPlace.ids("gateway-7") == ["gateway-7"])
    }

    @Test(
        "a range that is none is refused with what one looks like",
        arguments: ["1..4", "worker..4", "worker-..4", "worker-1..", "worker-4..1", "worker-1..x", "worker-0..1000"])
    func malformed(name: String) {
        #expect(throws: WorkerPlaceError.malformed(name)) { try WorkerPlace.ids(name) }
        #expect(WorkerPlaceError.malformed(name).exitCode == .usage)
    }

    @Test("each takes the first free place, until none is left; one that another process gave up is free again")
    func taking() throws {
        try Fixtures.withTemporaryFolder { folder in
            let ids = try WorkerPlace.ids("worker-1..3"), shared = folder.appendingPathComponent("state").path
            try FileManager.default.createDirectory(atPath: shared, withIntermediateDirectories: true)
            // Another holder of worker-1: locks belong to what was opened, and not to a process.
            let other = open("\(shared)/worker-1.lock", O_RDWR | O_CREAT, 0o644)
            #expect(flock(other, LOCK_EX | LOCK_NB) == 0)
            #expect(try WorkerPlace.take(ids, in: shared).id == "worker-2")
            #expect(try WorkerPlace.take(ids, in: shared).id == "worker-3")
            #expect(throws: WorkerPlaceError.allTaken(ids, folder: shared)) { try WorkerPlace.take(ids, in: shared) }
            close(other)
            #expect(try WorkerPlace.take(ids, in: shared).id == "worker-1")
        }
    }

    @Test("an id and the machine's name are put into a text that asks for them")
    func filling() throws {
        let place = WorkerPlace(id: "worker-2")
        #expect(place.fill("keys/{id}.key") == "keys/worker-2.key")
        #expect(place.fill("tcp://10.0.0.5:7071") == "tcp://10.0.0.5:7071")
        let name = place.fill("{host}")
        #expect(!name.isEmpty && name != "{host}")
    }
}
