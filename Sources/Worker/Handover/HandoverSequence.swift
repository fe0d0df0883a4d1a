import Queueing

/// Where a message of a device stands among those that one worker hands to another: devices keep their sequences, so
/// the device is in the upper half of the number. It is only used in `Welcome`, to say what is settled.
enum HandoverSequence {
    static func number(device: UInt32, sequence: UInt64) -> UInt64 {
        (UInt64(device) + 1) << 32 | (sequence & 0xFFFF_FFFF)
    }

    static func ranges(_ settled: [(device: UInt32, sequences: SequenceSet)]) -> [ClosedRange<UInt64>] {
        settled.flatMap { device, sequences in
            sequences.ranges.map {
                number(device: device, sequence: $0.lowerBound)...number(device: device, sequence: $0.upperBound)
            }
        }
    }
}
