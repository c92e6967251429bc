import Testing

@testable import PipelineEngine

@Suite struct TimerQueueTests {
    @Test("timers end by deadline, then in the order in which they were set")
    func order() {
        var queue = TimerQueue<String>()
        _ = queue.add(deadline: 20, "late")
        _ = queue.add(deadline: 10, "first")
        let cancelled = queue.add(deadline: 5, "cancelled")
        _ = queue.add(deadline: 10, "second")
        #expect(queue.cancel(cancelled) == "cancelled")
        #expect(queue.cancel(cancelled) == nil)
        #expect(queue.earliest == 10)
        #expect(queue.popDue(at: 9) == nil)
        #expect([queue.popDue(at: 10), queue.popDue(at: 10), queue.popDue(at: 10)] == ["first", "second", nil])
        #expect(queue.popDue(at: 100) == "late")
        #expect(queue.earliest == nil)
    }

    @Test("cancelled timers do not pile up")
    func cancelled() {
        var queue = TimerQueue<Int>()
        for number in 0..<10_000 { _ = queue.cancel(queue.add(deadline: .max, number)) }
        _ = queue.add(deadline: 1, 1)
        #expect(queue.popDue(at: 1) == 1)
    }
}

@Suite struct PassingSystemFramesTests {
    @Test("C7: an id is known while a copy is under way, and a bounded time after")
    func bounded() {
        var passing = PassingSystemFrames()
        let number = passing.add(7, copies: 2)
        passing.passed(number)
        #expect(passing.contains(7))
        for id in Int64(1_000)..<3_000 {
            let other = passing.add(id, copies: 1)
            passing.passed(other)
        }
        #expect(passing.contains(7), "one copy is still under way")
        #expect(!passing.contains(1_000))
        #expect(passing.contains(2_999))
        passing.passed(number)
        #expect(passing.contains(7))
        for id in Int64(3_000)..<3_300 {
            let other = passing.add(id, copies: 1)
            passing.passed(other)
        }
        #expect(!passing.contains(7))
    }
}

@Suite struct FrameTests {
    @Test("a frame type of one's own is a struct; its properties are its fields")
    func ownType() {
        let frame = WeatherFrame(celsius: 21.5, place: nil)
        #expect(frame.type.frameClass == .data)
        #expect(frame.type.isInterruptible)
        #expect(frame.type.isKind(of: .dataFrame))
        #expect(frame.fields == ["celsius": 21.5, "place": .null])
        #expect(frame.name == "WeatherFrame#\(frame.id)")
        #expect(frame.id > 0)
    }

    @Test("copies of a frame have its id; content decides whether two are the same")
    func content() {
        let frame = TextFrame("a")
        var copy = frame
        #expect(copy.id == frame.id)
        #expect(copy.hasSameContent(as: frame))
        copy.content = "b"
        #expect(!copy.hasSameContent(as: frame))
        #expect(TextFrame("a").hasSameContent(as: frame))
        var withTime = frame
        withTime.header.pts = 5
        #expect(!withTime.hasSameContent(as: frame))
        #expect(!GenericFrame(TextFrame.frameType, text: "a").hasSameContent(as: WeatherFrame(celsius: 1)))
    }

    @Test("ids come from the session around, else from above those of all sessions")
    func identity() {
        let identity = FrameIdentity()
        identity.use {
            #expect(TextFrame("a").id == 1)
            #expect(TextFrame("b").id == 2)
        }
        identity.skip(past: 10)
        identity.skip(past: 3)
        #expect(identity.use { TextFrame("c").id } == 11)
        #expect(TextFrame("d").id > 1 << 47)
    }

    @Test("name and metadata are kept apart from each other")
    func header() {
        var header = FrameHeader(id: 3, pts: 9, name: "TextFrame#0", metadata: ["a": 1])
        header.name = "TextFrame#1"
        header.metadata["b"] = "c"
        #expect(header.name == "TextFrame#1")
        #expect(header.metadata == ["b": "c", "a": 1])
    }

    @Test("fields are found by name, whatever their order")
    func fields() {
        var fields: FrameFields = ["a": 1, "b": .array([.bool(true), .null])]
        fields["a"] = nil
        fields["c"] = .object(["d": .bytes([1, 2])])
        #expect(fields.all.map(\.name) == ["b", "c"])
        #expect(fields == ["c": .object(["d": .bytes([1, 2])]), "b": .array([.bool(true), .null])])
        #expect(fields.hashValue == (["c": fields["c"]!, "b": fields["b"]!] as FrameFields).hashValue)
    }
}

@Suite struct FrameTypeTests {
    @Test("C2: Pipecat's 142 types; a type has its base's class unless it says otherwise")
    func catalogue() {
        #expect(FrameType.catalogue.count == 142)
        #expect(FrameType.catalogue.filter { !$0.value.isInterruptible }.count == 19)
        #expect(FrameType.known("TTSTextFrame")!.isKind(of: TextFrame.frameType))
        #expect(FrameType.known("InputAudioRawFrame")!.frameClass == .system)
        #expect(FrameType.known("LLMContextFrame")!.frameClass == .frame)
        #expect(!FrameType.known("EndTaskFrame")!.isInterruptible)
        #expect(FrameType.known("NoSuchFrame") == nil)
    }
}
