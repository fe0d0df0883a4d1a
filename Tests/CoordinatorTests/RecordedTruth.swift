import Ledger
import Testing
import Wire

@testable import Coordinator

/// What a ledger would hold after the entries so far, as far as messages depend on it: no message may say more.
struct RecordedTruth {
    private var plans: [Int: RecordedPlan] = [:]
    private var assignments: [String: AssignmentRecord] = [:]
    private var samples: [String: Int] = [:]
    private var steps: Set<Int> = []
    private(set) var owner: String?
    private var newest = 0

    /// Follows what a machine does and checks its order.
    mutating func follow(_ actions: [CoordinatorMachine.Action], _ context: Comment) throws {
        for action in actions {
            for entry in action.entries { try take(entry, context) }
            if case .send(let peer, _, let body) = action { check(body, to: peer, context) }
        }
    }

    private mutating func take(_ entry: LedgerEntry, _ context: Comment) throws {
        switch entry {
        case .plan(let record):
            #expect(record.generation > newest, context)
            newest = record.generation
            let plan = try RecordedPlan(json: record.json)
            // The run changes hands only to the worker that was named before.
            if let owner, owner != plan.worker { #expect(plans[newest - 1]?.successor == plan.worker, context) }
            plans[newest] = plan
            owner = plan.worker
        case .assigned(let record):
            #expect(record.generation == newest && record.worker == owner, context)
            assignments[record.device] = record
        case .deviceJoined(let record) where record.samples > 0:
            #expect(samples[record.id] == nil || samples[record.id] == record.samples, context)
            samples[record.id] = record.samples
        case .step(let record): steps.insert(record.step)
        default: break
        }
    }

    private func check(_ body: Body, to peer: String, _ context: Comment) {
        switch body {
        case .runPlan(let plan):
            let recorded = plans[Int(plan.generation)]
            #expect(plan.generation == UInt64(newest), context)
            if plan.predecessor.isEmpty {
                #expect(recorded?.worker == peer && owner == peer, context)
            } else {
                #expect(recorded?.worker == plan.predecessor && recorded?.successor == peer, context)
            }
            for device in plan.devices { #expect(Int(device.samples) == samples[device.device] ?? 0, context) }
        case .assignment(let assignment):
            let recorded = assignments[peer]
            #expect(Int(assignment.generation) == recorded?.generation, context)
            #expect(assignment.worker == recorded?.worker && Int(assignment.cut) == recorded?.cut, context)
            #expect(assignment.worker == owner, context)
        case .drain(let drain) where !drain.successor.isEmpty:
            #expect(plans[newest]?.successor == drain.successor && owner == peer, context)
        case .stepRecorded(let step): #expect(steps.contains(Int(step)), context)
        default: break
        }
    }
}
