extension Comparison {
    /// What a device needs to hold, by class: the largest of all its devices and runs, beside what it has.
    var memoryPanels: [BarPanel] {
        let needs = classes.map { kind in
            methods.map { method in
                plan.imbalances.flatMap { results(method, $0) }.flatMap(\.devices)
                    .filter { $0.deviceClass == kind.name }.map(\.memoryBytes).max()
            }
        }
        let largest = Double(max(1, needs.joined().compactMap(\.self).max() ?? 1))
        return zip(classes, needs).map { kind, needs in
            BarPanel(
                title: "\(heading(kind)), \(Quantity.text(Double(kind.memoryBytes), "B")) each",
                summary: "\(kind.name): memory that each method needs on a device",
                rows: zip(methods, needs).compactMap { method, bytes in
                    bytes.map { bytes in
                        let size = Quantity.text(Double(bytes), "B")
                        return .init(
                            label: method, style: style(method),
                            bars: [.init(name: size, kind: "solid", share: Double(bytes) / largest)], value: size)
                    }
                }, limit: Double(kind.memoryBytes) / largest)
        }
    }

    /// How much of the simulated time a class's processors and links were busy, on the first imbalance.
    var busyPanels: [BarPanel] {
        let imbalance = plan.imbalances.first ?? ""
        return classes.map { kind in
            BarPanel(
                title: heading(kind),
                summary: "\(kind.name): shares of the simulated time in which it computes, sends and receives",
                rows: methods.compactMap { method in
                    guard let shares = busyShares(method, imbalance, of: kind.name) else { return nil }
                    let bars = zip(Self.activities, shares).map { activity, share in
                        BarPanel.Row.Bar(
                            name: "\(activity.name) \(Quantity.percent(share)) of the time", kind: activity.kind,
                            share: share)
                    }
                    return .init(
                        label: method, style: style(method), bars: bars,
                        value: "\(Quantity.digits(100 * (shares.max() ?? 0))) %")
                })
        }
    }

    /// What the bars of `busyPanels` are, from above.
    static let activities = [
        (name: "computes", kind: "solid"), (name: "sends", kind: "half"), (name: "receives", kind: "faint"),
    ]

    /// Means over a class's devices and the seeds; nil where there is no such device.
    func busyShares(_ method: String, _ imbalance: String, of kind: String) -> [Double]? {
        let shares = results(method, imbalance).flatMap { run -> [[Double]] in
            let seconds = run.points.last?.simulatedSeconds ?? 0
            guard seconds > 0 else { return [] }
            return run.devices.filter { $0.deviceClass == kind }.map { device in
                [device.computeSeconds, device.uploadSeconds, device.downloadSeconds].map { $0 / seconds }
            }
        }
        guard !shares.isEmpty else { return nil }
        return (0..<Self.activities.count).map { place in
            shares.reduce(0) { $0 + $1[place] } / Double(shares.count)
        }
    }

    private func heading(_ kind: DeviceClass) -> String { "\(kind.name) × \(kind.count)" }
}
