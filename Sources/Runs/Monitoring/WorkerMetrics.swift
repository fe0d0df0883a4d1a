import Diagnostics
import Foundation
import Monitoring
import Synchronization
import Wire
import Worker

/// What a worker tells, as metrics.
final class WorkerMetrics: Sendable {
    private struct Newest {
        var walkedStep: Int?
        var checkpointStep: Int?
    }

    private let metrics = RoleMetrics(role: "worker")
    private let newest = Mutex(Newest())

    var families: [MetricFamily] { metrics.families }

    /// Takes what happened.
    func take(_ event: WorkerEvent) {
        switch event {
        case .stepped(let report):
            metrics.set("train_step", Double(report.step))
            metrics.set("train_loss", report.loss)
            metrics.set("train_accuracy_ratio", report.accuracy.isNaN ? nil : report.accuracy)
            metrics.add("train_tokens_total", Int(clamping: report.tokens))
            metrics.add("train_samples_total", Int(clamping: report.samples))
            metrics.observe("train_step_duration_seconds", report.seconds)
        case .figures(let figures): take(figures)
        case .storeFull: metrics.count(.storeFull)
        case .damaged: metrics.count(.storeDamaged)
        case .deadLetter: metrics.count(.messageRejected)
        default: break
        }
    }

    private func take(_ figures: WorkerFigures) {
        let report = figures.report, ingress = figures.ingress
        metrics.set("queue_messages", Double(report.queuedMessages))
        metrics.set("queue_bytes", Double(report.storeBytes))
        metrics.set("queue_capacity_bytes", Double(report.storeCapacity))
        metrics.set("queue_oldest_age_seconds", report.oldestAgeSeconds)
        metrics.set("queue_full", report.isFull ? 1 : 0)
        metrics.raise("messages_received_total", to: ingress.received)
        metrics.raise("messages_applied_total", to: ingress.applied)
        metrics.raise("messages_duplicate_total", to: ingress.duplicate)
        metrics.raise("messages_redelivered_total", to: ingress.redelivered)
        metrics.raise("messages_dead_lettered_total", to: ingress.deadLettered)
        for refused in report.refusals {
            metrics.raise("messages_rejected_total", to: Int(clamping: refused.count), ["reason": refused.reason])
        }
        takeWire(report)
        if let pipeline = report.pipeline {
            metrics.set("pipeline_bubble_ratio", pipeline.measuredBubble)
            metrics.set("pipeline_stash_bytes", Double(pipeline.stages.reduce(0) { $0 + $1.stashedBytes }))
        }
        takeNewest(figures)
    }

    private func takeWire(_ report: Body.QueueReport) {
        var rest = Int(clamping: report.bytesReceived)
        for codec in report.codecBytes {
            let bytes = Int(clamping: codec.bytes)
            metrics.raise("wire_bytes_total", to: bytes, ["direction": "received", "codec": "\(codec.codec)"])
            rest -= bytes
        }
        metrics.raise("wire_bytes_total", to: max(0, rest), ["direction": "received", "codec": "none"])
        metrics.raise("wire_bytes_total", to: Int(clamping: report.bytesSent), ["direction": "sent", "codec": "none"])
    }

    private func takeNewest(_ figures: WorkerFigures) {
        let step = figures.report.newestStep
        let (isFirst, isNewStep, isNewCheckpoint) = newest.withLock { newest in
            let isFirst = newest.checkpointStep == nil
            let isNewStep = step != nil && newest.walkedStep != step?.step
            // One that was there when the process began is of an unknown time.
            let isNewCheckpoint = newest.checkpointStep.map { $0 < figures.checkpointStep } ?? false
            newest.walkedStep = step?.step ?? newest.walkedStep
            newest.checkpointStep = figures.checkpointStep
            return (isFirst, isNewStep, isNewCheckpoint)
        }
        if isFirst || isNewCheckpoint {
            let now = Date().timeIntervalSince1970
            metrics.set("checkpoint_last_success_timestamp_seconds", isNewCheckpoint ? now : 0)
        }
        guard isNewStep, let step else { return }
        for stage in step.stages {
            for operation in stage.operations {
                metrics.observe(
                    "pipeline_operation_duration_seconds", operation.endSeconds - operation.startSeconds,
                    ["stage": "\(stage.stage)", "op": operation.op.rawValue])
            }
        }
    }
}
