import Glibc

/// How many files and connections the process may have open.
public enum OpenFiles {
    /// The system's hard limit, to which the first use raises the soft one: that of a login is often 1024, and every
    /// connection is an open file.
    public static let raisedLimit: Int = {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return 1024 }
        let before = limit.rlim_cur
        limit.rlim_cur = limit.rlim_max
        return Int(clamping: setrlimit(resource, &limit) == 0 ? limit.rlim_cur : before)
    }()
}
