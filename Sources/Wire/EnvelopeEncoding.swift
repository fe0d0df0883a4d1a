import CWire

extension Envelope {
    /// The header frame: a serialised `Header` of the contract.
    public func encode() -> [UInt8] {
        let scratch = Scratch()
        let header = scratch.message(permafrost__header__init)
        header.pointee.version = Envelope.protocolVersion
        header.pointee.run = scratch.text(run)
        header.pointee.sender = scratch.text(sender)
        header.pointee.attempt = attempt
        body.fill(&header.pointee, scratch)
        let size = permafrost__header__get_packed_size(header)
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = size == 0 ? 0 : permafrost__header__pack(header, buffer.baseAddress)
        }
    }
}

extension Body {
    /// Puts this body into a header. What it points to lives in `scratch`.
    fileprivate func fill(_ header: inout Permafrost__Header, _ scratch: Scratch) {
        switch self {
        case .hello(let hello):
            let message = scratch.message(permafrost__hello__init)
            message.pointee.samples = hello.samples
            header.body_case = PERMAFROST__HEADER__BODY_HELLO
            header.hello = message
        case .activations(let activations):
            header.body_case = PERMAFROST__HEADER__BODY_ACTIVATIONS
            header.activations = activations.message(scratch)
        case .finished(let finished):
            let message = scratch.message(permafrost__finished__init)
            message.pointee.messages = finished.messages
            message.pointee.samples = finished.samples
            header.body_case = PERMAFROST__HEADER__BODY_FINISHED
            header.finished = message
        case .credit(let credit):
            let message = scratch.message(permafrost__credit__init)
            message.pointee.bytes = credit.bytes
            header.body_case = PERMAFROST__HEADER__BODY_CREDIT
            header.credit = message
        case .ack(let ack):
            let message = scratch.message(permafrost__ack__init)
            message.pointee.sequence = ack.sequence
            message.pointee.credit_bytes = ack.creditBytes
            header.body_case = PERMAFROST__HEADER__BODY_ACK
            header.ack = message
        case .reject(let reject):
            let message = scratch.message(permafrost__reject__init)
            message.pointee.sequence = reject.sequence
            message.pointee.number = reject.number
            message.pointee.text = scratch.text(reject.text)
            header.body_case = PERMAFROST__HEADER__BODY_REJECT
            header.reject = message
        case .stop(let stop):
            let message = scratch.message(permafrost__stop__init)
            message.pointee.reason = scratch.text(stop.reason)
            header.body_case = PERMAFROST__HEADER__BODY_STOP
            header.stop = message
        case .register(let register):
            let message = scratch.message(permafrost__register__init)
            message.pointee.role = Permafrost__Role(register.role.rawValue)
            message.pointee.samples = register.samples
            message.pointee.threads = register.threads
            message.pointee.endpoint = scratch.text(register.endpoint)
            header.body_case = PERMAFROST__HEADER__BODY_REGISTER
            header.register_ = message
        case .deviceProgress(let progress):
            header.body_case = PERMAFROST__HEADER__BODY_DEVICE_PROGRESS
            header.device_progress = progress.message(scratch)
        case .stepReport(let report):
            header.body_case = PERMAFROST__HEADER__BODY_STEP_REPORT
            header.step_report = report.message(scratch)
        case .workerFinished(let finished):
            header.body_case = PERMAFROST__HEADER__BODY_WORKER_FINISHED
            header.worker_finished = finished.message(scratch)
        case .failure(let failure):
            let message = scratch.message(permafrost__failure__init)
            message.pointee.exit_code = failure.exitCode
            message.pointee.problem = scratch.text(failure.problem)
            message.pointee.remedy = scratch.text(failure.remedy)
            header.body_case = PERMAFROST__HEADER__BODY_FAILURE
            header.failure = message
        case .heartbeat:
            header.body_case = PERMAFROST__HEADER__BODY_HEARTBEAT
            header.heartbeat = scratch.message(permafrost__heartbeat__init)
        case .assignment(let assignment):
            let message = scratch.message(permafrost__assignment__init)
            message.pointee.cut = assignment.cut
            message.pointee.worker_endpoint = scratch.text(assignment.workerEndpoint)
            message.pointee.seed = assignment.seed
            message.pointee.generation = assignment.generation
            message.pointee.number = assignment.number
            message.pointee.epoch = assignment.epoch
            header.body_case = PERMAFROST__HEADER__BODY_ASSIGNMENT
            header.assignment = message
        case .runPlan(let plan):
            header.body_case = PERMAFROST__HEADER__BODY_RUN_PLAN
            header.run_plan = plan.message(scratch)
        }
    }
}

extension Body.Activations {
    fileprivate func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__Activations> {
        let message = scratch.message(permafrost__activations__init)
        message.pointee.sequence = sequence
        message.pointee.n_sample_ids = sampleIDs.count
        message.pointee.sample_ids = scratch.list(sampleIDs)
        message.pointee.n_lengths = lengths.count
        message.pointee.lengths = scratch.list(lengths)
        message.pointee.n_target_lengths = targetLengths.count
        message.pointee.target_lengths = scratch.list(targetLengths)
        message.pointee.n_targets = targets.count
        message.pointee.targets = scratch.list(targets)
        message.pointee.cut = cut
        message.pointee.codec = Permafrost__Codec(codec)
        message.pointee.rows = rows
        message.pointee.columns = columns
        message.pointee.checksum = checksum
        return message
    }
}

extension Body.DeviceProgress {
    fileprivate func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__DeviceProgress> {
        let message = scratch.message(permafrost__device_progress__init)
        message.pointee.published_samples = publishedSamples
        message.pointee.tokens = tokens
        message.pointee.compute_nanoseconds = computeNanoseconds
        message.pointee.bytes_up = bytesUp
        message.pointee.bytes_down = bytesDown
        message.pointee.finished = finished ? 1 : 0
        return message
    }
}

extension Body.StepReport {
    fileprivate func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__StepReport> {
        let message = scratch.message(permafrost__step_report__init)
        message.pointee.step = step
        message.pointee.epoch = epoch
        message.pointee.loss = loss
        message.pointee.accuracy = accuracy
        message.pointee.learning_rate = learningRate
        message.pointee.tokens = tokens
        message.pointee.samples = samples
        message.pointee.seconds = seconds
        message.pointee.queue_depth = queueDepth
        message.pointee.bytes_up = bytesUp
        return message
    }
}

extension Body.WorkerFinished {
    fileprivate func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__WorkerFinished> {
        let message = scratch.message(permafrost__worker_finished__init)
        message.pointee.steps = steps
        message.pointee.epochs = epochs
        message.pointee.tokens = tokens
        message.pointee.samples = samples
        message.pointee.seconds = seconds
        message.pointee.bytes_up = bytesUp
        message.pointee.bytes_down = bytesDown
        return message
    }
}

extension Body.RunPlan {
    fileprivate func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__RunPlan> {
        let message = scratch.message(permafrost__run_plan__init)
        message.pointee.n_devices = devices.count
        message.pointee.devices = scratch.list(
            devices.map { device in
                let plan = scratch.message(permafrost__device_plan__init)
                plan.pointee.device = scratch.text(device.device)
                plan.pointee.samples = device.samples
                plan.pointee.cut = device.cut
                return Optional(plan)
            })
        message.pointee.seed = seed
        message.pointee.generation = generation
        return message
    }
}
