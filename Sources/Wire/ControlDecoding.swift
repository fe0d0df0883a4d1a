import CWire
import Diagnostics

extension Body.Register {
    init(_ message: Permafrost__Register, _ reader: HeaderReader) throws(WireError) {
        self.init(
            role: try reader.role(message.role), samples: message.samples, threads: message.threads,
            endpoint: try reader.name(message.endpoint), endpointKey: try reader.name(message.endpoint_key),
            step: message.step, messages: message.messages, memoryBytes: message.memory_bytes,
            codecs: UnsafeBufferPointer(start: message.codecs, count: message.n_codecs).map(\.rawValue),
            columns: message.columns, minor: message.minor)
    }
}

extension Body.DeviceProgress {
    init(_ message: Permafrost__DeviceProgress, _ reader: HeaderReader) throws(WireError) {
        self.init(
            publishedSamples: message.published_samples, tokens: message.tokens,
            computeNanoseconds: message.compute_nanoseconds, bytesUp: message.bytes_up, bytesDown: message.bytes_down,
            finished: message.finished != 0)
        blockTokens = message.block_tokens
        uplinkBytesPerSecond = message.uplink_bytes_per_second
        roundTripSeconds = message.round_trip_seconds
        cut = message.cut
        generation = message.generation
        peakMemoryBytes = message.peak_memory_bytes
    }
}

extension Body.StepReport {
    init(_ message: Permafrost__StepReport, _ reader: HeaderReader) throws(WireError) {
        guard message.n_sample_ids <= reader.limits.stepSamples else {
            throw .tooManySamples(count: message.n_sample_ids, limit: reader.limits.stepSamples)
        }
        self.init(
            step: message.step, epoch: message.epoch, loss: message.loss, accuracy: message.accuracy,
            learningRate: message.learning_rate, tokens: message.tokens, samples: message.samples,
            seconds: message.seconds, queueDepth: message.queue_depth, bytesUp: message.bytes_up)
        sampleIDs = Array(UnsafeBufferPointer(start: message.sample_ids, count: message.n_sample_ids))
        adapterDigest = message.adapter_digest
    }
}

extension Body.WorkerFinished {
    init(_ message: Permafrost__WorkerFinished, _ reader: HeaderReader) throws(WireError) {
        self.init(
            steps: message.steps, epochs: message.epochs, tokens: message.tokens, samples: message.samples,
            seconds: message.seconds, bytesUp: message.bytes_up, bytesDown: message.bytes_down)
        drained = message.drained != 0
        frozenForwardSeconds = message.frozen_forward_seconds
    }
}

extension Body.Failure {
    init(_ message: Permafrost__Failure, _ reader: HeaderReader) throws(WireError) {
        self.init(
            exitCode: message.exit_code, problem: try reader.text(message.problem),
            remedy: try reader.text(message.remedy))
    }
}

extension Body.DeviceQueue {
    init(_ message: Permafrost__DeviceQueue, _ reader: HeaderReader) throws(WireError) {
        self.init(
            device: try reader.name(message.device), samples: message.samples, messages: message.messages,
            bytes: message.bytes, pendingBytes: message.pending_bytes, creditBytes: message.credit_bytes,
            duplicates: message.duplicates, redelivered: message.redelivered, dead: message.dead)
    }
}

extension Body.QueueReport {
    init(_ message: Permafrost__QueueReport, _ reader: HeaderReader) throws(WireError) {
        let devices = try reader.list(message.devices, count: message.n_devices) { device throws(WireError) in
            try Body.DeviceQueue(device, reader)
        }
        let refusals = try reader.list(message.refusals, count: message.n_refusals) { refused throws(WireError) in
            Body.Refused(
                reason: try reader.name(refused.reason), count: refused.count, last: try reader.name(refused.last))
        }
        self.init(
            devices: devices, storeBytes: message.store_bytes, storeCapacity: message.store_capacity,
            isFull: message.is_full != 0, advanceSeconds: message.advance_seconds,
            advanceBlockTokens: message.advance_block_tokens, stepSeconds: message.step_seconds,
            stepTokens: message.step_tokens, refusals: refusals)
        frozenForwardSeconds = message.frozen_forward_seconds
        if let report = message.pipeline { pipeline = try PipelineSummary(report.pointee, reader) }
        shares = try reader.list(message.shares, count: message.n_shares) { share throws(WireError) in
            Body.WorkerShare(worker: try reader.name(share.worker), microBatches: share.micro_batches)
        }
        queuedMessages = message.queued_messages
        oldestAgeSeconds = message.oldest_age_seconds
        bytesReceived = message.bytes_received
        bytesSent = message.bytes_sent
        codecBytes = try reader.list(message.codec_bytes, count: message.n_codec_bytes) { $0 }
            .compactMap { Body.CodecBytes($0) }
        if let step = message.newest_step { newestStep = try StepOperations(step.pointee, reader) }
    }
}

extension PipelineSummary {
    init(_ message: Permafrost__PipelineReport, _ reader: HeaderReader) throws(WireError) {
        self.init(
            schedule: try reader.name(message.schedule), predictedBubble: message.predicted_bubble,
            measuredBubble: message.measured_bubble,
            stages: try reader.list(message.stages, count: message.n_stages) { stage throws(WireError) in
                Stage(
                    blocks: [Int(stage.first_block), Int(stage.last_block)], bubble: stage.bubble,
                    forwardSeconds: stage.forward_seconds, backwardInputSeconds: stage.backward_input_seconds,
                    backwardWeightsSeconds: stage.backward_weights_seconds,
                    stashedMicroBatches: Int(told: stage.stashed_micro_batches),
                    stashedBytes: Int(told: stage.stashed_bytes))
            })
    }
}

extension Body.HandedOver {
    init(_ message: Permafrost__HandedOver, _ reader: HeaderReader) throws(WireError) {
        self.init(
            step: message.step, messages: message.messages)
    }
}

extension Body.Assignment {
    init(_ message: Permafrost__Assignment, _ reader: HeaderReader) throws(WireError) {
        self.init(
            cut: message.cut, workerEndpoint: try reader.name(message.worker_endpoint), seed: message.seed,
            generation: message.generation, number: message.number, epoch: message.epoch,
            worker: try reader.name(message.worker), workerKey: try reader.name(message.worker_key),
            samples: message.samples, codec: message.codec.rawValue)
    }
}

extension Body.DevicePlan {
    init(_ message: Permafrost__DevicePlan, _ reader: HeaderReader) throws(WireError) {
        self.init(
            device: try reader.name(message.device), samples: message.samples, cut: message.cut,
            key: try reader.name(message.key), creditBytes: message.credit_bytes)
    }
}

extension Body.RunPlan {
    init(_ message: Permafrost__RunPlan, _ reader: HeaderReader) throws(WireError) {
        let devices = try reader.list(message.devices, count: message.n_devices) { device throws(WireError) in
            try Body.DevicePlan(device, reader)
        }
        self.init(
            devices: devices, seed: message.seed, generation: message.generation,
            predecessor: try reader.name(message.predecessor),
            predecessorKey: try reader.name(message.predecessor_key),
            leader: try message.leader.map { leader throws(WireError) in try Body.WorkerPeer(leader.pointee, reader) },
            replicas: try reader.list(message.replicas, count: message.n_replicas) { replica throws(WireError) in
                try Body.WorkerPeer(replica, reader)
            },
            stages: try reader.list(message.stages, count: message.n_stages) { stage throws(WireError) in
                try Body.WorkerPeer(stage, reader)
            })
    }
}

extension Body.Drain {
    init(_ message: Permafrost__Drain, _ reader: HeaderReader) throws(WireError) {
        self.init(
            successor: try reader.name(message.successor),
            successorEndpoint: try reader.name(message.successor_endpoint),
            successorKey: try reader.name(message.successor_key))
    }
}

extension Body.RunRecipe {
    init(_ message: Permafrost__RunRecipe, _ reader: HeaderReader) throws(WireError) {
        self.init(
            recipe: try reader.text(message.recipe, limit: reader.limits.recipeBytes), number: message.number)
    }
}
