import Wire

// How links become codecs.
extension CoordinatorMachine {
    /// A device said what it can write.
    mutating func negotiateCodec(_ register: Body.Register, _ number: Int) {
        let known = register.codecs.compactMap { PayloadCodec(rawValue: $0) }
        let device = roster.devices[number]
        roster.devices[number].codecs = known.isEmpty ? CodecRule.common : known
        roster.devices[number].columns = Int(told: register.columns)
        let wanted =
            switch settings.codec {
            case .fixed(let codec): codec
            case .automatic: device.codec ?? CodecRule.unmeasured
            }
        roster.devices[number].codec = CodecRule.nearest(wanted, of: roster.devices[number].codecs)
    }

    /// Changes codecs where measures ask for it.
    mutating func chooseCodecs() {
        guard settings.codec == .automatic, drain == nil, phase == .gathering || phase == .running else { return }
        var changed = 0
        for device in roster.devices where device.generation > 0 {
            guard let present = device.codec, let measures = Self.measures(of: device) else { continue }
            let codec = CodecRule.codec(of: device.codecs, measures, present: present)
            guard codec != present else { continue }
            roster.devices[device.number].codec = codec
            let reason =
                "it computes a token in \(Self.figure(measures.secondsPerRow * 1e3)) ms, and its link carries "
                + "\(Self.figure(measures.uplinkBytesPerSecond / 1e6)) MB/s: \(codec)"
            reassigned[device.number] = reassigned[device.number].map { "\($0); \(reason)" } ?? reason
            changed += 1
        }
        guard changed > 0 else { return }
        reasons.append(changed == 1 ? "1 device has another codec" : "\(changed) devices have other codecs")
    }

    /// Nil as long as something is unmeasured, and when the device has nothing left to send.
    private static func measures(of device: Roster.Device) -> CodecRule.Measures? {
        guard let progress = device.progress, !progress.finished, progress.blockTokens > 0, device.columns > 0,
            progress.uplinkBytesPerSecond.isFinite, progress.uplinkBytesPerSecond > 0
        else { return nil }
        let secondsPerBlock = Double(progress.computeNanoseconds) * 1e-9 / Double(progress.blockTokens)
        return CodecRule.Measures(
            columns: device.columns, secondsPerRow: secondsPerBlock * Double(device.cut),
            uplinkBytesPerSecond: progress.uplinkBytesPerSecond)
    }

    private static func figure(_ value: Double) -> String {
        String((value * 100).rounded() / 100)
    }
}
