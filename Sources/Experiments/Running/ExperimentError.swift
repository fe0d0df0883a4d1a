import Diagnostics

/// Why a method cannot be run on a fleet.
public enum ExperimentError: NumberedError, Equatable {
    /// A device that could not hold what the method needs.
    case deviceTooSmall(device: String, method: String, neededBytes: Int, memoryBytes: Int)
    /// TSFA shares a band that is not there.
    case noSharedBand
    /// Somebody waits for a device that computes or sends nothing any more.
    case standsStill(seconds: Double)

    /// The number with which the process exits.
    public var exitCode: ExitCode { .recipeImpossibleValue }

    /// What was wrong, and where.
    public var problem: String {
        switch self {
        case .deviceTooSmall(let device, let method, let needed, let memory):
            "\(method) needs \(needed >> 20) MiB on \(device), which has \(memory >> 20) MiB"
        case .noSharedBand: "TSFA shares a band among devices, and the fleet has no radio"
        case .standsStill(let seconds):
            "the run stands still after \(Int(seconds)) simulated seconds: a device that is waited for computes or sends "
                + "nothing any more"
        }
    }

    /// What to do next.
    public var remedy: String {
        switch self {
        case .deviceTooSmall: "Lower the cut or the batch, or give the class more memory_bytes"
        case .noSharedBand: "Give the fleet radio.bandwidth_hertz and its classes distance_metres, or leave TSFA out"
        case .standsStill: "Give every class of the fleet a rate above zero in both directions, and FLOP/s"
        }
    }
}
