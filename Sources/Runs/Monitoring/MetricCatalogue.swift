import Monitoring

/// Every metric of every role. A device's id is never a label: there may be thousands.
public enum MetricCatalogue {
    private static let stepBounds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
    private static let operationBounds = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    /// In the order in which they are shown.
    public static let all: [MetricDescription] = [
        MetricDescription("permafrost_build_info", .gauge, "Always 1; the version and role of the process"),
        MetricDescription("permafrost_run_state", .gauge, "1 for the state that the run has, 0 for the others"),
        MetricDescription("permafrost_train_step", .gauge, "The newest step of training"),
        MetricDescription("permafrost_train_planned_steps", .gauge, "Steps that the run takes in all"),
        MetricDescription("permafrost_train_loss", .gauge, "Mean cross-entropy of the newest step in nats"),
        MetricDescription("permafrost_train_accuracy_ratio", .gauge, "Share of right predictions in the newest step"),
        MetricDescription("permafrost_train_tokens_total", .counter, "Tokens that were trained on"),
        MetricDescription("permafrost_train_samples_total", .counter, "Samples that were trained on"),
        MetricDescription(
            "permafrost_train_step_duration_seconds", .histogram(bounds: stepBounds), "What steps of training took"),
        MetricDescription(
            "permafrost_pipeline_operation_duration_seconds", .histogram(bounds: operationBounds),
            "What operations of stages took, of about one step a second"),
        MetricDescription(
            "permafrost_pipeline_bubble_ratio", .gauge, "Share of the steps in which stages did nothing, their mean"),
        MetricDescription(
            "permafrost_pipeline_stash_bytes", .gauge, "The most that lay between F and W, of all stages"),
        MetricDescription("permafrost_queue_messages", .gauge, "Messages that the activation store has"),
        MetricDescription("permafrost_queue_bytes", .gauge, "Bytes of the activation store that are used"),
        MetricDescription("permafrost_queue_capacity_bytes", .gauge, "Bytes that the activation store may have"),
        MetricDescription(
            "permafrost_queue_oldest_age_seconds", .gauge,
            "For how long the oldest sample has waited that no step of the epoch has used"),
        MetricDescription("permafrost_queue_full", .gauge, "1 while there is no room, so that devices wait"),
        MetricDescription("permafrost_messages_received_total", .counter, "Messages of activations that arrived"),
        MetricDescription("permafrost_messages_applied_total", .counter, "Messages that were stored durably"),
        MetricDescription("permafrost_messages_duplicate_total", .counter, "Messages that were there already"),
        MetricDescription("permafrost_messages_redelivered_total", .counter, "Messages that were sent again"),
        MetricDescription(
            "permafrost_messages_rejected_total", .counter, "Messages and handshakes that were refused, by reason"),
        MetricDescription("permafrost_messages_dead_lettered_total", .counter, "Messages that were given up"),
        MetricDescription("permafrost_credit_stalls_total", .counter, "Times that the device waited for credit"),
        MetricDescription("permafrost_published_samples", .gauge, "Samples of the device that its worker has stored"),
        MetricDescription("permafrost_devices_connected", .gauge, "Devices that are there"),
        MetricDescription("permafrost_devices", .gauge, "Devices by what they are doing"),
        MetricDescription("permafrost_workers", .gauge, "Workers by what they are doing"),
        MetricDescription(
            "permafrost_wire_bytes_total", .counter,
            "Bytes of the sockets on which devices are served; codec is none for all but payloads"),
        MetricDescription(
            "permafrost_checkpoint_last_success_timestamp_seconds", .gauge,
            "When a checkpoint was last finished; 0 before the process has written one"),
        MetricDescription("permafrost_gateway_connections", .gauge, "Connections that a gateway has open"),
        MetricDescription("permafrost_gateway_bytes_total", .counter, "Bytes that a gateway has carried, by direction"),
        MetricDescription(
            "permafrost_gateway_refused_total", .counter, "Clients that a gateway has sent away, by reason"),
        MetricDescription("permafrost_errors_total", .counter, "Errors by the number under which they are documented"),
    ]

    /// The table of `docs/monitoring.md`.
    public static var documentation: String {
        let rows = all.map { "| `\($0.name)` | \($0.kind.name) | \($0.help) |" }
        return (["| metric | kind | what it says |", "|---|---|---|"] + rows).joined(separator: "\n")
    }
}
