import Ledger
import Monitoring

/// Devices as a coordinator tells them over HTTP: by class, for there may be thousands.
struct MonitoredDevices: Encodable {
    /// Devices that compute as many blocks.
    struct Class: Encodable {
        let cut: Int
        let count: Int
        let lagSamples: Int
        let pendingBytes: Int
        let settledBytes: Int
        let redelivered: Int
        let slowestSeenSeconds: Double
    }

    let total: Int
    let byState: [String: Int]
    let classes: [Class]

    init(_ devices: [DeviceFigures], now: Double) {
        total = devices.count
        byState = Dictionary(grouping: devices, by: \.state.rawValue).mapValues(\.count)
        classes = Dictionary(grouping: devices, by: \.cut).sorted { $0.key < $1.key }.map { cut, devices in
            func sum(_ figure: (DeviceFigures) -> Int) -> Int { devices.reduce(0) { $0 + figure($1) } }
            return Class(
                cut: cut, count: devices.count, lagSamples: sum(\.lag), pendingBytes: sum(\.pendingBytes),
                settledBytes: sum(\.bytes), redelivered: sum(\.redelivered),
                slowestSeenSeconds: max(0, now - (devices.map(\.lastSeen).min() ?? now)))
        }
    }
}

/// Some of the devices, one by one.
struct MonitoredDeviceList: Encodable {
    struct Device: Encodable {
        let id: String
        let state: DeviceRecord.State
        let cut: Int
        let lagSamples: Int
        let creditBytes: Int
        let pendingBytes: Int
        let settledMessages: Int
        let settledBytes: Int
        let redelivered: Int
        let duplicates: Int
        let dead: Int
        let roundTripSeconds: Double?
        let seen: Double
    }

    /// Devices that were asked for, on all pages.
    let total: Int
    let offset: Int
    let limit: Int
    let devices: [Device]

    init(_ devices: [DeviceFigures], _ page: Site.DevicePage) {
        let wanted = devices.filter { device in
            (page.cut.map { $0 == device.cut } ?? true) && (page.state.map { $0 == device.state.rawValue } ?? true)
        }
        total = wanted.count
        offset = page.offset
        limit = page.limit
        self.devices = wanted.dropFirst(page.offset).prefix(page.limit).map {
            Device(
                id: $0.device, state: $0.state, cut: $0.cut, lagSamples: $0.lag, creditBytes: $0.creditBytes,
                pendingBytes: $0.pendingBytes, settledMessages: $0.messages, settledBytes: $0.bytes,
                redelivered: $0.redelivered, duplicates: $0.duplicates, dead: $0.dead,
                roundTripSeconds: $0.roundTripSeconds, seen: $0.lastSeen)
        }
    }
}
