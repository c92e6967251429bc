import PipelineEngine

extension StageFollower {
    /// A frame comes out of a branch.
    mutating func arrives(_ record: FrameRecord, from branch: Int, _ narrator: inout Narrator) {
        if let waiting = unclassified {
            if waiting.arrivals.count < StageFollower.longestSettling {
                unclassified?.arrivals.append((record, branch, narrator.now))
                return
            }
            settle(asSystem: false, &narrator)
        }
        let frame = narrator.builder.frame(record)
        if start != .over, record.direction == .downstream, takesAsStart(frame, branch, &narrator) { return }
        arrivals += 1
        let isSystem = !frame.type.frameClass.isSynchronized
        var arrival = Arrival(
            frame: frame, key: record.key, branch: branch, direction: record.direction, time: narrator.now,
            order: arrivals, isCopy: isSystem && copies.contains(record.key, record.direction),
            isOutOfStep: isMisaligned(branch, record.direction), size: record.size)
        if open == nil { arrival.staleFrom = staleFrom[branch] }
        if open == nil, !isKnown, arrival.isSync || arrival.isEnd {
            hold(arrival, &narrator)
            let inbound = arrival.isEnd ? OpenBatch.Inbound(name: record.name, type: frame.type, sequence: 0) : nil
            return beginsUnseen(record.direction, inbound: inbound, &narrator)
        }
        if tellsAtOnce(arrival) { arrival.telling = tell(arrival, isLate: false, &narrator) }
        hold(arrival, &narrator)
        if arrival.direction == open?.direction { takeOutputs(of: branch, &narrator) }
    }

    /// Whether what comes out is an output of the open batch.
    private func tellsAtOnce(_ arrival: Arrival) -> Bool {
        guard let direction = open?.direction, open?.synced[arrival.branch] == false, !arrival.isSync else {
            return false
        }
        // The batch's own, even though Pipecat keeps it for one of the other direction (C14).
        if arrival.direction != direction { return !arrival.isCopy }
        // A SyncFrame that waits in the queue closes the batch before it.
        let isEnd = open?.isEnd == true
        return queues[direction]?[arrival.branch].contains { isEnd ? $0.isEnd : $0.isSync } == false
    }

    /// Whether Pipecat takes the frame for the StartFrame that it waits for at this branch.
    private mutating func takesAsStart(_ frame: GenericFrame, _ branch: Int, _ narrator: inout Narrator) -> Bool {
        let isStart = frame.type.isKind(of: .start)
        guard case .entering(var branches) = start else { return isStart }
        guard branches.remove(branch) != nil else { return false }
        start = .entering(branches)
        if !isStart {
            let sequence = narrator.tell(.drop) {
                $0.stage = label.number
                $0.branch = branch
                $0.direction = .downstream
                $0.frame = frame
                $0.detail = "Pipecat took it for the StartFrame"
            }
            narrator.tell(FalseStart(stage: label, branch: branch, sequence: sequence, frame: frame.name).finding)
        }
        return true
    }

    private mutating func hold(_ arrival: Arrival, _ narrator: inout Narrator) {
        queues[arrival.direction]?[arrival.branch].append(arrival)
        heldCount += 1
        heldSize += arrival.size
        guard heldCount > limits.heldFrames || heldSize > limits.heldBytes else { return }
        givesUp(&narrator)
    }

    private mutating func givesUp(_ narrator: inout Narrator) {
        narrator.tell(RecordingGap.tooMuchHeld(label).finding)
        forget()
    }

    mutating func letGo(_ arrival: Arrival) {
        heldCount -= 1
        heldSize -= arrival.size
    }

    /// Does what Pipecat does for an open batch: takes what is in a branch's queue, up to the SyncFrame.
    mutating func takeOutputs(of branch: Int, _ narrator: inout Narrator) {
        guard open?.synced[branch] == false, open?.isHeadless == true || open?.markers[branch] != nil,
            let direction = open?.direction, let isEnd = open?.isEnd,
            let waiting = queues[direction]?[branch], !waiting.isEmpty
        else { return }
        let end = waiting.firstIndex { isEnd ? $0.isEnd : $0.isSync }
        let taken = waiting[..<(end.map { $0 + 1 } ?? waiting.endIndex)]
        queues[direction]?[branch].removeFirst(taken.count)
        for arrival in taken {
            letGo(arrival)
            let isFirst = open?.hasTaken[branch] == false
            open?.hasTaken[branch] = true
            let closes = isEnd ? arrival.isEnd : arrival.isSync
            if !closes || isEnd { take(arrival, &narrator) }
            guard closes else { continue }
            if isEnd, !isFirst, let index = open?.taken.last { open?.lose(index) }
            syncs(arrival, branch, &narrator)
        }
    }

    private mutating func take(_ arrival: Arrival, _ narrator: inout Narrator) {
        var telling = arrival.telling
        if telling == .untold { telling = tell(arrival, isLate: false, &narrator) }
        guard case .told(let batch, let output, _) = telling else { return }
        if batch == open?.number { open?.take(output) } else { open?.earlier.append(arrival) }
    }

    /// Tells an output of the open batch.
    ///
    /// - Parameter isLate: whether it came behind its branch's SyncFrame of the batch before, or between two batches.
    mutating func tell(_ arrival: Arrival, isLate: Bool, _ narrator: inout Narrator) -> Arrival.Telling {
        guard let number = open?.number, let index = open?.outputs.count,
            let emission = open?.emissions[arrival.branch]
        else { return arrival.telling }
        guard index < limits.heldFrames, openSize + arrival.size <= limits.heldBytes else {
            givesUp(&narrator)
            return arrival.telling
        }
        openSize += arrival.size
        let late =
            isLate && arrival.isLateOutput
            ? LateOutput(stage: label, batch: number, branch: arrival.branch, frame: arrival.name) : nil
        let sequence = narrator.tell(late == nil ? .output : .late, at: arrival.time) {
            $0.stage = label.number
            $0.batch = number
            $0.branch = arrival.branch
            $0.direction = arrival.direction
            $0.emission = emission
            $0.arrival = index
            $0.frame = arrival.frame
            $0.detail = late?.detail
        }
        open?.emissions[arrival.branch] += 1
        open?.add(OpenBatch.Output(arrival: arrival, sequence: sequence, isLate: isLate))
        return .told(batch: number, output: index, sequence: sequence)
    }

    /// A branch gives a SyncFrame back, or the EndFrame.
    private mutating func syncs(_ arrival: Arrival, _ branch: Int, _ narrator: inout Narrator) {
        guard let number = open?.number, let isEnd = open?.isEnd, let isHeadless = open?.isHeadless else { return }
        open?.synced[branch] = true
        lastSync = narrator.now
        let sent = open?.markers[branch]?.name
        let isMisplaced = !isEnd && sent.map { $0 != arrival.name } ?? false
        let sequence = narrator.tell(.sync, at: arrival.time) {
            $0.stage = label.number
            $0.batch = number
            $0.branch = branch
            $0.direction = arrival.direction
            if isMisplaced { $0.detail = "\(arrival.name) is not the SyncFrame of this batch" }
        }
        let wasMisaligned = isMisaligned(branch, arrival.direction)
        if isMisplaced, !wasMisaligned {
            let misaligned = MisalignedSync(
                stage: label, batch: number, branch: branch, sequence: sequence, frame: arrival.name)
            narrator.tell(misaligned.finding)
        }
        if isMisplaced != wasMisaligned { misaligned[arrival.direction, default: []].formSymmetricDifference([branch]) }
        if open?.allSynced == true, !isEnd, !isHeadless, hasNothingToRelease { ends(unreleased: [], &narrator) }
    }

    /// Whether a batch that is synced has nothing that may yet leave with it. A stage that is out of step may release
    /// anything.
    var hasNothingToRelease: Bool {
        open?.expected == 0 && open?.earlier.isEmpty == true && leftovers.isEmpty
            && misaligned.values.allSatisfy(\.isEmpty)
    }
}
