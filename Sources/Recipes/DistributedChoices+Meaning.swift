import enum Pipeline.ScheduleKind

extension Recipe.Balance: RecipeChoice {
    var meaning: String {
        switch self {
        case .measured: "they do, beginning with `devices.cuts`"
        case .fixed: "every device keeps its place in `devices.cuts`"
        }
    }
}

extension Recipe.Codec: RecipeChoice {
    var meaning: String {
        switch self {
        case .f32: "four bytes a value, exact"
        case .bf16: "two bytes a value, eight bits of precision"
        case .int8: "codes of a byte, of which 64 share a scale"
        case .int4: "codes of half a byte, of which 64 share a scale"
        case .auto: "for each device what its measured link and speed ask for; f32 in one process"
        case .int4Residual: "as int4, with the largest errors of each row beside it"
        }
    }
}

extension Recipe.Compression: RecipeChoice {
    var meaning: String {
        switch self {
        case .none: "the codec's bytes as they are"
        case .zstd: "a general compression that loses nothing, where both sides have it and it saves bytes"
        }
    }
}

extension Recipe.Placement: RecipeChoice {
    var meaning: String {
        switch self {
        case .threads: "threads of the worker that trains"
        case .workers: "workers: the one that trains is the first stage, others are the later ones"
        }
    }
}

extension ScheduleKind: RecipeChoice {
    var meaning: String {
        switch self {
        case .gpipe: "all F, then all B with W"
        case .oneForwardOneBackward: "one F, one B with W"
        case .zeroBubble1: "as 1f1b with W late, in the memory of 1f1b"
        case .zeroBubble2: "more F first, and W later still"
        case .permafrost: "F0 of later micro-batches and steps in every gap; fitted to the costs"
        }
    }
}

extension Recipe.ComparedMethod: RecipeChoice {
    var meaning: String {
        switch self {
        case .central: "everything in one place"
        case .splitfrozen: "devices compute frozen blocks once and publish activations; the server trains"
        case .splitlora: "both sides train; averages corrected"
        case .splitloraReference: "as splitlora, averaging as the published code does"
        case .fedlora: "devices train the whole model; the mean of adapters"
        case .fedloraFair: "as fedlora, with LoRA-FAIR's correction of the mean"
        case .hosl: "probes on devices, gradients on the server"
        case .hoslCode: "as hosl, in the order of the published code"
        case .zo: "probes on both sides"
        case .soft: "federated, with whole ranks dropped on the way up"
        case .tsfa: "as soft, with rank, sparsity and bandwidth allocated"
        case .softEntries: "as soft in as many bytes, of single entries"
        case .softSVD: "as soft in as many bytes, of truncated products"
        }
    }
}
