internal import PipelineEngine

/// Stands in for the processors of a recorded branch: takes each frame and holds it until it is told to give its SyncFrame
/// back. What the branch put out is pushed through its `link` by `StageRerun`, at the recorded moment.
///
/// It does not stop when it is interrupted: the recording says when the branch gave its SyncFrame back.
///
/// `@unchecked Sendable`: confined to its session's executor, where processors and `StageRerun` run.
final class RecordedBranch: FrameProcessor, @unchecked Sendable {
    let link: ProcessorLink
    private var waiting: [Int64: CheckedContinuation<Void, Never>] = [:]
    /// Frames given back before they came here.
    private var givenBack: Set<Int64> = []
    private var isOver = false

    init(name: String?) { link = ProcessorLink(name: name) }

    func process(_ frame: any Frame, direction: FrameDirection) async {
        guard frame.type.frameClass.isSynchronized else { return await push(frame, direction) }
        if isOver || givenBack.remove(frame.id) != nil { return }
        await withCheckedContinuation { waiting[frame.id] = $0 }
    }

    /// Lets the SyncFrame behind the frame of this id pass.
    func giveBack(_ id: Int64) {
        if let waiting = waiting.removeValue(forKey: id) { waiting.resume() } else { givenBack.insert(id) }
    }

    /// Forgets what was given back and never came: the frame was dropped before it got here.
    func forgetUntaken() { givenBack.removeAll() }

    /// Lets everything pass, now and later.
    func end() {
        isOver = true
        for waiting in waiting.values { waiting.resume() }
        waiting.removeAll()
    }
}
