import CWire

extension Envelope {
    /// Reads a header frame that came from anywhere.
    ///
    /// Its size is checked before it is parsed, and parsing it takes no more memory than a fixed multiple of its size.
    public static func decode(_ bytes: [UInt8], limits: WireLimits) throws(WireError) -> Envelope {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(WireError) -> Envelope in try decode(buffer, limits: limits) }
        }
        return try result.get()
    }

    /// Reads a header frame that came from anywhere, without copying it first.
    public static func decode(_ bytes: UnsafeRawBufferPointer, limits: WireLimits) throws(WireError) -> Envelope {
        guard bytes.count <= limits.headerBytes else {
            throw .headerTooLarge(bytes: bytes.count, limit: limits.headerBytes)
        }
        let budget = AllocationBudget(headerBytes: bytes.count)
        defer { budget.close() }
        guard
            let header = permafrost__header__unpack(
                budget.allocator, bytes.count, bytes.bindMemory(to: UInt8.self).baseAddress)
        else { throw .malformedHeader(bytes: bytes.count) }
        defer { permafrost__header__free_unpacked(header, budget.allocator) }

        guard header.pointee.version == protocolVersion else { throw .unsupportedVersion(header.pointee.version) }
        let reader = HeaderReader(headerBytes: bytes.count, limits: limits)
        return Envelope(
            run: try reader.name(header.pointee.run), sender: try reader.name(header.pointee.sender),
            attempt: header.pointee.attempt, body: try reader.body(header.pointee))
    }
}

/// Turns the unpacked C structures of one header into values.
private struct HeaderReader {
    let headerBytes: Int
    let limits: WireLimits

    func name(_ text: UnsafePointer<CChar>?) throws(WireError) -> String {
        try self.text(text, limit: limits.nameBytes)
    }

    func text(_ text: UnsafePointer<CChar>?) throws(WireError) -> String {
        try self.text(text, limit: limits.textBytes)
    }

    private func text(_ text: UnsafePointer<CChar>?, limit: Int) throws(WireError) -> String {
        guard let text else { return "" }
        let bytes = UnsafeBufferPointer(start: text, count: length(text))
        guard bytes.count <= limit else { throw .textTooLong(bytes: bytes.count, limit: limit) }
        let string = bytes.withMemoryRebound(to: UInt8.self) { String(validating: $0, as: UTF8.self) }
        guard let string else { throw .malformedHeader(bytes: headerBytes) }
        return string
    }

    /// Bytes before the NUL that unpacking put behind every text.
    private func length(_ text: UnsafePointer<CChar>) -> Int {
        var count = 0
        while text[count] != 0 { count += 1 }
        return count
    }

    func body(_ header: Permafrost__Header) throws(WireError) -> Body {
        switch header.body_case {
        case PERMAFROST__HEADER__BODY_HELLO:
            return .hello(Body.Hello(samples: try present(header.hello).samples))
        case PERMAFROST__HEADER__BODY_ACTIVATIONS:
            return .activations(Body.Activations(try present(header.activations)))
        case PERMAFROST__HEADER__BODY_FINISHED:
            let message = try present(header.finished)
            return .finished(Body.Finished(messages: message.messages, samples: message.samples))
        case PERMAFROST__HEADER__BODY_CREDIT:
            return .credit(Body.Credit(bytes: try present(header.credit).bytes))
        case PERMAFROST__HEADER__BODY_ACK:
            let message = try present(header.ack)
            return .ack(Body.Ack(sequence: message.sequence, creditBytes: message.credit_bytes))
        case PERMAFROST__HEADER__BODY_REJECT:
            let message = try present(header.reject)
            return .reject(
                Body.Reject(sequence: message.sequence, number: message.number, text: try text(message.text)))
        case PERMAFROST__HEADER__BODY_STOP:
            return .stop(Body.Stop(reason: try text(try present(header.stop).reason)))
        case PERMAFROST__HEADER__BODY_REGISTER:
            let message = try present(header.register_)
            guard let role = Body.Role(rawValue: message.role.rawValue) else {
                throw .malformedHeader(bytes: headerBytes)
            }
            return .register(
                Body.Register(
                    role: role, samples: message.samples, threads: message.threads,
                    endpoint: try name(message.endpoint)))
        case PERMAFROST__HEADER__BODY_DEVICE_PROGRESS:
            return .deviceProgress(Body.DeviceProgress(try present(header.device_progress)))
        case PERMAFROST__HEADER__BODY_STEP_REPORT:
            return .stepReport(Body.StepReport(try present(header.step_report)))
        case PERMAFROST__HEADER__BODY_WORKER_FINISHED:
            return .workerFinished(Body.WorkerFinished(try present(header.worker_finished)))
        case PERMAFROST__HEADER__BODY_FAILURE:
            let message = try present(header.failure)
            return .failure(
                Body.Failure(
                    exitCode: message.exit_code, problem: try text(message.problem), remedy: try text(message.remedy)))
        case PERMAFROST__HEADER__BODY_HEARTBEAT:
            return .heartbeat
        case PERMAFROST__HEADER__BODY_ASSIGNMENT:
            let message = try present(header.assignment)
            return .assignment(
                Body.Assignment(
                    cut: message.cut, workerEndpoint: try name(message.worker_endpoint), seed: message.seed,
                    generation: message.generation, number: message.number, epoch: message.epoch))
        case PERMAFROST__HEADER__BODY_RUN_PLAN:
            let message = try present(header.run_plan)
            return .runPlan(
                Body.RunPlan(
                    devices: try devices(message), seed: message.seed, generation: message.generation))
        default:
            throw .missingBody
        }
    }

    private func devices(_ plan: Permafrost__RunPlan) throws(WireError) -> [Body.DevicePlan] {
        var devices: [Body.DevicePlan] = []
        for device in UnsafeBufferPointer(start: plan.devices, count: plan.n_devices) {
            let message = try present(device)
            devices.append(
                Body.DevicePlan(device: try name(message.device), samples: message.samples, cut: message.cut))
        }
        return devices
    }

    private func present<Message>(_ message: UnsafeMutablePointer<Message>?) throws(WireError) -> Message {
        guard let message else { throw .missingBody }
        return message.pointee
    }
}

extension Body.Activations {
    fileprivate init(_ message: Permafrost__Activations) {
        self.init(
            sequence: message.sequence,
            sampleIDs: Array(UnsafeBufferPointer(start: message.sample_ids, count: message.n_sample_ids)),
            lengths: Array(UnsafeBufferPointer(start: message.lengths, count: message.n_lengths)),
            targetLengths: Array(UnsafeBufferPointer(start: message.target_lengths, count: message.n_target_lengths)),
            targets: Array(UnsafeBufferPointer(start: message.targets, count: message.n_targets)),
            cut: message.cut, codec: message.codec.rawValue, rows: message.rows, columns: message.columns,
            checksum: message.checksum)
    }
}

extension Body.DeviceProgress {
    fileprivate init(_ message: Permafrost__DeviceProgress) {
        self.init(
            publishedSamples: message.published_samples, tokens: message.tokens,
            computeNanoseconds: message.compute_nanoseconds, bytesUp: message.bytes_up, bytesDown: message.bytes_down,
            finished: message.finished != 0)
    }
}

extension Body.StepReport {
    fileprivate init(_ message: Permafrost__StepReport) {
        self.init(
            step: message.step, epoch: message.epoch, loss: message.loss, accuracy: message.accuracy,
            learningRate: message.learning_rate, tokens: message.tokens, samples: message.samples,
            seconds: message.seconds, queueDepth: message.queue_depth, bytesUp: message.bytes_up)
    }
}

extension Body.WorkerFinished {
    fileprivate init(_ message: Permafrost__WorkerFinished) {
        self.init(
            steps: message.steps, epochs: message.epochs, tokens: message.tokens, samples: message.samples,
            seconds: message.seconds, bytesUp: message.bytes_up, bytesDown: message.bytes_down)
    }
}
