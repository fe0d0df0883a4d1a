/// Which worker takes the samples of which device: pure.
struct DeviceSpread {
    struct Device {
        let number: Int
        let samples: Int
        /// The worker that has them, if any.
        let home: String?
        /// Whether it has published everything: then it moves only when its worker is gone.
        let isDone: Bool
    }

    /// The worker of each device, by number.
    private(set) var homes: [Int: String] = [:]

    /// A device stays with its worker if that is still there. Others go, the largest first, to the worker with the fewest
    /// samples; then devices move while that brings the largest and the smallest share closer together.
    ///
    /// - Parameter workers: in the order in which they are chosen when they have the same; at least one.
    init(_ devices: [Device], homes workers: [String]) {
        var loads = workers.map { _ in 0 }
        let places = Dictionary(workers.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        func give(_ device: Device, to place: Int) {
            homes[device.number] = workers[place]
            loads[place] += device.samples
        }
        func least() -> Int { loads.indices.min { (loads[$0], $0) < (loads[$1], $1) } ?? 0 }
        for device in devices {
            if let place = device.home.flatMap({ places[$0] }) { give(device, to: place) }
        }
        let bySize = devices.sorted { ($1.samples, $0.number) < ($0.samples, $1.number) }
        for device in bySize where homes[device.number] == nil { give(device, to: least()) }
        for device in bySize where !device.isDone {
            guard let from = homes[device.number].flatMap({ places[$0] }) else { continue }
            let to = least()
            // It moves only when its new worker ends up with less than its old one had.
            guard loads[to] + device.samples < loads[from] else { continue }
            loads[from] -= device.samples
            give(device, to: to)
        }
    }
}
