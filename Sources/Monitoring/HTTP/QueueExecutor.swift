import Dispatch

/// Runs tasks on a thread of their own, however long others keep the threads that all tasks share.
final class QueueExecutor: TaskExecutor {
    private let queue = DispatchQueue(label: "http")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}
