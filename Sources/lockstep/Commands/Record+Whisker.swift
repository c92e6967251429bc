internal import PipelineEngine
internal import SessionHistory
internal import WhiskerBridge

extension Record {
    /// Records a running bot, each of its lives as a session, until it ends or is to end.
    func record(bot address: String, on terminal: Terminal) async throws -> ExitStatus {
        var connecting = WhiskerClient.Options()
        connecting.order = order?.frameOrder
        connecting.waits = wait
        connecting.duration = duration.map { .milliseconds(Int64($0 * 1_000)) }
        connecting.trustedCertificates = certificates
        let client = try WhiskerClient(address, connecting)
        let history = try history.open(for: .writing, options: options)
        let stop = StopRequest()
        let signals = StopSignals { stop.request(.signalled($0)) }
        let line = LiveLine(on: terminal)
        let (name, payload) = (name, content.payload.mode)
        let recording = Task { () -> (sessions: [WhiskerIntake.Session], failure: (any Error)?) in
            var intake = WhiskerIntake(
                into: history, name: name, source: address, payload: payload,
                onFailure: { stop.request(.recordingFailed($0)) },
                onNotice: { line.note("warning: \($0)") })
            do {
                try await client.run(notice: { line.note($0) }) { step in
                    try await intake.take(step)
                    line.show(intake.counts)
                }
                return (intake.sessions, nil)
            } catch {
                await intake.abandon()
                return (intake.sessions, error)
            }
        }
        let stopping = Task {
            if await stop.reason() != nil { recording.cancel() }
        }
        let (sessions, failure) = await recording.value
        let reason = stop.finish()
        await stopping.value
        line.finish()
        withExtendedLifetime(signals) {}

        var facts: [Facts] = []
        for session in sessions {
            guard let number = session.number else { continue }
            let known = try history.session("\(number)")
            facts.append(known.facts)
            if !speech.json { terminal.note(known.line) }
            terminal.say(session.summary, findings: known.findings, besides: failure.map { "\($0)" })
        }
        if speech.json { try terminal.print(facts) }
        if let failure { terminal.report("\(failure)") }
        if case .recordingFailed(let error) = reason {
            terminal.report("\(error); what came after is not in the history")
            return .lossy
        }
        if case .signalled(let signal) = reason { return .signalled(signal) }
        if sessions.isEmpty, failure == nil {
            terminal.report(
                "no bot was there to be recorded within \(duration ?? 0) s; the history has no session of it")
            return .trouble
        }
        if sessions.contains(where: { !$0.summary.losses.isEmpty }) { return .lossy }
        return failure == nil ? .done : sessions.isEmpty ? .trouble : .lossy
    }
}

extension SessionSummary {
    /// What a recording says of itself when it is over.
    var line: StyledText {
        let counts = "\(Quantity.count(inbound)) in · \(Quantity.count(released)) released"
        return StyledText(title, .bold) + StyledText(" · \(state.rawValue) · \(counts)", .dim)
    }
}
