import PipelineEngine
import Testing

@testable import Replay

@Suite("Comparing releases of a batch")
struct BatchComparisonTests {
    /// Rows as a person would note them: `=a` same, `a>2` moved away, `>a<0` moved here, `-a`, `+a`, `~` other content.
    private func notes(_ comparison: BatchComparison) -> [String] {
        comparison.sections.flatMap { section in
            section.rows.map { row in
                let mark =
                    switch row.mark {
                    case .same: "=\(row.left?.frame.text ?? "?")"
                    case .moved where row.left != nil: "\(row.left?.frame.text ?? "?")>\(row.otherPosition ?? -1)"
                    case .moved: ">\(row.right?.frame.text ?? "?")<\(row.otherPosition ?? -1)"
                    case .missing: "-\(row.left?.frame.text ?? "?")"
                    case .extra: "+\(row.right?.frame.text ?? "?")"
                    }
                return mark + (row.hasOtherContent ? "~" : "")
            }
        }
    }

    @Test("C4: an image that arrives last moves to the front under PIPELINE")
    func ordersOfCalendarBatch() {
        var builder = BatchBuilder()
        builder.output(1, "audio 0", id: 11)
        builder.output(1, "audio 1", id: 12)
        builder.output(0, "image", id: 10)
        let comparison = BatchComparison(ordersOf: builder.released())
        #expect(notes(comparison) == [">image<2", "=audio 0", "=audio 1", "image>0"])
        #expect(comparison.differs)
        #expect(comparison.sections[0].inversions == 2)
        #expect(comparison.sections[0].moved == 1)
    }

    @Test("C4: upstream and downstream are compared each for itself")
    func directions() {
        var builder = BatchBuilder()
        builder.output(1, "up 1", id: 11, .upstream)
        builder.output(0, "down", id: 12)
        builder.output(0, "up 0", id: 10, .upstream)
        let comparison = BatchComparison(ordersOf: builder.released())
        #expect(comparison.sections.map(\.direction) == [.upstream, .downstream])
        #expect(notes(comparison) == ["up 1>1", "=up 0", ">up 1<0", "=down"])
    }

    @Test("C4: a frame that several branches pass on is one frame, and no difference")
    func duplicates() {
        var builder = BatchBuilder()
        builder.output(1, "in", id: 1)
        builder.output(0, "in", id: 1)
        let comparison = BatchComparison(ordersOf: builder.released())
        #expect(notes(comparison) == ["=in"])
        #expect(!comparison.differs)
    }

    @Test("C16: which of two frames of one id wins is a difference in content")
    func collision() {
        var builder = BatchBuilder()
        builder.output(1, "from 1", id: 5)
        builder.output(0, "from 0", id: 5)
        let comparison = BatchComparison(ordersOf: builder.released())
        #expect(notes(comparison) == ["=from 1~"])
        #expect(comparison.differs)
    }

    @Test("C16: a collision is seen without the content of the frames")
    func collisionWithoutContent() {
        func bare(_ id: Int64) -> any Frame {
            GenericFrame(FrameType.known("TextFrame") ?? .dataFrame, header: FrameHeader(id: id))
        }
        var builder = BatchBuilder()
        builder.output(1, bare(5))
        builder.output(0, bare(5))
        var batch = builder.released()
        #expect(!BatchComparison(ordersOf: batch).differs)
        batch.add(
            SessionEvent(
                sequence: 3000, time: 0, kind: .anomaly, stage: 0, batch: 1, branch: 0,
                subject: batch.outputs[1].sequence))
        #expect(BatchComparison(ordersOf: batch).differs)
    }

    @Test("C10: what was dropped is in neither order")
    func droppedOutputs() {
        var builder = BatchBuilder()
        builder.output(0, "a", id: 10)
        builder.output(1, "b", id: 11)
        var batch = builder.open()
        batch.add(
            SessionEvent(
                sequence: 2000, time: 0, kind: .drop, stage: 0, batch: 1, branch: 0, subject: batch.outputs[0].sequence)
        )
        #expect(batch.release(in: .pipeline).map(\.frame.text) == ["b"])
    }

    @Test("C9: an EndFrame comes last in either order, even if a branch swallowed it")
    func endFrame() {
        var end = EndFrame()
        end.header = FrameHeader(id: 1)
        var builder = BatchBuilder(1, inbound: end)
        builder.output(1, end)
        builder.output(1, "flushed 1", id: 11)
        builder.output(0, "flushed 0", id: 10)
        let batch = builder.released()
        #expect(batch.release(in: .arrival).map(\.frame.id) == [11, 10, 1])
        #expect(batch.release(in: .pipeline).map(\.frame.id) == [10, 11, 1])
        #expect(BatchBuilder(1, inbound: end).released().release(in: .pipeline).map(\.frame.id) == [1])
    }

    @Test("Two sessions: ids do not matter, content does")
    func sessionsWithOtherIDs() {
        var left = BatchBuilder()
        left.output(0, "a", id: 10)
        left.output(1, "b", id: 11)
        var right = BatchBuilder()
        right.output(1, "b", id: 71)
        right.output(0, "a", id: 70)
        let comparison = BatchComparison(left.released(), right.released())
        #expect(notes(comparison) == ["a>1", "=b", ">a<0"])
    }

    @Test("Two sessions: equal frames correspond within their branch, in order")
    func equalFrames() {
        var left = BatchBuilder()
        left.output(0, "silence", id: 10)
        left.output(1, "silence", id: 11)
        left.output(1, "silence", id: 12)
        var right = BatchBuilder()
        right.output(1, "silence", id: 71)
        right.output(1, "silence", id: 72)
        right.output(0, "silence", id: 70)
        let comparison = BatchComparison(left.released(), right.released())
        #expect(notes(comparison) == ["silence>2", "=silence", "=silence", ">silence<0"])
    }

    @Test("Two sessions: the same slot with other content is the same frame, changed")
    func changedContent() {
        var left = BatchBuilder()
        left.output(0, "take 1", id: 10)
        left.output(1, "same", id: 11)
        var right = BatchBuilder()
        right.output(0, "take 2", id: 70)
        right.output(1, "same", id: 71)
        let comparison = BatchComparison(left.released(), right.released())
        #expect(notes(comparison) == ["=take 1~", "=same"])
        #expect(comparison.differs)
    }

    @Test("Two sessions: the same content from another branch is the same frame")
    func otherBranch() {
        var left = BatchBuilder()
        left.output(0, "a", id: 10)
        var right = BatchBuilder()
        right.output(1, "a", id: 70)
        #expect(notes(BatchComparison(left.released(), right.released())) == ["=a"])
    }

    @Test("Two sessions: missing and extra frames, and a different inbound frame")
    func missingAndExtra() {
        var left = BatchBuilder(1, inbound: BatchBuilder.text("hello", id: 1))
        left.output(0, "a", id: 10)
        left.output(0, "b", id: 11)
        left.output(0, "c", id: 12)
        var right = BatchBuilder(1, inbound: BatchBuilder.text("bye", id: 1))
        right.output(0, "a", id: 70)
        right.output(0, "c", id: 71)
        right.output(2, "d", id: 72)
        let comparison = BatchComparison(left.released(), right.released())
        #expect(notes(comparison) == ["=a", "-b", "=c", "+d"])
        #expect(comparison.inboundDiffers)
    }
}
