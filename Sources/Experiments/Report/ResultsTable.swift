/// Comma-separated values of a comparison: long forms that any program for figures reads.
public struct ResultsTable {
    /// One row for each evaluation of each run, the sweep's included.
    public let points: String
    /// One row for each device of each run.
    public let devices: String

    /// Writes down whatever has ended.
    public init(_ comparison: Comparison) {
        let compared = Set(comparison.plan.compared(in: comparison.records)), sweep = Set(comparison.plan.sweep)
        var points = [
            "method,imbalance,seed,learning_rate,compared,swept,majority_rate,step,tokens,simulated_seconds,"
                + "measured_seconds,scored,accuracy,loss,bytes_up,bytes_down,device_flops,server_flops"
        ]
        var devices = [
            "method,imbalance,seed,learning_rate,compared,swept,device,class,samples,cut,flops,bytes_up,bytes_down,"
                + "memory_bytes,simulated_compute_seconds,simulated_upload_seconds,simulated_download_seconds,"
                + "simulated_joules,simulated_round_seconds,simulated_queue_seconds"
        ]
        for record in comparison.orderedRecords {
            guard let result = record.result else { continue }
            let job = record.job
            let run =
                [job.key.method, job.key.imbalance, "\(job.key.seed)", "\(job.learningRate)"]
                + [compared, sweep].map { $0.contains(job) ? "1" : "0" }
            points += result.points.map { point in
                Self.row(
                    run + [
                        "\(result.majorityRate)", "\(point.step)", "\(point.tokens)", "\(point.simulatedSeconds)",
                        "\(point.measuredSeconds)", "\(point.scored)", "\(point.accuracy)", "\(point.loss)",
                        "\(point.bytesUp)", "\(point.bytesDown)", "\(point.deviceFLOPs)", "\(point.serverFLOPs)",
                    ])
            }
            devices += result.devices.enumerated().map { number, device in
                Self.row(
                    run + [
                        "\(number + 1)", device.deviceClass, "\(device.samples)", "\(device.cut)", "\(device.flops)",
                        "\(device.bytesUp)", "\(device.bytesDown)", "\(device.memoryBytes)", "\(device.computeSeconds)",
                        "\(device.uploadSeconds)", "\(device.downloadSeconds)", device.joules.map { "\($0)" } ?? "",
                        device.roundSeconds.map { "\($0)" } ?? "", device.queueSeconds.map { "\($0)" } ?? "",
                    ])
            }
        }
        self.points = points.map { $0 + "\r\n" }.joined()
        self.devices = devices.map { $0 + "\r\n" }.joined()
    }

    /// A row as RFC 4180 has it: quotes where a value would end the cell or the row.
    private static func row(_ cells: [String]) -> String {
        cells.map { cell in
            guard cell.unicodeScalars.contains(where: { [",", "\"", "\r", "\n"].contains($0) }) else { return cell }
            return "\"\(cell.replacing("\"", with: "\"\""))\""
        }.joined(separator: ",")
    }
}
