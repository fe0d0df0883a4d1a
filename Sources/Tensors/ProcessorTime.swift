import Glibc

/// The processor's time of a thread: what work takes on a machine that does nothing else.
public enum ProcessorTime {
    /// Of the calling thread so far.
    public static var now: Duration {
        var time = timespec()
        // Cannot fail: every thread has this clock.
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
