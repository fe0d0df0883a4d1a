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
            attempt: header.pointee.attempt, session: header.pointee.session, body: try reader.body(header.pointee))
    }
}

extension HeaderReader {
    fileprivate func body(_ header: Permafrost__Header) throws(WireError) -> Body {
        switch header.body_case {
        case PERMAFROST__HEADER__BODY_HELLO:
            return .hello(try Body.Hello(try present(header.hello), self))
        case PERMAFROST__HEADER__BODY_ACTIVATIONS:
            return .activations(try Body.Activations(try present(header.activations), self))
        case PERMAFROST__HEADER__BODY_FINISHED:
            return .finished(try Body.Finished(try present(header.finished), self))
        case PERMAFROST__HEADER__BODY_HANDOVER_FILE:
            return .handoverFile(try Body.HandoverFile(try present(header.handover_file), self))
        case PERMAFROST__HEADER__BODY_CREDIT:
            return .credit(try Body.Credit(try present(header.credit), self))
        case PERMAFROST__HEADER__BODY_ACK:
            return .ack(try Body.Ack(try present(header.ack), self))
        case PERMAFROST__HEADER__BODY_REJECT:
            return .reject(try Body.Reject(try present(header.reject), self))
        case PERMAFROST__HEADER__BODY_STOP:
            return .stop(try Body.Stop(try present(header.stop), self))
        case PERMAFROST__HEADER__BODY_WELCOME:
            return .welcome(try Body.Welcome(try present(header.welcome), self))
        case PERMAFROST__HEADER__BODY_REGISTER:
            return .register(try Body.Register(try present(header.register_), self))
        case PERMAFROST__HEADER__BODY_DEVICE_PROGRESS:
            return .deviceProgress(try Body.DeviceProgress(try present(header.device_progress), self))
        case PERMAFROST__HEADER__BODY_STEP_REPORT:
            return .stepReport(try Body.StepReport(try present(header.step_report), self))
        case PERMAFROST__HEADER__BODY_WORKER_FINISHED:
            return .workerFinished(try Body.WorkerFinished(try present(header.worker_finished), self))
        case PERMAFROST__HEADER__BODY_FAILURE:
            return .failure(try Body.Failure(try present(header.failure), self))
        case PERMAFROST__HEADER__BODY_QUEUE_REPORT:
            return .queueReport(try Body.QueueReport(try present(header.queue_report), self))
        case PERMAFROST__HEADER__BODY_HANDED_OVER:
            return .handedOver(try Body.HandedOver(try present(header.handed_over), self))
        case PERMAFROST__HEADER__BODY_ASSIGNMENT:
            return .assignment(try Body.Assignment(try present(header.assignment), self))
        case PERMAFROST__HEADER__BODY_RUN_PLAN:
            return .runPlan(try Body.RunPlan(try present(header.run_plan), self))
        case PERMAFROST__HEADER__BODY_DRAIN:
            return .drain(try Body.Drain(try present(header.drain), self))
        case PERMAFROST__HEADER__BODY_RUN_RECIPE:
            return .runRecipe(try Body.RunRecipe(try present(header.run_recipe), self))
        case PERMAFROST__HEADER__BODY_STEP_ORDER:
            return .stepOrder(try Body.StepOrder(try present(header.step_order), self))
        case PERMAFROST__HEADER__BODY_STEP_PART:
            return .stepPart(try Body.StepPart(try present(header.step_part), self))
        case PERMAFROST__HEADER__BODY_TENSOR_PIECE:
            return .tensorPiece(try Body.TensorPiece(try present(header.tensor_piece), self))
        case PERMAFROST__HEADER__BODY_ORDERED_MICRO_BATCH:
            return .orderedMicroBatch(Body.OrderedMicroBatch(try present(header.ordered_micro_batch)))
        case PERMAFROST__HEADER__BODY_METHOD_GREETING:
            return .methodGreeting(try Body.MethodGreeting(try present(header.method_greeting), self))
        case PERMAFROST__HEADER__BODY_METHOD_PART:
            return .methodPart(try Body.MethodPart(try present(header.method_part), self))
        case PERMAFROST__HEADER__BODY_METHOD_RECEIVED:
            let next = try present(try present(header.method_received).next)
            return .methodReceived(next: Body.MethodPlace(next))
        case PERMAFROST__HEADER__BODY_HEARTBEAT: return .heartbeat(time: try present(header.heartbeat).time)
        case PERMAFROST__HEADER__BODY_HEARTBEAT_REPLY:
            return .heartbeatReply(time: try present(header.heartbeat_reply).time)
        case PERMAFROST__HEADER__BODY_RECIPE_REQUEST:
            return .recipeRequest(try role(try present(header.recipe_request).role))
        case PERMAFROST__HEADER__BODY_GOODBYE:
            return .goodbye(reason: try text(try present(header.goodbye).reason))
        case PERMAFROST__HEADER__BODY_STEP_RECORDED:
            return .stepRecorded(step: try present(header.step_recorded).step)
        case PERMAFROST__HEADER__BODY_STEPS_WANTED:
            return .stepsWanted(after: try present(header.steps_wanted).after)
        case PERMAFROST__HEADER__BODY_RECORDED_STEPS:
            return .recordedSteps(try Body.RecordedSteps(try present(header.recorded_steps), self))
        case PERMAFROST__HEADER__BODY_REGISTER_AGAIN: return .registerAgain
        default: throw .missingBody
        }
    }
}
