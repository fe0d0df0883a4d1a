import Diagnostics

/// The checksum of a payload frame: XXH64 with seed 0. It finds damage and mistakes, not malice.
public func payloadChecksum(_ bytes: UnsafeRawBufferPointer) -> UInt64 { XXH64.hash(bytes) }
