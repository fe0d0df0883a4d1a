// swift-tools-version: 6.1
import PackageDescription

/// Targets stand from the ground up: each may depend only on those above it in this list.
/// `docs/architecture.md` says what each knows and what it must never know.
let package = Package(
    name: "permafrost",
    products: [
        .executable(name: "permafrost", targets: ["permafrost"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // System libraries and C.
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CZeroMQ", pkgConfig: "libzmq", providers: [.apt(["libzmq3-dev"])]),
        .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
        .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
        .target(name: "CWire", dependencies: ["CProtobufC"]),
        .target(name: "CKernels"),
        // Finds oneDNN at run time, or does without.
        .target(name: "CProducts"),
        // Finds libzstd at run time, or does without.
        .target(name: "CZstd"),

        // What everything stands on.
        .target(name: "Diagnostics"),
        .target(name: "Randomness"),
        .target(name: "Logs", dependencies: ["Diagnostics", .product(name: "Logging", package: "swift-log")]),
        .target(
            name: "Tensors",
            dependencies: [
                "CKernels", "COpenBLAS", "CProducts", .product(name: "DequeModule", package: "swift-collections"),
            ]),

        // Files in and out.
        .target(name: "Tokenizers", dependencies: ["Diagnostics"]),
        .target(name: "Checkpoints", dependencies: ["Diagnostics", "Tensors", "Tokenizers"]),

        // Mathematics and data.
        .target(name: "Models", dependencies: ["Checkpoints", "Diagnostics", "Randomness", "Tensors"]),
        .target(name: "Datasets", dependencies: ["Diagnostics", "Randomness", "Tokenizers"]),

        // Messages and queues.
        .target(name: "Wire", dependencies: ["CKernels", "CWire", "CZstd", "Diagnostics"]),
        .target(name: "Queueing", dependencies: ["CLMDB", "CZeroMQ", "Diagnostics", "Randomness", "Wire"]),

        // What an operator sees over HTTP: metrics, state, page.
        .target(
            name: "Monitoring",
            dependencies: [
                "Diagnostics", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"), .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            resources: [
                "announcements.js", "chart.js", "devices.js", "dom.js", "events.js", "format.js", "gantt.js",
                "icon.svg", "index.html", "lanes.js", "link.js", "list.js", "page.css", "page.js", "parts.css",
                "pipeline.js", "queue.js", "run.js", "scale.js", "table.js", "workers.js",
            ].map { .embedInCode("Page/\($0)") }),

        // One port for devices outside.
        .target(
            name: "Gateway",
            dependencies: [
                "Diagnostics", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSOCKS", package: "swift-nio-extras"),
            ]),

        // Who computes what, and what the coordinator remembers.
        .target(
            name: "Balancing",
            dependencies: ["Datasets", "Randomness", .product(name: "HeapModule", package: "swift-collections")]),
        .target(
            name: "Ledger",
            dependencies: [
                "Diagnostics", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),

        // What stages of a pipeline do, in which order.
        .target(name: "Pipeline", dependencies: ["Diagnostics", "Tensors"]),

        // What is computed where, and the roles that do it.
        .target(
            name: "Methods",
            dependencies: [
                "Checkpoints", "Datasets", "Diagnostics", "Models", "Pipeline", "Randomness", "Tensors", "Wire",
            ]),
        .target(name: "Exchange", dependencies: ["Diagnostics", "Methods", "Queueing", "Tensors", "Wire"]),
        .target(name: "Device", dependencies: ["Datasets", "Diagnostics", "Methods", "Queueing", "Tensors", "Wire"]),
        .target(name: "Worker", dependencies: ["Datasets", "Diagnostics", "Methods", "Queueing", "Tensors", "Wire"]),
        .target(name: "Coordinator", dependencies: ["Balancing", "Diagnostics", "Ledger", "Queueing", "Wire"]),

        // Recipes, methods side by side on a virtual clock, run folders and the embedded assembly of the roles.
        .target(
            name: "Recipes",
            dependencies: [
                "Balancing", "Datasets", "Diagnostics", "Pipeline", .product(name: "Yams", package: "Yams"),
            ]),
        .target(
            name: "Experiments",
            dependencies: [
                "Balancing", "Checkpoints", "Datasets", "Diagnostics", "Methods", "Models", "Randomness", "Tensors",
                .product(name: "DequeModule", package: "swift-collections"),
            ]),
        .target(
            name: "Runs",
            dependencies: [
                "Balancing", "Checkpoints", "Coordinator", "Datasets", "Device", "Diagnostics", "Exchange",
                "Experiments", "Gateway", "Ledger", "Methods", "Models", "Monitoring", "Pipeline", "Queueing",
                "Randomness", "Recipes", "Tensors", "Tokenizers", "Wire", "Worker",
                .product(name: "Crypto", package: "swift-crypto"), .product(name: "Metrics", package: "swift-metrics"),
            ]),
        .executableTarget(
            name: "permafrost",
            dependencies: [
                "Balancing", "Checkpoints", "Coordinator", "Device", "Diagnostics", "Experiments", "Gateway", "Ledger",
                "Logs", "Monitoring", "Pipeline", "Queueing", "Recipes", "Runs", "Tensors", "Wire", "Worker",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]),

        // Tests mirror Sources.
        .target(
            name: "Support", dependencies: ["Checkpoints", "Models", "Randomness", "Tensors"], path: "Tests/Support"),
        .target(name: "Faults", dependencies: ["Queueing", "Randomness", "Wire"], path: "Tests/Faults"),
        // Makes links slow, for scripts/verify-clock.
        .executableTarget(name: "shaper", dependencies: ["Faults"], path: "Tests/Shaper"),
        .testTarget(name: "DiagnosticsTests", dependencies: ["Diagnostics"]),
        .testTarget(
            name: "LogsTests", dependencies: ["Diagnostics", "Logs", .product(name: "Logging", package: "swift-log")]),
        .testTarget(name: "TensorsTests", dependencies: ["Randomness", "Support", "Tensors"]),
        .testTarget(
            name: "TokenizersTests",
            dependencies: ["Checkpoints", "Diagnostics", "Randomness", "Support", "Tokenizers"]),
        .testTarget(
            name: "CheckpointsTests",
            dependencies: ["Checkpoints", "Diagnostics", "Randomness", "Support", "Tensors", "Tokenizers"]),
        .testTarget(
            name: "ModelsTests",
            dependencies: ["Checkpoints", "Datasets", "Methods", "Models", "Support", "Tensors", "Tokenizers"]),
        .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "Diagnostics", "Randomness", "Tokenizers"]),
        .testTarget(
            name: "WireTests",
            dependencies: ["CKernels", "CWire", "Diagnostics", "Faults", "Randomness", "Wire"], exclude: ["recorded"]),
        .target(name: "CSyncedFile", path: "Tests/CSyncedFile"),
        .testTarget(
            name: "QueueingTests", dependencies: ["CSyncedFile", "Faults", "Queueing", "Randomness", "Wire"]),
        .testTarget(name: "BalancingTests", dependencies: ["Balancing", "Datasets", "Randomness"]),
        .testTarget(
            name: "LedgerTests",
            dependencies: [
                "Diagnostics", "Ledger", "Randomness", .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .testTarget(
            name: "PipelineTests", dependencies: ["Diagnostics", "Pipeline", "Randomness"], exclude: ["golden"]),
        .testTarget(
            name: "MethodsTests",
            dependencies: [
                "Checkpoints", "Datasets", "Diagnostics", "Experiments", "Methods", "Models", "Pipeline", "Randomness",
                "Support", "Tensors",
            ]),
        .testTarget(
            name: "ExchangeTests",
            dependencies: [
                "Datasets", "Diagnostics", "Exchange", "Faults", "Methods", "Models", "Queueing", "Randomness",
                "Support", "Tensors", "Wire",
            ]),
        .testTarget(
            name: "DeviceTests",
            dependencies: [
                "Datasets", "Device", "Diagnostics", "Faults", "Methods", "Models", "Queueing", "Randomness",
                "Support", "Tensors", "Wire",
            ]),
        .testTarget(
            name: "WorkerTests",
            dependencies: [
                "Datasets", "Faults", "Methods", "Models", "Queueing", "Randomness", "Support", "Tensors", "Wire",
                "Worker",
            ]),
        .testTarget(
            name: "CoordinatorTests",
            dependencies: [
                "Balancing", "CZeroMQ", "Coordinator", "Datasets", "Device", "Diagnostics", "Faults", "Ledger",
                "Methods",
                "Models", "Queueing", "Randomness", "Support", "Tensors", "Wire", "Worker",
            ]),
        .testTarget(
            name: "MonitoringTests",
            dependencies: [
                "Diagnostics", "Monitoring", "Support", .product(name: "Metrics", package: "swift-metrics"),
            ]),
        .testTarget(
            name: "GatewayTests",
            dependencies: [
                "Diagnostics", "Gateway", "Queueing", "Randomness", "Support", "Wire",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .testTarget(name: "RecipesTests", dependencies: ["Balancing", "Datasets", "Diagnostics", "Recipes"]),
        .testTarget(
            name: "ExperimentsTests",
            dependencies: [
                "Balancing", "Checkpoints", "Datasets", "Exchange", "Experiments", "Methods", "Models", "Queueing",
                "Randomness", "Support", "Tensors",
            ]),
        .testTarget(
            name: "RunsTests",
            dependencies: [
                "Checkpoints", "Datasets", "Diagnostics", "Exchange", "Experiments", "Faults", "Ledger", "Methods",
                "Models",
                "Monitoring", "Pipeline", "Queueing", "Randomness", "Recipes", "Runs", "Support", "Tensors",
            ]),
        .testTarget(
            name: "PermafrostTests",
            dependencies: [
                "Checkpoints", "Diagnostics", "Faults", "Ledger", "Queueing", "Randomness", "Recipes", "Runs",
                "Support",
                "Wire", "permafrost", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
    ]
)
