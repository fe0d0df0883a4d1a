extension Fleet.DeviceClass {
    /// Classes that a fleet's file may name. Figures are of one typical device each; a file overrides what it knows better.
    /// `docs/fleets.md` has the sources and how each figure follows from them.
    public static let builtIn: [Self] = [singleBoard, phone, jetson, laptop]

    /// The built-in class of a name.
    public static func builtIn(named name: String) -> Self? { builtIn.first { $0.name == name } }

    /// A Raspberry Pi Compute Module 4, four Cortex-A72 at 1.5 GHz.
    ///
    /// - Speed: 11.433 GFLOP/s measured by HPL with eight-byte numbers, times two for four-byte ones; 5.2 W at the plug
    ///   meanwhile ("Top500 Benchmark - HPL Linpack", github.com/geerlingguy/top500-benchmark, table of results). That is
    ///   48 % of the peak of 24 GFLOP/s.
    /// - Link: `fixedLine`.
    /// - Memory: half of 4 GiB, our choice.
    private static let singleBoard = hardware(
        "single-board", flops: 22.9e9, link: fixedLine, memoryBytes: 2 << 30, watts: 5.2)

    /// A phone with a Snapdragon 845.
    ///
    /// - Speed: 84.4 GFLOP/s of multiply-adds measured on the four large cores ("vfpbench", wlog.flatlib.jp/2019/1/5),
    ///   times the 48 % that products reach on `singleBoard`, our assumption. The graphics processor is not used.
    /// - Power: a phone cannot get rid of more than 3 W for long ("Smartphone Energy Consumption",
    ///   petewarden.com/2015/10/08/smartphone-energy-consumption).
    /// - Link: `mobile`.
    /// - Memory: 1 GiB, what an app in the foreground may use of 6 GiB, our choice.
    private static let phone = hardware("phone", flops: 40e9, link: mobile, memoryBytes: 1 << 30, watts: 3)

    /// A Jetson Orin Nano module with 8 GB.
    ///
    /// - Speed: 1,024 CUDA cores at 625 MHz, two operations each, are 1.28 TFLOP/s ("Orin Nano Datasheet",
    ///   scribd.com/document/673174036), times the 48 % of `singleBoard`, our assumption. Two-byte numbers take half the
    ///   time on its tensor cores ("Jetson GPU Hardware Summary", llmperf.net/categories/gpu/Nvidia-Jetson).
    /// - Power: 15 W, its envelope before it was raised ("Jetson Orin Nano Super — Edge AI Hardware Deep Dive",
    ///   brojogopalsapui.com/ai-foundations).
    /// - Link: `fixedLine`.
    /// - Memory: half of 8 GiB, our choice.
    private static let jetson = hardware(
        "jetson", flops: 614e9, bf16: 1228e9, link: fixedLine, memoryBytes: 4 << 30, watts: 15)

    /// A MacBook Air with an M2, its processor alone.
    ///
    /// - Speed: 104.68 GFLOP/s measured by HPL with eight-byte numbers, times two for four-byte ones (as `singleBoard`).
    ///   The list has no power for it, and so neither have we.
    /// - Link: `fixedLine`.
    /// - Memory: half of 8 GiB, our choice.
    private static let laptop = hardware("laptop", flops: 209e9, link: fixedLine, memoryBytes: 4 << 30, watts: nil)

    private typealias Link = (up: Double, down: Double, roundTrip: Double)

    /// Mean of fixed lines of the world: 45.74 Mbit/s up, 85.73 Mbit/s down, 21 ms ("The global mobile and broadband
    /// internet speed ranking", my-financial-wealth.com/2020/10/25, Speedtest Global Index of September 2020).
    private static let fixedLine: Link = (45.74e6 / 8, 85.73e6 / 8, 0.021)

    /// Mean of mobile networks of the world: 11.22 Mbit/s up, 35.96 Mbit/s down, 40 ms (same source).
    private static let mobile: Link = (11.22e6 / 8, 35.96e6 / 8, 0.04)

    private static func hardware(
        _ name: String, flops: Double, bf16: Double? = nil, link: Link, memoryBytes: Int, watts: Double?
    ) -> Self {
        var kind = Self()
        kind.name = name
        kind.fp32FlopsPerSecond = flops
        kind.bf16FlopsPerSecond = bf16
        kind.uplinkBytesPerSecond = link.up
        kind.downlinkBytesPerSecond = link.down
        kind.roundTripSeconds = link.roundTrip
        kind.memoryBytes = memoryBytes
        kind.watts = watts
        return kind
    }
}
