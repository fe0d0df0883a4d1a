import CWire
import Diagnostics

extension Body.Register {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__Register> {
        let message = scratch.message(permafrost__register__init)
        message.pointee.role = Permafrost__Role(role.rawValue)
        message.pointee.samples = samples
        message.pointee.threads = threads
        message.pointee.endpoint = scratch.text(endpoint)
        message.pointee.endpoint_key = scratch.text(endpointKey)
        message.pointee.step = step
        message.pointee.messages = messages
        message.pointee.memory_bytes = memoryBytes
        message.pointee.n_codecs = codecs.count
        message.pointee.codecs = scratch.list(codecs.map { Permafrost__Codec($0) })
        message.pointee.columns = columns
        message.pointee.minor = minor
        return message
    }
}

extension Body.DeviceProgress {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__DeviceProgress> {
        let message = scratch.message(permafrost__device_progress__init)
        message.pointee.published_samples = publishedSamples
        message.pointee.tokens = tokens
        message.pointee.compute_nanoseconds = computeNanoseconds
        message.pointee.bytes_up = bytesUp
        message.pointee.bytes_down = bytesDown
        message.pointee.finished = finished ? 1 : 0
        message.pointee.block_tokens = blockTokens
        message.pointee.uplink_bytes_per_second = uplinkBytesPerSecond
        message.pointee.round_trip_seconds = roundTripSeconds
        message.pointee.cut = cut
        message.pointee.generation = generation
        message.pointee.peak_memory_bytes = peakMemoryBytes
        return message
    }
}

extension Body.StepReport {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__StepReport> {
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
        message.pointee.n_sample_ids = sampleIDs.count
        message.pointee.sample_ids = scratch.list(sampleIDs)
        message.pointee.adapter_digest = adapterDigest
        return message
    }
}

extension Body.WorkerFinished {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__WorkerFinished> {
        let message = scratch.message(permafrost__worker_finished__init)
        message.pointee.steps = steps
        message.pointee.epochs = epochs
        message.pointee.tokens = tokens
        message.pointee.samples = samples
        message.pointee.seconds = seconds
        message.pointee.bytes_up = bytesUp
        message.pointee.bytes_down = bytesDown
        message.pointee.drained = drained ? 1 : 0
        message.pointee.frozen_forward_seconds = frozenForwardSeconds
        return message
    }
}

extension Body.Failure {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__Failure> {
        let message = scratch.message(permafrost__failure__init)
        message.pointee.exit_code = exitCode
        message.pointee.problem = scratch.text(problem)
        message.pointee.remedy = scratch.text(remedy)
        return message
    }
}

extension Body.DeviceQueue {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__DeviceQueue> {
        let message = scratch.message(permafrost__device_queue__init)
        message.pointee.device = scratch.text(device)
        message.pointee.samples = samples
        message.pointee.messages = messages
        message.pointee.bytes = bytes
        message.pointee.pending_bytes = pendingBytes
        message.pointee.credit_bytes = creditBytes
        message.pointee.duplicates = duplicates
        message.pointee.redelivered = redelivered
        message.pointee.dead = dead
        return message
    }
}

extension Body.Refused {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__Refused> {
        let message = scratch.message(permafrost__refused__init)
        message.pointee.reason = scratch.text(reason)
        message.pointee.count = count
        message.pointee.last = scratch.text(last)
        return message
    }
}

extension Body.QueueReport {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__QueueReport> {
        let message = scratch.message(permafrost__queue_report__init)
        message.pointee.n_devices = devices.count
        message.pointee.devices = scratch.list(devices.map { Optional($0.message(scratch)) })
        message.pointee.store_bytes = storeBytes
        message.pointee.store_capacity = storeCapacity
        message.pointee.is_full = isFull ? 1 : 0
        message.pointee.advance_seconds = advanceSeconds
        message.pointee.advance_block_tokens = advanceBlockTokens
        message.pointee.step_seconds = stepSeconds
        message.pointee.step_tokens = stepTokens
        message.pointee.n_refusals = refusals.count
        message.pointee.refusals = scratch.list(refusals.map { Optional($0.message(scratch)) })
        message.pointee.frozen_forward_seconds = frozenForwardSeconds
        message.pointee.pipeline = pipeline?.message(scratch)
        message.pointee.n_shares = shares.count
        message.pointee.shares = scratch.list(
            shares.map { share in
                let message = scratch.message(permafrost__worker_share__init)
                message.pointee.worker = scratch.text(share.worker)
                message.pointee.micro_batches = share.microBatches
                return Optional(message)
            })
        message.pointee.queued_messages = queuedMessages
        message.pointee.oldest_age_seconds = oldestAgeSeconds
        message.pointee.bytes_received = bytesReceived
        message.pointee.bytes_sent = bytesSent
        message.pointee.n_codec_bytes = codecBytes.count
        message.pointee.codec_bytes = scratch.list(codecBytes.map { Optional($0.message(scratch)) })
        message.pointee.newest_step = newestStep?.message(scratch)
        return message
    }
}

extension PipelineSummary {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__PipelineReport> {
        let message = scratch.message(permafrost__pipeline_report__init)
        message.pointee.schedule = scratch.text(schedule)
        message.pointee.predicted_bubble = predictedBubble
        message.pointee.measured_bubble = measuredBubble
        message.pointee.n_stages = stages.count
        message.pointee.stages = scratch.list(stages.map { Optional($0.message(scratch)) })
        return message
    }
}

extension PipelineSummary.Stage {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__StageReport> {
        let message = scratch.message(permafrost__stage_report__init)
        message.pointee.first_block = UInt32(clamping: blocks.first ?? 0)
        message.pointee.last_block = UInt32(clamping: blocks.last ?? 0)
        message.pointee.bubble = bubble
        message.pointee.forward_seconds = forwardSeconds
        message.pointee.backward_input_seconds = backwardInputSeconds
        message.pointee.backward_weights_seconds = backwardWeightsSeconds
        message.pointee.stashed_micro_batches = UInt64(clamping: stashedMicroBatches)
        message.pointee.stashed_bytes = UInt64(clamping: stashedBytes)
        return message
    }
}

extension Body.HandedOver {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__HandedOver> {
        let message = scratch.message(permafrost__handed_over__init)
        message.pointee.step = step
        message.pointee.messages = messages
        return message
    }
}

extension Body.Assignment {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__Assignment> {
        let message = scratch.message(permafrost__assignment__init)
        message.pointee.cut = cut
        message.pointee.worker_endpoint = scratch.text(workerEndpoint)
        message.pointee.seed = seed
        message.pointee.generation = generation
        message.pointee.number = number
        message.pointee.epoch = epoch
        message.pointee.worker = scratch.text(worker)
        message.pointee.worker_key = scratch.text(workerKey)
        message.pointee.samples = samples
        message.pointee.codec = Permafrost__Codec(codec)
        return message
    }
}

extension Body.DevicePlan {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__DevicePlan> {
        let message = scratch.message(permafrost__device_plan__init)
        message.pointee.device = scratch.text(device)
        message.pointee.samples = samples
        message.pointee.cut = cut
        message.pointee.key = scratch.text(key)
        message.pointee.credit_bytes = creditBytes
        return message
    }
}

extension Body.RunPlan {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__RunPlan> {
        let message = scratch.message(permafrost__run_plan__init)
        message.pointee.n_devices = devices.count
        message.pointee.devices = scratch.list(devices.map { Optional($0.message(scratch)) })
        message.pointee.seed = seed
        message.pointee.generation = generation
        message.pointee.predecessor = scratch.text(predecessor)
        message.pointee.predecessor_key = scratch.text(predecessorKey)
        message.pointee.leader = leader?.message(scratch)
        message.pointee.n_replicas = replicas.count
        message.pointee.replicas = scratch.list(replicas.map { Optional($0.message(scratch)) })
        message.pointee.n_stages = stages.count
        message.pointee.stages = scratch.list(stages.map { Optional($0.message(scratch)) })
        return message
    }
}

extension Body.Drain {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__Drain> {
        let message = scratch.message(permafrost__drain__init)
        message.pointee.successor = scratch.text(successor)
        message.pointee.successor_endpoint = scratch.text(successorEndpoint)
        message.pointee.successor_key = scratch.text(successorKey)
        return message
    }
}

extension Body.RunRecipe {
    func message(_ scratch: Scratch) -> UnsafeMutablePointer<Permafrost__RunRecipe> {
        let message = scratch.message(permafrost__run_recipe__init)
        message.pointee.recipe = scratch.text(recipe)
        message.pointee.number = number
        return message
    }
}
