import Randomness
import Testing

@testable import Coordinator

@Suite("Devices over workers")
struct DeviceSpreadTests {
    @Test("who has a worker stays, whoever has none goes where there is least, and nobody ends up far from the mean")
    func random() {
        var chance = SeededGenerator(seed: 11, stream: "device-spread")
        for _ in 0..<300 {
            let workers = (1...Int.random(in: 1...5, using: &chance)).map { "w\($0)" }
            let devices = (0..<Int.random(in: 0...40, using: &chance)).map { number in
                DeviceSpread.Device(
                    number: number, samples: Int.random(in: 1...500, using: &chance),
                    home: Bool.random(using: &chance) ? "w\(Int.random(in: 1...7, using: &chance))" : nil,
                    isDone: Bool.random(using: &chance))
            }
            let homes = DeviceSpread(devices, homes: workers).homes
            #expect(homes.count == devices.count && homes.values.allSatisfy(workers.contains))
            for device in devices where device.isDone {
                if let home = device.home, workers.contains(home) { #expect(homes[device.number] == home) }
            }
            // No single move would bring the largest and the smallest share closer together.
            func load(_ worker: String) -> Int {
                devices.reduce(0) { $0 + (homes[$1.number] == worker ? $1.samples : 0) }
            }
            let least = workers.map(load).min() ?? 0
            for device in devices where !device.isDone {
                guard let home = homes[device.number] else { continue }
                #expect(least + device.samples >= load(home) || load(home) <= least + 500)
            }
        }
    }

    @Test("a plan that is balanced stays as it is, and the same devices always have the same workers")
    func stable() {
        let devices = (0..<9).map { DeviceSpread.Device(number: $0, samples: 10 + $0, home: nil, isDone: false) }
        let first = DeviceSpread(devices, homes: ["a", "b", "c"]).homes
        let again = devices.map {
            DeviceSpread.Device(number: $0.number, samples: $0.samples, home: first[$0.number], isDone: false)
        }
        #expect(DeviceSpread(again, homes: ["a", "b", "c"]).homes == first)
        #expect(DeviceSpread(devices, homes: ["a"]).homes.values.allSatisfy { $0 == "a" })
    }
}
