import Foundation

/// Tells a waiting thread that there is something new.
///
/// Not a `DispatchSemaphore`: on Linux that waits until a time of day, and waits for hours where the clock is set back by
/// hours meanwhile.
final class NewsSignal: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    /// Guarded by `mutex`.
    private var hasNews = false

    init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Ends the wait of now, or the next one.
    func signal() {
        pthread_mutex_lock(mutex)
        hasNews = true
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Waits for what is new since the last wait.
    ///
    /// - Returns: false when there was nothing for so long.
    func wait(for limit: Duration) -> Bool {
        var end = timespec()
        clock_gettime(CLOCK_MONOTONIC, &end)
        let nanoseconds = Int64(max(0, limit / .nanoseconds(1))) + Int64(end.tv_nsec)
        end.tv_sec += Int(nanoseconds / 1_000_000_000)
        end.tv_nsec = Int(nanoseconds % 1_000_000_000)
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while !hasNews {
            guard pthread_cond_timedwait(condition, mutex, &end) != ETIMEDOUT else { break }
        }
        defer { hasNews = false }
        return hasNews
    }
}
