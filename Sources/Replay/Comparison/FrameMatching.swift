internal import PipelineEngine

/// Which frame of one release corresponds to which of another.
///
/// Within a session frames are known by their id. Two sessions give the same frame different ids, so there
/// 1. frames of the same content from the same branch correspond, the first to the first and so on: equal pieces of
///    silence do not count as moved;
/// 2. what is left corresponds by content alone, from whichever branch;
/// 3. what is left then corresponds by type, branch and emission and counts as changed: a voice that is synthesized anew
///    differs in its bytes, and is still the same answer.
///
/// Content is type, text, payload and fields; presentation time and metadata do not count, since they carry the time of
/// the run.
struct FrameMatching {
    /// For each frame on the left the index of its counterpart on the right.
    private(set) var partners: [Int?]
    /// Those on the left whose counterpart has other content.
    private(set) var changed: Set<Int> = []

    init(byID left: [PlacedFrame], _ right: [PlacedFrame]) {
        var places = Dictionary(right.indices.map { (right[$0].frame.id, $0) }) { first, _ in first }
        // Taken out as they are used: a damaged recording may have an id twice.
        partners = left.map { places.removeValue(forKey: $0.frame.id) }
        for (index, partner) in partners.enumerated() {
            guard let partner else { continue }
            if !left[index].frame.hasSameContent(as: right[partner].frame) { changed.insert(index) }
        }
    }

    init(byContent left: [PlacedFrame], _ right: [PlacedFrame]) {
        partners = Array(repeating: nil, count: left.count)
        let leftContent = left.map { FrameSubstance($0.frame) }
        let rightContent = right.map { FrameSubstance($0.frame) }
        var isTaken = Array(repeating: false, count: right.count)

        func pair<Key: Hashable>(_ leftKey: (Int) -> Key, _ rightKey: (Int) -> Key) -> [Int] {
            var waiting: [Key: [Int]] = [:]
            for index in right.indices.reversed() where !isTaken[index] {
                waiting[rightKey(index), default: []].append(index)
            }
            guard !waiting.isEmpty else { return [] }
            var paired: [Int] = []
            for index in left.indices where partners[index] == nil {
                guard let partner = waiting[leftKey(index)]?.popLast() else { continue }
                partners[index] = partner
                isTaken[partner] = true
                paired.append(index)
            }
            return paired
        }
        _ = pair({ OfBranch(left[$0], leftContent[$0]) }, { OfBranch(right[$0], rightContent[$0]) })
        _ = pair({ leftContent[$0] }, { rightContent[$0] })
        changed = Set(
            pair(
                { OfBranch(left[$0], Slot(left[$0])) }, { OfBranch(right[$0], Slot(right[$0])) }))
    }

    private struct OfBranch<Value: Hashable>: Hashable {
        let branch: Int
        let value: Value

        init(_ released: PlacedFrame, _ value: Value) {
            branch = released.branch
            self.value = value
        }
    }

    private struct Slot: Hashable {
        let type: String
        let emission: Int

        init(_ released: PlacedFrame) {
            type = released.frame.type.name
            emission = released.emission
        }
    }
}

/// What a frame says, apart from which frame it is and when it is due: equal in two runs of the same pipeline.
struct FrameSubstance: Hashable {
    let type: String
    let text: String?
    let payload: FramePayload?
    let fields: FrameFields
    let omission: ContentOmission?

    init(_ frame: any Frame) {
        type = frame.type.name
        text = frame.text
        payload = frame.payload
        fields = frame.fields
        omission = frame.omission
    }
}

extension Frame {
    func hasSameSubstance(as other: any Frame) -> Bool { FrameSubstance(self) == FrameSubstance(other) }
}
