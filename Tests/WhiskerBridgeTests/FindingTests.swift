import Foundation
import PipelineEngine
import Testing

@testable import WhiskerBridge

/// The findings of real bots, healthy and defective.
@Suite struct FindingTests {
    @Test(arguments: [
        "calendar-arrival", "calendar-pipeline", "in-parallel", "late-start", "two-stages", "audio", "nested",
        "own-types", "two-branches", "two-branches-pipeline", "workers",
    ])
    func aHealthyRecordingHasNone(_ name: String) throws {
        #expect(try Interpreted(Recording.named(name).bytes).findingLines == [])
    }

    @Test(arguments: [
        ("endframe-lost", ["end-frame-lost s0 b2 EndFrame#0"]),
        (
            "interruption",
            [
                "stale-output s0 b2 branch 1 LLMTextFrame#0",
                "system-frame-duplicated s0 b2 branch 0 InterruptionFrame#0",
            ]
        ),
        ("stuck-barrier", ["sync-missing s0 b1 branch 1 TextFrame#12"]),
        (
            "system-frames",
            [
                "system-frame-duplicated s0 b2 branch 0 UserStartedSpeakingFrame#0",
                "system-frame-duplicated s0 b2 branch 0 InputAudioRawFrame#0",
                "system-frame-duplicated s0 b3 branch 1 InputAudioRawFrame#0",
            ]
        ),
        (
            "upstream",
            [
                "upstream-held s0 b1 branch 0 TranscriptionFrame#0",
                "upstream-held s0 b2 branch 0 TranscriptionFrame#1",
            ]
        ),
        ("row-1", ["system-frame-duplicated s0 b1 branch 0 UserStartedSpeakingFrame#0"]),
        ("row-1-own", ["system-frame-duplicated s0 b2 branch 0 Own#0"]),
        (
            "row-2",
            [
                "system-frame-duplicated s0 b2 branch 0 UserStartedSpeakingFrame#0",
                "end-frame-lost s0 b2 EndFrame#0",
            ]
        ),
        ("row-2-flush", ["end-frame-lost s0 b2 EndFrame#0"]),
        ("row-3", ["output-after-end s0 b2 branch 1 TextFrame#1"]),
        ("row-4", ["sync-missing s0 b2 branch 0 EndFrame#0"]),
        (
            "row-5",
            [
                "upstream-held s0 b2 branch 0 TranscriptionFrame#0",
                "upstream-held s0 b4 branch 0 TranscriptionFrame#1",
            ]
        ),
        (
            "row-5-lost",
            [
                "upstream-held s0 b1 branch 0 TranscriptionFrame#0",
                "upstream-held s0 b2 branch 0 TranscriptionFrame#1",
            ]
        ),
        (
            "row-6",
            [
                "late-output s0 b3 branch 0 TranscriptionFrame#0", "late-output s0 b5 branch 0 TranscriptionFrame#1",
            ]
        ),
        ("row-7", ["sync-missing s0 b1 branch 1 TextFrame#0"]),
        ("row-8", ["batch-misaligned s0 b2 branch 0 ?", "sync-frame-leaked s0 b5 branch 0 SyncFrame#7"]),
        (
            "row-9",
            [
                "stale-output s0 b2 branch 1 LLMTextFrame#0",
                "system-frame-duplicated s0 b2 branch 0 InterruptionFrame#0",
            ]
        ),
        (
            "row-10",
            [
                "batch-misaligned s0 b2 branch 0 ?", "stale-output s0 b2 branch 1 LLMTextFrame#0",
                "system-frame-duplicated s0 b2 branch 1 InterruptionFrame#0",
                "system-frame-duplicated s0 b3 branch 0 InterruptionFrame#0",
                "sync-frame-leaked s0 b4 branch 0 SyncFrame#4",
            ]
        ),
        ("row-11", ["sync-missing s0 b1 branch 0 Sticky#0"]),
        (
            "row-12",
            ["sync-missing s0 b1 branch 0 TextFrame#0", "upstream-held s0 b1 branch 0 InterruptionFrame#1"]
        ),
        ("row-13", ["stale-output s0 b2 branch 1 LLMTextFrame#0"]),
        (
            "row-14",
            ["upstream-held s0 b1 branch 0 ErrorFrame#0", "upstream-held s0 b2 branch 0 ErrorFrame#1"]
        ),
        (
            "row-15",
            [
                "batch-misaligned s1 b2 branch 0 ?", "batch-misaligned s1 b2 branch 1 ?",
                "sync-missing s0 b1 branch 0 TextFrame#0",
            ]
        ),
        ("row-16", ["late-output s0 b2 branch 0 LLMTextFrame#1", "late-output s0 b3 branch 0 LLMTextFrame#3"]),
        ("row-17", ["late-output s0 b2 branch 0 LLMTextFrame#1", "late-output s0 b3 branch 0 LLMTextFrame#3"]),
        (
            "row-18",
            ["start-frame-anomaly s0 b0 branch 0 LLMTextFrame#0", "start-frame-anomaly s0 b1 branch 0 StartFrame#0"]
        ),
        (
            "row-19",
            [
                "late-output s0 b2 branch 1 LLMTextFrame#1", "late-output s0 b2 branch 0 LLMTextFrame#2",
                "arrival-order-broken s0 b2 LLMTextFrame#2", "late-output s0 b3 branch 1 LLMTextFrame#4",
                "late-output s0 b3 branch 0 LLMTextFrame#5", "arrival-order-broken s0 b3 LLMTextFrame#5",
            ]
        ),
        (
            "row-20",
            ["system-frame-held s0 b1 branch 0 MetricsFrame#0", "system-frame-held s0 b2 branch 0 MetricsFrame#1"]
        ),
        ("row-21", ["id-collision s0 b1 branch 1 TextFrame#0", "id-collision s0 b2 branch 1 TextFrame#1"]),
        ("row-22", ["sync-missing s0 b1 branch 0 TextFrame#0"]),
    ])
    func aDefectIsFound(_ name: String, _ lines: [String]) throws {
        let session = try Interpreted(Recording.named(name).bytes)
        #expect(session.findingLines == lines)
        for finding in session.defects {
            #expect(finding.severity != .note)
            #expect(finding.sequence > 0)
            #expect(finding.detail.contains("; "), "says what to do: \(finding.detail)")
            if let link = finding.kind.link { #expect(finding.detail.contains(link)) }
        }
    }

    @Test(arguments: [
        ("stuck-barrier", "Swallow#0"), ("row-4", "Swallow#0"), ("row-7", "Swallow#0"), ("row-11", "Pass#0"),
        ("row-12", "Interrupt#0"), ("row-15", "SyncParallelPipeline#0"), ("row-22", "WaitForRelease#0"),
    ])
    func aMissingSyncNamesWhoHadItLast(_ name: String, _ processor: String) throws {
        let findings = try Interpreted(Recording.named(name).bytes).defects
        let missing = try #require(findings.first { $0.kind == .syncMissing })
        #expect(missing.detail.contains(": \(processor) was the last to have it"), "\(missing.detail)")
    }

    @Test func audioThatWhiskerLeavesOutIsSaidOnce() throws {
        let session = try Interpreted(Recording.audioLeftOut.bytes)
        #expect(session.defects.map(\.kind) == [.recordingIncomplete])
        #expect(session.defects[0].detail.contains("exclude_frames=()"))
        #expect(session.summary?.batchesWithoutHead == 2)
    }

    @Test func aBotThatStopsMidBatchIsSaidSo() throws {
        let records = try Recording.named("two-branches").records
        // Up to the first output: neither branch has given its SyncFrame back.
        let end = try #require(records.firstIndex { String(decoding: $0, as: UTF8.self).contains("LLMTextFrame#0") })
        let session = try Interpreted(records[..<end].flatMap { $0 })
        #expect(session.findingLines == ["recording-incomplete s0 b1 TextFrame#0"])
        #expect(session.defects[0].severity == .note)
        #expect(session.defects[0].detail.contains("the SyncFrame of branch 1 (Emit#1) at Emit#1"))
        #expect(session.summary?.openBatches == 1)
    }

    @Test func tooManyOfAKindAreCounted() throws {
        var limits = WhiskerLimits()
        limits.findingsPerKind = 1
        let session = try Interpreted(Recording.named("system-frames").bytes, limits: limits)
        #expect(session.defects.map(\.kind) == [.systemFrameDuplicated, .systemFrameDuplicated])
        #expect(session.defects[1].detail == "the same was seen 2 times more; the first 1 are listed")
        #expect(session.summary?.findings == 3)
    }
}

/// docs/FINDINGS.md
@Suite struct FindingsPageTests {
    @Test(arguments: Finding.Kind.allCases)
    func everyKindIsOnThePage(_ kind: Finding.Kind) throws {
        // A processor that throws is an event of its own, no finding.
        if kind == .error { return }
        let repository = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let page = try String(contentsOf: repository.appending(path: "docs/FINDINGS.md"), encoding: .utf8)
        let row = try #require(page.split(separator: "\n").first { $0.hasPrefix("| `\(kind.rawValue)` |") })
        if let link = kind.link { #expect(row.contains(link)) }
    }
}
