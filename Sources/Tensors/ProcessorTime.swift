import Glibc

/// The processor's time: what work takes on a machine that does nothing else.
public enum ProcessorTime {
    /// Of the calling thread so far.
    public static var now: Duration { time(CLOCK_THREAD_CPUTIME_ID) }

    /// Of all threads of the process so far.
    public static var ofProcess: Duration { time(CLOCK_PROCESS_CPUTIME_ID) }

    private static func time(_ clock: clockid_t) -> Duration {
        var time = timespec()
        // Cannot fail: every thread and process has its clock.
        clock_gettime(clock, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
