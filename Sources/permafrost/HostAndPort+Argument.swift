import ArgumentParser
import Diagnostics
import Gateway

extension HostAndPort: ExpressibleByArgument {
    /// A text of the command line.
    public init?(argument: String) { self.init(argument) }
}

extension AllowedDestination: ExpressibleByArgument {
    /// A text of the command line.
    public init?(argument: String) { self.init(argument) }
}
