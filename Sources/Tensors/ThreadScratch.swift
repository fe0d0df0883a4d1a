import CProducts

/// Memory of the calling thread for the inside of one operation, so that no pass keeps any for it.
enum ThreadScratch {
    /// Memory whose contents are undefined, until the thread's next call.
    static func memory<Number>(of type: Number.Type, count: Int) -> UnsafeMutablePointer<Number> {
        guard let memory = pf_thread_scratch(count * MemoryLayout<Number>.stride) else {
            preconditionFailure("the system has no memory left for \(count) numbers")
        }
        return memory.bindMemory(to: type, capacity: count)
    }
}
