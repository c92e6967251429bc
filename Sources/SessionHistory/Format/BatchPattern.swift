import PipelineEngine

/// How a batch went, but for its numbers and times: what the next ones that go like it need not say again. Several of them in a
/// row of the log are one row (`event.place` is the pattern's number).
///
/// Of the events, ids and sequences run on; of the batches, numbers do, and so do the rows of the frames that came with them.
struct BatchPattern: Equatable {
    /// One event of the batch.
    struct Event: Equatable {
        /// As in a row of its own.
        var code: EventCode
        /// -1 for none.
        var place: Int64
        var arrival: Int64
        /// How many events before this one is the one that it is about; 0 for none.
        var subject: Int64
        /// Which of the batch's frames it has, from 0; -1 for none.
        var frame: Int64
        /// Which of the batch's times it has, from 0: those that happen at one moment have the same.
        var step: Int64
    }

    /// At least one, at most `maxEvents`.
    var events: [Event]

    /// Of a batch, and of all that are in a row.
    static let maxEvents = Int(EventCode.maxFurther) + 1

    /// How many frames a batch brings: the first with its first event.
    var frames: Int64 { (events.lazy.map(\.frame).max() ?? -1) + 1 }
    /// How many times a batch has.
    var steps: Int64 { (events.last?.step ?? 0) + 1 }

    /// Over all of it.
    var hash: UInt64 {
        events.reduce(0) { hash, event in
            var hash = ContentHash.combine(hash, UInt64(bitPattern: event.code.rawValue))
            hash = ContentHash.combine(hash, UInt64(bitPattern: event.place))
            hash = ContentHash.combine(hash, UInt64(bitPattern: event.arrival))
            hash = ContentHash.combine(hash, UInt64(bitPattern: event.subject))
            hash = ContentHash.combine(hash, UInt64(bitPattern: event.frame))
            return ContentHash.combine(hash, UInt64(bitPattern: event.step))
        }
    }

    // MARK: - JSON

    /// An array of arrays: for each event its numbers.
    var json: String { "[" + events.map { "\($0.numbers)" }.joined(separator: ",") + "]" }

    /// Whether a batch can have gone like this.
    var isWhole: Bool {
        var (frames, step): (Int64, Int64) = (0, 0)
        for (index, event) in events.enumerated() {
            guard event.code.kind != nil, event.code == event.code.alone, event.place >= -1, event.arrival >= -1,
                0...Int64(index) ~= event.subject, -1...frames ~= event.frame,
                event.step == step || event.step == step + 1
            else { return false }
            if event.frame == frames { frames += 1 }
            step = event.step
        }
        // The row's own frame is that of its first event.
        return 1...Self.maxEvents ~= events.count && events[0].step == 0 && events[0].frame == 0
    }
}

extension BatchPattern.Event {
    /// All that it is.
    fileprivate var numbers: [Int64] { [code.rawValue, place, arrival, subject, frame, step] }

    fileprivate init?(_ numbers: [Int64]) {
        guard numbers.count == 6 else { return nil }
        self.init(
            code: EventCode(rawValue: numbers[0]), place: numbers[1], arrival: numbers[2], subject: numbers[3],
            frame: numbers[4], step: numbers[5])
    }
}

extension BatchPattern {
    /// From what `json` is; nil if it is no pattern.
    init?(json: UnsafeRawBufferPointer) {
        guard let array = try? JSONReader.array(json), array.count <= Self.maxEvents else { return nil }
        events = array.compactMap { value in
            guard case .array(let values) = value else { return nil }
            return Event(
                values.compactMap { value in
                    guard case .integer(let number) = value else { return nil }
                    return number
                })
        }
        guard events.count == array.count, isWhole else { return nil }
    }
}
