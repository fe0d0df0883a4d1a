/// The version of this build, as `permafrost version` prints it.
public let permafrostVersion = "0.1.0"
