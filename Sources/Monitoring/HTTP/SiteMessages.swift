/// What of a request matters.
public struct SiteRequest: Sendable, Equatable {
    /// `GET`, `HEAD`, `POST`.
    public var method: String
    /// Without the query.
    public var path: String
    /// Names and values of the query.
    public var query: [String: String]
    /// What the client says it speaks to.
    public var host: String?
    /// The page that asks, as browsers tell it.
    public var origin: String?
    /// What lets the client change something.
    public var authorization: String?
    /// Forms in which the client takes the answer.
    public var accept: String?
    /// What the client has already.
    public var knownTags: String?
    /// Whether it has a body that is longer than any request needs.
    public var isTooLong: Bool

    /// A request.
    public init(
        _ method: String, _ path: String, query: [String: String] = [:], host: String? = nil, origin: String? = nil,
        authorization: String? = nil, accept: String? = nil, knownTags: String? = nil, isTooLong: Bool = false
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.host = host
        self.origin = origin
        self.authorization = authorization
        self.accept = accept
        self.knownTags = knownTags
        self.isTooLong = isTooLong
    }
}

/// What is answered.
public struct SiteAnswer: Sendable, Equatable {
    /// What follows the headers.
    public enum Content: Sendable, Equatable {
        /// All of it.
        case bytes([UInt8])
        /// States, as they come.
        case events
    }

    /// The number of HTTP.
    public var status: Int
    /// Names and values, without those that every answer has.
    public var headers: [String: String]
    /// What follows the headers.
    public var content: Content

    init(_ status: Int, _ headers: [String: String], _ content: Content) {
        self.status = status
        self.headers = headers
        self.content = content
    }

    /// A text of some type.
    init(_ status: Int = 200, type: String, _ text: String, _ headers: [String: String] = [:]) {
        self.init(
            status, headers.merging(["Content-Type": type, "Cache-Control": "no-store"]) { $1 },
            .bytes(Array(text.utf8)))
    }

    /// A line for people.
    static func line(_ status: Int, _ text: String, _ headers: [String: String] = [:]) -> SiteAnswer {
        SiteAnswer(status, type: "text/plain; charset=utf-8", text + "\n", headers)
    }

    /// JSON, as text.
    public static func json(_ text: String, status: Int = 200) -> SiteAnswer {
        SiteAnswer(status, type: "application/json", text)
    }
}
