extension ExitCode {
    /// What the number means, in a sentence without a full stop.
    public var meaning: String {
        switch self {
        case .success: "The command did what it was asked"
        case .unexpected: "Something that should not happen; please report it"
        case .usage: "The command line is wrong; see --help"
        case .recipeUnreadable: "The recipe cannot be read"
        case .recipeSyntax: "The recipe is not YAML, or an override is not KEY=VALUE"
        case .recipeUnknownKey: "A key that no recipe has; the error names the nearest one"
        case .recipeWrongType: "A value of the wrong type"
        case .recipeImpossibleValue: "A value out of range, a missing key, or values that do not fit each other"
        case .modelUnreadable: "A fetched file is not there or cannot be read; scripts/fetch brings it"
        case .modelTruncated: "The model file ends too early"
        case .modelMalformed: "The model file contradicts itself"
        case .modelUnsupported: "A format, architecture or quantisation that this version does not read"
        case .checksumMismatch: "A file has another SHA-256 than the recipe says"
        case .tensorMissing: "The model file lacks a tensor"
        case .tokenizerMalformed: "The tokenizer’s parts do not fit each other"
        case .tokenizerUnsupported: "A tokenizer that this version does not know"
        case .labelWordNotOneToken: "A label word is several tokens"
        case .adapterMalformed: "An adapter folder is missing, damaged or no plain LoRA adapter"
        case .adapterMismatch: "An adapter for another model"
        case .dataUnreadable: "The data file is not there or cannot be read"
        case .dataMalformedLine: "A line of the data is not in the stated form"
        case .dataUnknownLabel: "A label that the recipe does not name"
        case .dataTooLong: "A sentence is longer than the limit"
        case .dataTooFew: "Too few sentences for the devices or the split"
        case .transportFailed: "A socket cannot be made, bound or used"
        case .messageRejected: "A message was refused every time, or can never be sent"
        case .deviceLost: "A device was silent for too long"
        case .storeFull: "The activation store is full"
        case .workerLost: "The worker was silent for too long or never answered"
        case .keyRefused: "A key or key file is missing, damaged or open to others"
        case .coordinatorLost: "Nothing was heard of the coordinator for too long"
        case .storeDamaged: "The activation store's files are damaged or cannot be used"
        case .protocolUnsupported: "The coordinator speaks another major version of the protocol"
        case .roleStays: "A process is no role, or has not left in time"
        case .runFolderUnwritable: "The run folder, or the file of a trace, cannot be written"
        case .diverged: "Training diverged: a loss or gradient is not a number"
        case .interrupted: "The user stopped the run; its folder is kept"
        case .checkpointDamaged: "A run checkpoint is missing, unfinished, damaged or of another version"
        case .runNotResumable: "A folder holds no run that can go on, or another process trains in it."
        case .ledgerDamaged: "The ledger is damaged, or older than what was written; the error names the place"
        case .stateInUse: "Another coordinator works with the state folder, or workers hold every place in it"
        case .ledgerUnusable: "No ledger is there, or it cannot be opened, read or written"
        case .notInLedger: "A run, device, worker or key that the ledger does not know; the error names the nearest one"
        case .ledgerRefused: "The ledger does not take something as it is; the error says why"
        case .machineUnfit: "This machine lacks something; permafrost doctor says what"
        case .scheduleUnreadable: "A schedule's file cannot be read or written, or is no schedule"
        case .scheduleBroken: "A schedule breaks a rule; the error names stage, operation and rule"
        case .scheduleImpossible: "No schedule has these sizes, or keeps under this cap; the error names the smallest"
        case .httpUnavailable: "Where --http wants to listen is no address, or it is in use"
        case .httpTokenRefused: "The file of --http-token-file is missing, open to others, or holds no token"
        case .notHealthy: "A role's HTTP server answers that the role is not well, or not ready"
        }
    }

    /// The page `docs/exit-codes.md`.
    public static var documentation: String {
        let rows = allCases.map { "| \($0.rawValue) | `\($0)` | \($0.meaning) |" }
        return """
            # Exit codes

            Every error has a number, with which the process exits; `--format json` prints it as `error.code`. Numbers are
            grouped by component and never reused. A process that a second Ctrl-C or SIGTERM ended at once exits with
            128 plus the signal's number.

            | code | name | meaning |
            |---|---|---|
            \(rows.joined(separator: "\n"))

            """
    }
}
