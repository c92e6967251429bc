import PipelineEngine

extension StageFollower {
    /// A frame that the stage processes: a batch begins, or a system frame passes.
    mutating func comesIn(_ record: FrameRecord, _ narrator: inout Narrator) {
        settle(asSystem: false, &narrator)
        switch narrator.builder.isSystem(record) {
        case true: passes(record, &narrator)
        case false: begins(record, &narrator)
        case nil: unclassified = Unclassified(record: record)
        }
    }

    /// A frame that the stage sends into a branch.
    mutating func fansOut(_ record: FrameRecord, into branch: Int, _ narrator: inout Narrator) {
        if let waiting = unclassified, waiting.record.name == record.name {
            // A synchronized frame is followed into the branch by its SyncFrame before the next branch has it.
            if let first = waiting.firstBranch, first != branch { settle(asSystem: true, &narrator) }
            unclassified?.firstBranch = branch
            return
        }
        let isSystem = narrator.builder.isSystem(record)
        if isSystem == true {
            copies.insert(record.key, record.direction)
            return
        }
        let isSync = record.typeName == "SyncFrame" && open?.inbound?.name != record.name
        if isSync {
            settle(asSystem: false, &narrator)
            if let first = inboundSync(branch) {
                open?.inbound = OpenBatch.Inbound(name: first, type: .sync, sequence: 0)
            } else if open?.direction != record.direction || open?.markers[branch] != nil {
                // A batch whose inbound frame is not in the recording: it began before it, or Whisker leaves it out.
                beginsUnseen(record.direction, inbound: nil, &narrator)
            }
            sets(record, branch, &narrator)
        } else if let inbound = open?.inbound, inbound.name == record.name, open?.direction == record.direction {
            if open?.isEnd == true { sets(record, branch, &narrator) }
        } else if open == nil, !isKnown, isSystem == false {
            let type = narrator.builder.frame(record).type
            beginsUnseen(
                record.direction, inbound: OpenBatch.Inbound(name: record.name, type: type, sequence: 0), &narrator)
            if open?.isEnd == true { sets(record, branch, &narrator) }
        }
    }

    /// The SyncFrame with which a batch began out of view, when it turns out to be the inbound frame and not the stage's
    /// own: one of an outer stage. Nothing can have come out of the branch yet.
    private func inboundSync(_ branch: Int) -> String? {
        guard let batch = open, batch.inbound == nil, batch.outputs.isEmpty, !batch.synced[branch] else { return nil }
        return batch.markers[branch]?.name
    }

    /// The frame that the branch has to give back goes into it: from now on Pipecat takes what comes out.
    private mutating func sets(_ record: FrameRecord, _ branch: Int, _ narrator: inout Narrator) {
        open?.markers[branch] = OpenBatch.Marker(
            name: record.name, processor: record.processor, action: record.action, time: narrator.now)
        takeOutputs(of: branch, &narrator)
    }

    /// Decides about a frame of a type of the bot's own, if one waits for it.
    mutating func settle(asSystem: Bool, _ narrator: inout Narrator) {
        guard let waiting = unclassified else { return }
        unclassified = nil
        narrator.builder.learn(waiting.record, isSystem: asSystem)
        if asSystem { passes(waiting.record, &narrator) } else { begins(waiting.record, &narrator) }
        let now = narrator.now
        for (record, branch, time) in waiting.arrivals {
            narrator.now = time
            arrives(record, from: branch, &narrator)
        }
        narrator.now = now
    }

    private mutating func passes(_ record: FrameRecord, _ narrator: inout Narrator) {
        let type = FrameType.known(String(record.typeName))
        if passing[record.direction, default: []].count >= StageFollower.rememberedNames { passing = [:] }
        passing[record.direction, default: []].insert(record.key)
        if type?.isKind(of: .start) == true {
            if start == .unseen { start = .entering(Set(0..<branches)) }
            return
        }
        copies.insert(record.key, record.direction)
        if type?.isKind(of: .interruption) == true, open?.isInterruptible == true {
            breaksOff(.interrupted, "the batch was interrupted by \(record.name)", &narrator)
        } else if type?.isKind(of: .cancel) == true {
            breaksOff(.cancelled, "the batch was cancelled by \(record.name)", &narrator)
        }
    }

    private mutating func begins(_ record: FrameRecord, _ narrator: inout Narrator) {
        isOvertaken(&narrator)
        let frame = narrator.builder.frame(record)
        let number = nextBatch
        let sequence = narrator.tell(.inbound) {
            $0.stage = label.number
            $0.batch = number
            $0.direction = record.direction
            $0.frame = frame
        }
        let inbound = OpenBatch.Inbound(name: record.name, type: frame.type, sequence: sequence)
        opens(inbound, record.direction, &narrator)
    }

    /// Begins a batch whose inbound frame is not in the recording.
    mutating func beginsUnseen(
        _ direction: FrameDirection, inbound: OpenBatch.Inbound?, _ narrator: inout Narrator
    ) {
        let wasKnown = isKnown
        isOvertaken(&narrator)
        narrator.batchesWithoutHead += 1
        let (number, next) = (nextBatch, narrator.lastSequence + 1)
        if !wasKnown {
            let gap = RecordingGap.batchWithoutHead(
                label, batch: number, sequence: next, isBehindGap: hasForgotten)
            narrator.tell(gap.finding)
        } else if !hasToldExclusion {
            hasToldExclusion = true
            narrator.tell(RecordingGap.inboundExcluded(label, batch: number, sequence: next).finding)
        }
        // What came before the first sign of a batch was its output, as far as is known.
        opens(inbound, direction, isLate: wasKnown, &narrator)
    }

    private mutating func opens(
        _ inbound: OpenBatch.Inbound?, _ direction: FrameDirection, isLate: Bool = true, _ narrator: inout Narrator
    ) {
        open = OpenBatch(
            number: nextBatch, direction: direction, inbound: inbound, branches: branches, openedAt: narrator.now)
        nextBatch += 1
        openSize = 0
        narrator.batches += 1
        isKnown = true
        if case .entering = start { start = .over }
        staleFrom = Array(repeating: 0, count: branches)
        tellHeld(direction, isLate: isLate, &narrator)
        // Of a batch that began out of view it is not known what Pipecat waits for.
        if open?.isHeadless == true { for branch in 0..<branches { takeOutputs(of: branch, &narrator) } }
    }

    /// Tells what waits for this batch, over all branches in the order in which it came.
    private mutating func tellHeld(_ direction: FrameDirection, isLate: Bool, _ narrator: inout Narrator) {
        guard let isEnd = open?.isEnd else { return }
        var held: [(branch: Int, index: Int, order: Int64)] = []
        for (branch, queue) in (queues[direction] ?? []).enumerated() {
            for (index, arrival) in queue.enumerated() {
                if isEnd ? arrival.isEnd : arrival.isSync { break }
                if arrival.telling == .untold { held.append((branch, index, arrival.order)) }
            }
        }
        for place in held.sorted(by: { $0.order < $1.order }) {
            guard let arrival = queues[direction]?[place.branch][place.index] else { continue }
            let telling = tell(arrival, isLate: isLate, &narrator)
            // Telling too much makes the follower give up, and empties the queues.
            guard open != nil else { return }
            queues[direction]?[place.branch][place.index].telling = telling
        }
    }

    /// A later frame is processed: what is open is over, as far as it was seen.
    private mutating func isOvertaken(_ narrator: inout Narrator) {
        guard let batch = open else { return }
        if batch.allSynced || batch.isHeadless && batch.hasReleased { ends(unreleased: batch.unreleased, &narrator) }
        open = nil
    }
}
