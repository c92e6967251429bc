import PipelineEngine

extension Arrival {
    /// Whether a record is about this frame on its way in this direction. The id alone does not say: two may share one.
    fileprivate func isFrame(of record: FrameRecord) -> Bool { name == record.name && direction == record.direction }
}

extension StageFollower {
    /// A frame leaves the stage.
    mutating func goesOut(_ record: FrameRecord, _ narrator: inout Narrator) {
        if unclassified?.record.name == record.name { settle(asSystem: true, &narrator) }
        if passing[record.direction]?.remove(record.key) != nil || isStartOfUnseen(record) {
            if record.typeName == "StartFrame" {
                start = .over
                // Nothing comes before the StartFrame: no batch can be open.
                isKnown = true
            }
            return bypasses(record, nil, &narrator)
        }
        if open == nil {
            guard !isKnown else {
                return bypasses(record, "it left when no batch was open", &narrator)
            }
            if narrator.builder.isSystem(record) == true { return bypasses(record, nil, &narrator) }
            beginsUnseen(record.direction, inbound: nil, &narrator)
        }
        releases(record, &narrator)
    }

    private func isStartOfUnseen(_ record: FrameRecord) -> Bool { start != .over && record.typeName == "StartFrame" }

    private mutating func bypasses(_ record: FrameRecord, _ detail: String?, _ narrator: inout Narrator) {
        let frame = narrator.builder.frame(record)
        narrator.tell(.bypass) {
            $0.stage = label.number
            $0.direction = record.direction
            $0.frame = frame
            $0.detail = detail
        }
    }

    private mutating func releases(_ record: FrameRecord, _ narrator: inout Narrator) {
        guard let number = open?.number else { return }
        open?.lastReleaseAt = narrator.now
        let found = find(record, &narrator)
        let repeated = duplicates(of: found)
        let position = open?.position(record.direction) ?? 0
        let frame = found.arrival?.frame ?? narrator.builder.frame(record)
        let isLast = endsWithThis
        let isOwn = found.output != nil
        let sequence = narrator.tell(.release) {
            $0.stage = label.number
            $0.batch = number
            $0.branch = found.arrival?.branch ?? -1
            $0.direction = record.direction
            $0.position = position
            $0.subject = found.sequence
            if !isOwn { $0.frame = frame }
            if isLast, repeated.isEmpty { $0.outcome = .released }
        }
        for (place, output) in repeated.enumerated() {
            let duplicate = narrator.tell(.duplicate) {
                $0.stage = label.number
                $0.batch = number
                $0.branch = output.arrival.branch
                $0.direction = record.direction
                $0.position = position
                $0.subject = output.sequence
                if isLast, place == repeated.count - 1 { $0.outcome = .released }
            }
            if output.arrival.name != record.name {
                let collision = IDCollision(
                    stage: label, batch: number, branch: output.arrival.branch, sequence: duplicate,
                    released: record.name, lost: output.arrival.name)
                narrator.tell(collision.finding)
            }
        }
        let sighting = ReleaseSighting(
            stage: label, batch: number, sequence: sequence, frame: record.name, type: frame.type,
            direction: record.direction, branch: found.arrival?.branch ?? -1, origin: found.origin,
            isCopy: found.arrival?.isCopy ?? copies.contains(record.key, record.direction),
            isOwnSync: frame.type.isKind(of: .sync) && open?.inbound?.name != record.name, isBehindEnd: hasEnded,
            held: found.arrival.map { narrator.now - $0.time })
        for finding in sighting.findings { narrator.tell(finding) }
        if record.direction == .downstream, frame.type.isKind(of: .end) { hasEnded = true }
        if isLast { isReleased(&narrator) }
    }

    /// Where a released frame came from.
    private struct Origin {
        var arrival: Arrival?
        /// The index among the open batch's outputs.
        var output: Int?
        /// Of its event, 0 for none.
        var sequence: Int64 = 0
        var origin = ReleaseSighting.Origin.unknown
    }

    private mutating func find(_ record: FrameRecord, _ narrator: inout Narrator) -> Origin {
        if let index = outputIndex(record) { return own(index) }
        if let index = leftovers.firstIndex(where: { $0.isFrame(of: record) }) {
            let arrival = leftovers.remove(at: index)
            guard case .told(let batch, _, let sequence) = arrival.telling else { return Origin(arrival: arrival) }
            return Origin(arrival: arrival, sequence: sequence, origin: .interrupted(batch))
        }
        if let index = open?.earlier.firstIndex(where: { $0.isFrame(of: record) }) {
            return (open?.earlier.remove(at: index)).map(StageFollower.origin) ?? Origin()
        }
        // Frames that Pipecat would not have taken yet: it released them all the same.
        for branch in 0..<branches {
            guard
                let index = queues[record.direction]?[branch].firstIndex(where: { $0.isFrame(of: record) && !$0.isSync }
                ),
                var arrival = queues[record.direction]?[branch].remove(at: index)
            else { continue }
            letGo(arrival)
            if arrival.telling == .untold { arrival.telling = tell(arrival, isLate: true, &narrator) }
            if case .told(open?.number, let output, _) = arrival.telling { return own(output) }
            return StageFollower.origin(arrival)
        }
        return Origin()
    }

    private static func origin(_ arrival: Arrival) -> Origin {
        guard case .told(let batch, _, let sequence) = arrival.telling else { return Origin(arrival: arrival) }
        return Origin(arrival: arrival, sequence: sequence, origin: .earlier(batch))
    }

    private mutating func own(_ index: Int) -> Origin {
        guard let output = open?.outputs[index] else { return Origin() }
        open?.settle(index, as: .released)
        dropFromQueue(output.arrival)
        let stale = output.arrival.staleFrom
        let origin: ReleaseSighting.Origin = stale > 0 ? .interrupted(stale) : output.isLate ? .late : .own
        return Origin(arrival: output.arrival, output: index, sequence: output.sequence, origin: origin)
    }

    /// Takes an output of the other direction, which still waits in its queue, out of it.
    private mutating func dropFromQueue(_ arrival: Arrival) {
        guard arrival.direction != open?.direction,
            let index = queues[arrival.direction]?[arrival.branch].firstIndex(where: { $0.order == arrival.order })
        else { return }
        queues[arrival.direction]?[arrival.branch].remove(at: index)
        letGo(arrival)
    }

    /// The output of the open batch that a record releases: among copies of one frame the first in the stage's order.
    private func outputIndex(_ record: FrameRecord) -> Int? {
        let pending = pending(record.key, record.direction).filter { open?.outputs[$0].arrival.name == record.name }
        guard order.order == .pipeline else { return pending.first }
        return pending.min { branch($0) < branch($1) }
    }

    private func pending(_ key: FrameKey, _ direction: FrameDirection) -> [Int] {
        open?.outputs(of: key, direction).filter { open?.outputs[$0].state == .pending } ?? []
    }

    private func branch(_ output: Int) -> Int { open?.outputs[output].arrival.branch ?? 0 }

    /// The other outputs of the same id: Pipecat leaves them out. Marks them so.
    private mutating func duplicates(of found: Origin) -> [OpenBatch.Output] {
        guard found.output != nil, let arrival = found.arrival else { return [] }
        return pending(arrival.key, arrival.direction).compactMap { index in
            open?.settle(index, as: .duplicate)
            let output = open?.outputs[index]
            if let output { dropFromQueue(output.arrival) }
            return output
        }
    }

    /// Whether nothing is left that Pipecat may release yet.
    private var endsWithThis: Bool {
        guard open?.isHeadless == false, open?.allSynced == true, hasNothingToRelease else { return false }
        return open?.isEnd == false || open?.hasReleasedEnd == true
    }
}
