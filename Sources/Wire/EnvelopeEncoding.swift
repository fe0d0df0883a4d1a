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
        header.pointee.session = session
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
        case .hello(let body):
            header.body_case = PERMAFROST__HEADER__BODY_HELLO
            header.hello = body.message(scratch)
        case .activations(let body):
            header.body_case = PERMAFROST__HEADER__BODY_ACTIVATIONS
            header.activations = body.message(scratch)
        case .finished(let body):
            header.body_case = PERMAFROST__HEADER__BODY_FINISHED
            header.finished = body.message(scratch)
        case .handoverFile(let body):
            header.body_case = PERMAFROST__HEADER__BODY_HANDOVER_FILE
            header.handover_file = body.message(scratch)
        case .credit(let body):
            header.body_case = PERMAFROST__HEADER__BODY_CREDIT
            header.credit = body.message(scratch)
        case .ack(let body):
            header.body_case = PERMAFROST__HEADER__BODY_ACK
            header.ack = body.message(scratch)
        case .reject(let body):
            header.body_case = PERMAFROST__HEADER__BODY_REJECT
            header.reject = body.message(scratch)
        case .stop(let body):
            header.body_case = PERMAFROST__HEADER__BODY_STOP
            header.stop = body.message(scratch)
        case .welcome(let body):
            header.body_case = PERMAFROST__HEADER__BODY_WELCOME
            header.welcome = body.message(scratch)
        case .register(let body):
            header.body_case = PERMAFROST__HEADER__BODY_REGISTER
            header.register_ = body.message(scratch)
        case .deviceProgress(let body):
            header.body_case = PERMAFROST__HEADER__BODY_DEVICE_PROGRESS
            header.device_progress = body.message(scratch)
        case .stepReport(let body):
            header.body_case = PERMAFROST__HEADER__BODY_STEP_REPORT
            header.step_report = body.message(scratch)
        case .workerFinished(let body):
            header.body_case = PERMAFROST__HEADER__BODY_WORKER_FINISHED
            header.worker_finished = body.message(scratch)
        case .failure(let body):
            header.body_case = PERMAFROST__HEADER__BODY_FAILURE
            header.failure = body.message(scratch)
        case .queueReport(let body):
            header.body_case = PERMAFROST__HEADER__BODY_QUEUE_REPORT
            header.queue_report = body.message(scratch)
        case .handedOver(let body):
            header.body_case = PERMAFROST__HEADER__BODY_HANDED_OVER
            header.handed_over = body.message(scratch)
        case .assignment(let body):
            header.body_case = PERMAFROST__HEADER__BODY_ASSIGNMENT
            header.assignment = body.message(scratch)
        case .runPlan(let body):
            header.body_case = PERMAFROST__HEADER__BODY_RUN_PLAN
            header.run_plan = body.message(scratch)
        case .drain(let body):
            header.body_case = PERMAFROST__HEADER__BODY_DRAIN
            header.drain = body.message(scratch)
        case .runRecipe(let body):
            header.body_case = PERMAFROST__HEADER__BODY_RUN_RECIPE
            header.run_recipe = body.message(scratch)
        case .stepOrder(let body):
            header.body_case = PERMAFROST__HEADER__BODY_STEP_ORDER
            header.step_order = body.message(scratch)
        case .stepPart(let body):
            header.body_case = PERMAFROST__HEADER__BODY_STEP_PART
            header.step_part = body.message(scratch)
        case .tensorPiece(let body):
            header.body_case = PERMAFROST__HEADER__BODY_TENSOR_PIECE
            header.tensor_piece = body.message(scratch)
        case .orderedMicroBatch(let body):
            header.body_case = PERMAFROST__HEADER__BODY_ORDERED_MICRO_BATCH
            header.ordered_micro_batch = body.message(scratch)
        case .methodGreeting(let body):
            header.body_case = PERMAFROST__HEADER__BODY_METHOD_GREETING
            header.method_greeting = body.message(scratch)
        case .methodPart(let body):
            header.body_case = PERMAFROST__HEADER__BODY_METHOD_PART
            header.method_part = body.message(scratch)
        case .methodReceived(let place):
            header.body_case = PERMAFROST__HEADER__BODY_METHOD_RECEIVED
            header.method_received = scratch.message(permafrost__method_received__init)
            header.method_received.pointee.next = place.message(scratch)
        case .heartbeat(let time):
            header.body_case = PERMAFROST__HEADER__BODY_HEARTBEAT
            header.heartbeat = scratch.message(permafrost__heartbeat__init)
            header.heartbeat.pointee.time = time
        case .heartbeatReply(let time):
            header.body_case = PERMAFROST__HEADER__BODY_HEARTBEAT_REPLY
            header.heartbeat_reply = scratch.message(permafrost__heartbeat_reply__init)
            header.heartbeat_reply.pointee.time = time
        case .recipeRequest(let role):
            header.body_case = PERMAFROST__HEADER__BODY_RECIPE_REQUEST
            header.recipe_request = scratch.message(permafrost__recipe_request__init)
            header.recipe_request.pointee.role = Permafrost__Role(role.rawValue)
        case .goodbye(let reason):
            header.body_case = PERMAFROST__HEADER__BODY_GOODBYE
            header.goodbye = scratch.message(permafrost__goodbye__init)
            header.goodbye.pointee.reason = scratch.text(reason)
        case .stepRecorded(let step):
            header.body_case = PERMAFROST__HEADER__BODY_STEP_RECORDED
            header.step_recorded = scratch.message(permafrost__step_recorded__init)
            header.step_recorded.pointee.step = step
        case .stepsWanted(let step):
            header.body_case = PERMAFROST__HEADER__BODY_STEPS_WANTED
            header.steps_wanted = scratch.message(permafrost__steps_wanted__init)
            header.steps_wanted.pointee.after = step
        case .recordedSteps(let body):
            header.body_case = PERMAFROST__HEADER__BODY_RECORDED_STEPS
            header.recorded_steps = body.message(scratch)
        case .registerAgain:
            header.body_case = PERMAFROST__HEADER__BODY_REGISTER_AGAIN
            header.register_again = scratch.message(permafrost__register_again__init)
        }
    }
}
