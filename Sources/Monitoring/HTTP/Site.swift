/// What a role shows over HTTP: requests in, answers out, no socket.
public struct Site: Sendable {
    /// Whether something is so, or why not.
    public enum Condition: Sendable, Equatable {
        /// It is.
        case yes
        /// It is not, for a reason.
        case no(String)
    }

    /// Which devices are asked for.
    public struct DevicePage: Sendable, Equatable {
        /// The most devices of one answer.
        public static let limit = 200

        /// Blocks that they compute; nil for all.
        public var cut: Int?
        /// What they are doing; nil for all.
        public var state: String?
        /// Devices that are left out at the beginning.
        public var offset = 0
        /// Devices at most.
        public var limit = Self.limit

        /// The first devices of all.
        public init() {}
    }

    /// What only a coordinator shows: a whole run.
    public struct Run: Sendable {
        /// Devices as JSON.
        public var devices: @Sendable (DevicePage) async -> SiteAnswer
        /// States, as they come.
        public var feed: StateFeed
        /// Has a worker hand over and leave.
        public var drain: @Sendable (_ worker: String) async -> SiteAnswer
        /// What lets a client do that; nil when nothing does.
        public var token: TokenFile?

        /// A whole run.
        public init(
            feed: StateFeed, token: TokenFile?, devices: @escaping @Sendable (DevicePage) async -> SiteAnswer,
            drain: @escaping @Sendable (_ worker: String) async -> SiteAnswer
        ) {
            self.feed = feed
            self.token = token
            self.devices = devices
            self.drain = drain
        }
    }

    private let access: AccessRules
    private let health: @Sendable () -> Condition
    private let readiness: @Sendable () -> Condition
    private let metrics: @Sendable () async -> [MetricFamily]
    private let state: @Sendable () async -> SiteAnswer
    /// What a coordinator shows beside its own state.
    let run: Run?

    /// A role's site.
    ///
    /// - Parameters:
    ///   - health: whether the role's loop turns.
    ///   - readiness: whether others can count on the role.
    ///   - state: as JSON.
    public init(
        access: AccessRules, health: @escaping @Sendable () -> Condition,
        readiness: @escaping @Sendable () -> Condition, metrics: @escaping @Sendable () async -> [MetricFamily],
        state: @escaping @Sendable () async -> SiteAnswer, run: Run? = nil
    ) {
        self.access = access
        self.health = health
        self.readiness = readiness
        self.metrics = metrics
        self.state = state
        self.run = run
    }

    /// The answer to a request.
    public func answer(_ request: SiteRequest) async -> SiteAnswer {
        guard !request.isTooLong else { return .line(413, "no request here has a body") }
        // Whoever looks whether the process lives does not know what it is called.
        switch request.path {
        case "/healthz": return reading(request) ?? Self.answer(health())
        case "/readyz": return reading(request) ?? Self.answer(readiness())
        default: break
        }
        guard access.allows(host: request.host) else {
            return .line(421, "this is not \(request.host ?? "an unnamed host"); --http-host adds a name")
        }
        if let worker = Self.drained(request.path), let run { return await drain(worker, run, request) }
        if let answer = reading(request) { return answer }
        switch request.path {
        case "/metrics":
            let form = MetricsText(accept: request.accept)
            return SiteAnswer(type: form.contentType, form.text(await metrics()))
        case "/api/v1/state": return await state()
        case "/api/v1/devices": return await devices(request)
        case "/api/v1/events":
            guard run != nil else { return Self.missing }
            return SiteAnswer(
                200, ["Content-Type": "text/event-stream", "Cache-Control": "no-store"], .events)
        default:
            guard run != nil, let file = PageFile.all[request.path] else { return Self.missing }
            return file.answer(knownTags: request.knownTags)
        }
    }

    private static let missing = SiteAnswer.line(404, "nothing is here")

    private static func answer(_ condition: Condition) -> SiteAnswer {
        switch condition {
        case .yes: .line(200, "ok")
        case .no(let reason): .line(503, reason)
        }
    }

    /// The refusal of a request that wants to do more than read.
    private func reading(_ request: SiteRequest) -> SiteAnswer? {
        ["GET", "HEAD"].contains(request.method) ? nil : .line(405, "this can only be read", ["Allow": "GET, HEAD"])
    }

    private func devices(_ request: SiteRequest) async -> SiteAnswer {
        guard let run else { return Self.missing }
        var page = DevicePage()
        page.state = request.query["state"].flatMap { $0.isEmpty ? nil : $0 }
        for (name, place) in [("offset", \DevicePage.offset), ("limit", \DevicePage.limit)] {
            guard let text = request.query[name], !text.isEmpty else { continue }
            guard let number = Int(text), number >= 0 else { return .line(400, "\(name) is a number from 0 on") }
            page[keyPath: place] = number
        }
        page.limit = min(page.limit, DevicePage.limit)
        if let text = request.query["class"], !text.isEmpty {
            guard let cut = Int(text) else { return .line(400, "class is a cut, a number of blocks") }
            page.cut = cut
        }
        return await run.devices(page)
    }

    /// The worker that a path asks to drain.
    private static func drained(_ path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[..<4] == ["", "api", "v1", "workers"], parts[5] == "drain" else { return nil }
        return String(parts[4]).removingPercentEncoding
    }

    private func drain(_ worker: String, _ run: Run, _ request: SiteRequest) async -> SiteAnswer {
        guard request.method == "POST" else {
            return .line(405, "a worker is drained with POST", ["Allow": "POST"])
        }
        guard access.allows(origin: request.origin, host: request.host) else {
            return .line(403, "a page elsewhere may change nothing here")
        }
        guard let token = run.token else { return .line(403, "read-only: the coordinator has no --http-token-file") }
        do throws(MonitoringError) {
            guard try token.admits(request.authorization) else {
                return .line(401, "the token is missing or wrong", ["WWW-Authenticate": "Bearer"])
            }
        } catch {
            return .line(503, "\(error.problem): \(error.remedy)")
        }
        return await run.drain(worker)
    }
}
