internal import GRDB

/// The tables, version by version.
enum LedgerSchema {
    /// A change of the schema is a new text at the end; a published one never changes.
    private static let versions = [first, second, third, fourth, fifth, sixth]

    /// The number of the newest version.
    static let newest = Int64(versions.count)

    /// Each version is a migration called by its number.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        for (number, sql) in zip(1..., versions) {
            migrator.registerMigration("\(number)") { database in
                try database.execute(sql: sql)
                try database.put(MetaRecord(name: MetaRecord.schema, value: Int64(number)))
            }
        }
        return migrator
    }

    /// Every type of row, so that all of them can be verified.
    static let rows: [any LedgerRow.Type] = [
        MetaRecord.self, RecordedRun.self, DeviceRecord.self, WorkerRecord.self, PlanRecord.self,
        AssignmentRecord.self, CursorRecord.self, StepRecord.self, EventRecord.self, OrderRecord.self, KeyRecord.self,
        RefusalRecord.self, ComputeRecord.self, ShareRecord.self, PeakRecord.self, QueueRecord.self,
        StageRecord.self,
    ]

    private static let first = """
        CREATE TABLE meta (
            name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL, checksum INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE runs (
            id TEXT NOT NULL PRIMARY KEY, recipeName TEXT NOT NULL, recipe TEXT NOT NULL, seed INTEGER NOT NULL,
            state TEXT NOT NULL, plannedSteps INTEGER, step INTEGER NOT NULL, chainHash TEXT NOT NULL,
            exitCode INTEGER, reason TEXT, begun REAL NOT NULL, ended REAL, checksum INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE devices (
            run TEXT NOT NULL REFERENCES runs, id TEXT NOT NULL, number INTEGER NOT NULL, samples INTEGER NOT NULL,
            state TEXT NOT NULL, cut INTEGER NOT NULL, generation INTEGER NOT NULL, worker TEXT,
            embeddingSeconds REAL, blockSeconds REAL, uplinkBytesPerSecond REAL, memoryBytes INTEGER,
            time REAL NOT NULL, checksum INTEGER NOT NULL,
            PRIMARY KEY (run, id), UNIQUE (run, number)
        ) STRICT;
        CREATE TABLE workers (
            run TEXT NOT NULL REFERENCES runs, id TEXT NOT NULL, endpoint TEXT NOT NULL, publicKey TEXT NOT NULL,
            state TEXT NOT NULL, session INTEGER NOT NULL, step INTEGER NOT NULL,
            time REAL NOT NULL, checksum INTEGER NOT NULL,
            PRIMARY KEY (run, id)
        ) STRICT;
        CREATE TABLE plans (
            run TEXT NOT NULL REFERENCES runs, generation INTEGER NOT NULL, predictedSeconds REAL, json TEXT NOT NULL,
            time REAL NOT NULL, checksum INTEGER NOT NULL,
            PRIMARY KEY (run, generation)
        ) STRICT;
        CREATE TABLE assignments (
            run TEXT NOT NULL, generation INTEGER NOT NULL, device TEXT NOT NULL, worker TEXT NOT NULL,
            cut INTEGER NOT NULL, creditBytes INTEGER NOT NULL, reason TEXT NOT NULL,
            time REAL NOT NULL, checksum INTEGER NOT NULL,
            PRIMARY KEY (run, generation, device),
            FOREIGN KEY (run, device) REFERENCES devices, FOREIGN KEY (run, worker) REFERENCES workers
        ) STRICT;
        CREATE TABLE cursors (
            run TEXT NOT NULL, device TEXT NOT NULL, settledSamples INTEGER NOT NULL, settledMessages INTEGER NOT NULL,
            settledBytes INTEGER NOT NULL, pendingBytes INTEGER NOT NULL, creditBytes INTEGER NOT NULL,
            redelivered INTEGER NOT NULL, duplicates INTEGER NOT NULL, dead INTEGER NOT NULL,
            roundTripSeconds REAL, silentSeconds REAL NOT NULL, time REAL NOT NULL, checksum INTEGER NOT NULL,
            PRIMARY KEY (run, device),
            FOREIGN KEY (run, device) REFERENCES devices
        ) STRICT;
        CREATE TABLE steps (
            run TEXT NOT NULL REFERENCES runs, step INTEGER NOT NULL, epoch INTEGER NOT NULL, loss REAL, accuracy REAL,
            learningRate REAL, tokens INTEGER NOT NULL, samples INTEGER NOT NULL, sampleIDs BLOB NOT NULL,
            adapterDigest TEXT NOT NULL, seconds REAL, worker TEXT NOT NULL, hash TEXT NOT NULL,
            retaken INTEGER NOT NULL, time REAL NOT NULL, checksum INTEGER NOT NULL,
            PRIMARY KEY (run, step)
        ) STRICT;
        CREATE TABLE events (
            id INTEGER NOT NULL PRIMARY KEY, run TEXT NOT NULL REFERENCES runs, time REAL NOT NULL, level TEXT NOT NULL,
            role TEXT NOT NULL, source TEXT NOT NULL, text TEXT NOT NULL, checksum INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX eventsOfRun ON events (run, id);
        CREATE TABLE orders (
            id INTEGER NOT NULL PRIMARY KEY, kind TEXT NOT NULL, run TEXT NOT NULL REFERENCES runs,
            target TEXT NOT NULL, time REAL NOT NULL, taken REAL, checksum INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX ordersTaken ON orders (taken, id);
        CREATE TABLE keys (
            role TEXT NOT NULL, id TEXT NOT NULL, publicKey TEXT NOT NULL, enrolled REAL NOT NULL, revoked REAL,
            checksum INTEGER NOT NULL,
            PRIMARY KEY (role, id)
        ) STRICT;
        """

    private static let second = """
        CREATE TABLE refusals (
            run TEXT NOT NULL REFERENCES runs, role TEXT NOT NULL, source TEXT NOT NULL, handshakes INTEGER NOT NULL,
            messages INTEGER NOT NULL, reasons TEXT NOT NULL, time REAL NOT NULL, checksum INTEGER NOT NULL,
            PRIMARY KEY (run, role, source)
        ) STRICT;
        """

    private static let third = """
        CREATE TABLE compute (
            run TEXT NOT NULL REFERENCES runs, worker TEXT NOT NULL, frozenForwardSeconds REAL, pipeline TEXT,
            time REAL NOT NULL, checksum INTEGER NOT NULL,
            PRIMARY KEY (run, worker)
        ) STRICT;
        """

    private static let fourth = """
        CREATE TABLE shares (
            run TEXT NOT NULL REFERENCES runs, worker TEXT NOT NULL, microBatches INTEGER NOT NULL,
            time REAL NOT NULL, checksum INTEGER NOT NULL,
            PRIMARY KEY (run, worker)
        ) STRICT;
        """

    private static let fifth = """
        CREATE TABLE peaks (
            run TEXT NOT NULL REFERENCES runs, device TEXT NOT NULL, peakBytes INTEGER NOT NULL,
            time REAL NOT NULL, checksum INTEGER NOT NULL,
            PRIMARY KEY (run, device)
        ) STRICT;
        """

    private static let sixth = """
        CREATE TABLE queues (
            run TEXT NOT NULL REFERENCES runs, worker TEXT NOT NULL, messages INTEGER NOT NULL, bytes INTEGER NOT NULL,
            capacityBytes INTEGER NOT NULL, isFull INTEGER NOT NULL, oldestAgeSeconds REAL NOT NULL,
            receivedBytes INTEGER NOT NULL, sentBytes INTEGER NOT NULL, codecBytes TEXT NOT NULL,
            time REAL NOT NULL, checksum INTEGER NOT NULL,
            PRIMARY KEY (run, worker)
        ) STRICT;
        CREATE TABLE stages (
            run TEXT NOT NULL REFERENCES runs, worker TEXT NOT NULL, stage INTEGER NOT NULL, step INTEGER NOT NULL,
            operations TEXT NOT NULL, time REAL NOT NULL, checksum INTEGER NOT NULL,
            PRIMARY KEY (run, worker, stage)
        ) STRICT;
        """
}

/// A number that concerns the ledger as a whole.
struct MetaRecord: LedgerRow {
    /// The version of the schema.
    static let schema = "schema"
    /// Write transactions that were committed.
    static let commits = "commits"
    /// Grows when a key is enrolled or revoked.
    static let keysVersion = "keysVersion"

    static let table = "meta"
    static let key = ["name"]

    var name: String
    var value: Int64
}
