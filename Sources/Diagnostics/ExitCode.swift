/// The number a process exits with, by component. A number is never reused for another meaning.
public enum ExitCode: Int32, CaseIterable, Sendable {
    case success = 0
    case unexpected = 1
    case usage = 2

    // 10-19: recipes and overrides.
    case recipeUnreadable = 10
    case recipeSyntax = 11
    case recipeUnknownKey = 12
    case recipeWrongType = 13
    case recipeImpossibleValue = 14

    // 20-29: model files.
    case modelUnreadable = 20
    case modelTruncated = 21
    case modelMalformed = 22
    case modelUnsupported = 23
    case checksumMismatch = 24
    case tensorMissing = 25

    // 30-34: tokenizers. 35-39: adapters.
    case tokenizerMalformed = 30
    case tokenizerUnsupported = 31
    case labelWordNotOneToken = 32
    case adapterMalformed = 35
    case adapterMismatch = 36

    // 40-49: data sets.
    case dataUnreadable = 40
    case dataMalformedLine = 41
    case dataUnknownLabel = 42
    case dataTooLong = 43
    case dataTooFew = 44

    // 50-59: messages and queues.
    case transportFailed = 50
    case messageRejected = 51
    case deviceLost = 52
    case storeFull = 53
    case workerLost = 54
    case keyRefused = 55
    case coordinatorLost = 56
    case storeDamaged = 57
    case protocolUnsupported = 58
    case roleStays = 59

    // 60-69: runs.
    case runFolderUnwritable = 60
    case diverged = 61
    case interrupted = 62
    case checkpointDamaged = 63
    case runNotResumable = 64
    case ledgerDamaged = 65
    case stateInUse = 66
    case ledgerUnusable = 67
    case notInLedger = 68
    case ledgerRefused = 69

    // 70-79: the machine.
    case machineUnfit = 70

    // 80-89: pipelines.
    case scheduleUnreadable = 80
    case scheduleBroken = 81
    case scheduleImpossible = 82

    // 90-94: HTTP.
    case httpUnavailable = 90
    case httpTokenRefused = 91
    case notHealthy = 92
}
