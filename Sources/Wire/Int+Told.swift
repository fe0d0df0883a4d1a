extension Int {
    /// A count or a size as somebody else told it. What is over 2^48 is wrong anyway, and becomes that: then the figures of
    /// 32,767 devices, workers or stages can be added up.
    public init(told value: some UnsignedInteger) { self = Int(Swift.min(UInt64(value), 1 << 48)) }
}
