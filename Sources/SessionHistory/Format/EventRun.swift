/// The events that one row of the log stands for: frames that a branch gives out in a burst, and their releases.
///
/// They differ by one from each other in id, sequence, place, arrival, subject and frame, each as far as they have it, and in
/// nothing else but their times, and the last may have an outcome.
struct EventRun {
    /// What of an event is in its row; 0 or, for `place` and `arrival`, -1 where there is none.
    struct Entry {
        var id: Int64
        var time: Int64
        var code: EventCode
        var batch: Int64
        var place: Int64
        var arrival: Int64
        /// The id of an event.
        var subject: Int64
        var frame: Int64
        var sequence: Int64 = 0
        /// How many bytes of its frame were stored with it; 0 if the frame was there before.
        var content = 0
    }

    private(set) var last: Entry
    /// The row's code.
    private(set) var code: EventCode
    private var further: Int64 = 0

    /// A run that nothing continues.
    init() {
        let nothing = EventCode(rawValue: 0)
        self.init(Entry(id: -1, time: 0, code: nothing, batch: 0, place: -1, arrival: -1, subject: 0, frame: 0))
    }

    @inline(__always)
    init(_ first: Entry) {
        last = first
        code = first.code
    }

    /// Whether the next event of the session, whose sequence follows, can be in the same row.
    @inline(__always)
    func isContinued(by next: Entry) -> Bool {
        // Few events get further than this, so that the rest costs nothing.
        next.place == last.place &+ 1 && last.place >= 0 && next.id == last.id &+ 1
            && next.batch == last.batch && next.code.withoutOutcome == last.code && further < EventCode.maxFurther
            && (last.arrival < 0 ? next.arrival < 0 : next.arrival == last.arrival &+ 1)
            && (last.subject == 0 ? next.subject == 0 : next.subject == last.subject &+ 1)
            && (last.frame == 0 ? next.frame == 0 : next.frame == last.frame &+ 1)
    }

    /// - Precondition: `isContinued(by: next)`.
    @inline(__always)
    mutating func append(_ next: Entry) {
        further += 1
        code = next.code.run(further: further)
        last = next
    }
}
