import Coordinator
import Diagnostics
import Ledger
import Monitoring

/// What a coordinator shows over HTTP: its run as the ledger has it, so that the coordinator's own loop has no part in it.
public final class CoordinatorMonitor: Sendable {
    /// To be beaten by the coordinator's loop.
    public let pulse = LoopPulse()
    private let run: String
    private let token: TokenFile?
    private let reader: RunReader
    private let metrics = CoordinatorMetrics()
    private let condition: RoleCondition

    /// A coordinator that does not listen yet.
    ///
    /// - Parameters:
    ///   - folder: of the ledger.
    ///   - token: lets a client change something.
    public init(folder: String, run: String, token: TokenFile?) {
        self.run = run
        self.token = token
        reader = RunReader(folder: folder, run: run)
        condition = RoleCondition(pulse, waitingFor: "not listening yet")
    }

    /// Takes what the coordinator tells.
    public func take(_ news: CoordinatorRun.News) {
        switch news {
        case .listening: condition.become(.yes)
        case .run(let event): metrics.take(event)
        case .completed: condition.become(.no("the run is complete"))
        }
    }

    /// What it shows.
    public func site(_ access: AccessRules) -> Site {
        let feed = StateFeed { [reader] in try? await reader.state() }
        return Site(
            access: access, health: { [condition] in condition.health },
            readiness: { [condition] in condition.readiness },
            metrics: { [metrics, reader] in
                if let snapshot = try? await reader.snapshot() { metrics.take(snapshot) }
                return metrics.families
            },
            state: { [self] in await answer { try await reader.state().json } },
            run: Site.Run(
                feed: feed, token: token,
                devices: { [self] page in
                    await answer {
                        jsonText(MonitoredDeviceList(DeviceFigures.rows(try await reader.snapshot().state), page))
                    }
                },
                drain: { [self] in await drain($0) }))
    }

    private func answer(_ json: () async throws -> String) async -> SiteAnswer {
        do {
            return .json(try await json())
        } catch {
            // A run that is not in the ledger yet will be.
            return .failure(error, status: 503)
        }
    }

    private func drain(_ worker: String) async -> SiteAnswer {
        do {
            try await reader.orderDrain(of: worker)
            return .json(
                jsonText([
                    "ordered": "drain", "worker": worker, "run": run, "message": "\(worker) is to hand over and leave",
                ]))
        } catch {
            return .failure(error, status: (error as? LedgerError).map(Self.status) ?? 503)
        }
    }

    private static func status(_ error: LedgerError) -> Int {
        switch error.exitCode {
        case .notInLedger: 404
        case .ledgerRefused: 409
        default: 503
        }
    }
}

extension SiteAnswer {
    /// An error with what to do.
    fileprivate static func failure(_ error: any Error, status: Int) -> SiteAnswer {
        guard let error = error as? any NumberedError else { return .json("{}", status: status) }
        return .json(jsonText(["error": Failure(error)]), status: status)
    }

    private struct Failure: Encodable {
        let code: Int32
        let message: String
        let remedy: String

        init(_ error: any NumberedError) {
            code = error.exitCode.rawValue
            message = error.problem
            remedy = error.remedy
        }
    }
}
