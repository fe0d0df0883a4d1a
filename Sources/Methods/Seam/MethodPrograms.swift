import Models

/// What happens to a device's program.
public enum DeviceProgramEvent: Sendable, Equatable {
    /// The server's message is here. Messages come in the order in which they were sent.
    case received(MethodMessage)
    /// A message has left the device. A program that makes one message at a time waits for this before the next, so that
    /// the device never holds two.
    case drained
}

/// What a device does, in this order.
public enum DeviceProgramAction: Sendable, Equatable {
    /// This was computed; it takes the device's time.
    case computed(MethodWork)
    /// Send this to the server.
    case send(MethodMessage)
}

/// What happens to the server's program.
public enum ServerProgramEvent: Sendable, Equatable {
    /// All devices are there.
    case begin
    /// A device's message is here. A device's messages come in the order in which they were sent.
    case received(MethodMessage, from: Int)
    /// What the server computed last is done. A program that has a step to take without hearing of anybody takes one,
    /// and gives no actions when there is none.
    case idle
}

/// What the server does, in this order.
public enum ServerProgramAction: Sendable, Equatable {
    /// This was computed; it takes the server's time.
    case computed(MethodWork)
    /// Send this to a device.
    case send(MethodMessage, to: Int)
    /// A step or a round ended.
    case completed(MethodProgress)
    /// Whatever devices still send changes nothing any more.
    case finished
}

/// A step or a round that ended.
public struct MethodProgress: Sendable, Equatable {
    /// Counted from 1.
    public var step: Int
    /// Mean over the targets, in nats, before the step; of a round, over all that was trained in it.
    public var loss: Double

    /// The end of a step or a round.
    public init(step: Int, loss: Double) {
        self.step = step
        self.loss = loss
    }
}

/// What was computed, as shapes: whoever needs operations or seconds makes them of these.
public struct MethodWork: Sendable, Equatable {
    /// The kinds of work whose costs differ.
    public enum Kind: String, Sendable, CaseIterable {
        /// Sequences through blocks, and through the head where there are targets.
        case forward
        /// The gradients of a forward pass, with respect to its input and to what trains.
        case backward
        /// A random direction was drawn and added to `parameters` numbers.
        case perturbation
        /// `parameters` numbers were moved by an optimizer, or averaged.
        case update
    }

    /// The kind of work.
    public var kind: Kind
    /// The blocks that were passed.
    public var blocks: Range<Int>
    /// Tokens of each sequence.
    public var lengths: [Int]
    /// Targets that entered the head; 0 without it.
    public var targets: Int
    /// Numbers that were moved.
    public var parameters: Int

    /// Sequences through blocks.
    public static func pass(_ kind: Kind, _ blocks: Range<Int>, lengths: [Int], targets: Int = 0) -> MethodWork {
        MethodWork(kind: kind, blocks: blocks, lengths: lengths, targets: targets, parameters: 0)
    }

    /// Numbers that were moved.
    public static func change(_ kind: Kind, parameters: Int) -> MethodWork {
        MethodWork(kind: kind, blocks: 0..<0, lengths: [], targets: 0, parameters: parameters)
    }
}

/// The device's side of a method: what it computes and sends is a function of its seed, its data and what it receives.
///
/// There is no socket and no clock in it. A program has one user at a time.
public protocol DeviceProgram: AnyObject, Sendable {
    /// Takes an event.
    ///
    /// - Throws: `MethodError` for a message that does not fit, `TrainingError.diverged`, or what the model throws for a
    ///   token outside the vocabulary.
    func handle(_ event: DeviceProgramEvent) throws -> [DeviceProgramAction]
}

/// A device on which something trains.
public protocol TrainingDeviceProgram: DeviceProgram {
    /// What trains on the device.
    var parameters: TrainableParameters { get }
}

/// The server's side of a method. There is no socket and no clock in it. A program has one user at a time.
public protocol ServerProgram: AnyObject, Sendable {
    /// What trains on the server, or what it has made of what trains on the devices.
    var parameters: TrainableParameters { get }

    /// Takes an event.
    ///
    /// - Throws: `MethodError` for a message that does not fit, or `TrainingError.diverged`.
    func handle(_ event: ServerProgramEvent) throws -> [ServerProgramAction]
}

/// The server's side of a method whose devices train the lower blocks: in the end it has these as well.
public protocol SplitServerProgram: ServerProgram {
    /// What devices have made of the lower blocks; nil before the program has finished.
    var lower: TrainableParameters? { get }
}
