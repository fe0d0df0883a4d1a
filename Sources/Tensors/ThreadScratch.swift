import CProducts

/// Memory of the calling thread for the inside of one operation, so that no pass keeps any for it.
enum ThreadScratch {
    /// Who needs it: an operation, and a product inside it.
    enum Use {
        case operation, product

        fileprivate var c: pf_scratch { self == .operation ? PF_SCRATCH_OPERATION : PF_SCRATCH_PRODUCT }
    }

    /// Memory whose contents are undefined, until the thread's next call for the same use.
    static func memory<Number>(
        of type: Number.Type, count: Int, for use: Use = .operation
    ) -> UnsafeMutablePointer<Number> {
        guard let memory = pf_thread_scratch(use.c, count * MemoryLayout<Number>.stride) else {
            preconditionFailure("the system has no memory left for \(count) numbers")
        }
        return memory.bindMemory(to: type, capacity: count)
    }
}
