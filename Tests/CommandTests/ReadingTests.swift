import Testing

@Suite("Commands that read the history")
struct ReadingTests {
    /// A history with one recorded session, the same every time but for uuid and start.
    private func recorded(order: String? = nil) async throws -> Workbench {
        let bench = try Workbench()
        try await record(in: bench, order: order)
        return bench
    }

    private func record(in bench: Workbench, order: String? = nil, frames: String? = nil) async throws {
        let outcome = try await bench.run(
            Workbench.program,
            [
                "record", "--pipeline", Workbench.sample("ordering/pipeline.yaml"), "--input",
                frames ?? Workbench.sample("ordering/frames.jsonl"), "--virtual-clock",
            ] + (order.map { ["--order", $0] } ?? []))
        #expect(outcome.code == 0, "\(outcome.errors)")
    }

    @Test("sessions lists the history")
    func sessions() async throws {
        let bench = try await recorded()
        try await record(in: bench, order: "pipeline")
        let outcome = try await bench.lockstep("sessions")
        #expect(outcome.code == 0 && outcome.errors == "")
        try expectGolden("sessions", outcome.output, in: bench)
        let json = try await bench.lockstep("sessions", "--json")
        try expectGolden("sessions-json", json.output, in: bench)
    }

    @Test("show says what a session ran and how its branches did")
    func show() async throws {
        let bench = try await recorded()
        let outcome = try await bench.lockstep("show", "last")
        #expect(outcome.code == 0 && outcome.errors == "")
        try expectGolden("show", outcome.output, in: bench)
        for reference in ["1", "ordering"] {
            #expect(try await bench.lockstep("show", reference).output == outcome.output)
        }
        let uuid = try await bench.sqlite("SELECT uuid FROM sessions")
        #expect(try await bench.lockstep("show", String(uuid.prefix(9))).output == outcome.output)
        try expectGolden("show-json", try await bench.lockstep("show", "last", "--json").output, in: bench)
    }

    @Test("show --batch draws a batch in time")
    func timeline() async throws {
        let bench = try await recorded()
        try expectGolden("show-batch", try await bench.lockstep("show", "last", "--batch", "2").output, in: bench)
        let narrow = try await bench.lockstep("show", "last", "--batch", "2", environment: ["COLUMNS": "60"])
        try expectGolden("show-batch-narrow", narrow.output, in: bench)
        let missing = try await bench.lockstep("show", "last", "--batch", "99")
        #expect(missing.code == 2 && missing.errors.contains("has no batch 99"))
        let stage = try await bench.lockstep("show", "last", "--stage", "4")
        #expect(stage.code == 2 && stage.errors.contains("has no stage 4"))
    }

    @Test("diff of one session: ARRIVAL against PIPELINE, the same whichever was recorded")
    func diffOfOrders() async throws {
        let bench = try await recorded()
        let outcome = try await bench.lockstep("diff", "last")
        #expect(outcome.code == 1)
        try expectGolden("diff-orders", outcome.output, in: bench)
        let coloured = try await bench.lockstep("diff", "last", "--batch", "1", "--color", "always")
        try expectGolden("diff-orders-colour", coloured.output.replacing("\u{1b}", with: "␛"), in: bench)
        try expectGolden("diff-orders-json", try await bench.lockstep("diff", "last", "--json").output, in: bench)
        let summary = try await bench.lockstep("diff", "last", "--summary")
        #expect(summary.code == 1 && summary.output == "5 batches compared: 4 differ · 4 frames move · 11 inversions\n")
        let differing = try await bench.sqlite("SELECT count(DISTINCT batch) FROM order_diff")
        #expect(differing == "4")
        try await record(in: bench, order: "pipeline")
        let other = try await bench.lockstep("diff", "last")
        #expect(other.code == 1)
    }

    @Test("diff of two sessions: their releases, aligned by batch")
    func diffOfSessions() async throws {
        let bench = try await recorded()
        try await record(in: bench, order: "pipeline")
        let outcome = try await bench.lockstep("diff", "1", "2")
        #expect(outcome.code == 1)
        try expectGolden("diff-sessions", outcome.output, in: bench)
        try bench.write(
            #"{"type": "TextFrame", "text": "Dentist at ten"}"# + "\n"
                + #"{"type": "TextFrame", "text": "Lunch with Ana"}"#
                + "\n", to: "other.jsonl")
        try await record(in: bench, frames: "other.jsonl")
        let other = try await bench.lockstep("diff", "1", "3")
        #expect(other.code == 1)
        try expectGolden("diff-sessions-frames", other.output, in: bench)
        try await record(in: bench)
        let same = try await bench.lockstep("diff", "1", "4")
        #expect(same.code == 0 && same.output == "5 batches compared: all the same\n")
    }

    @Test("Long runs of frames that are alike are folded, unless all are asked for")
    func folding() async throws {
        let bench = try Workbench()
        let frames = (0..<20).map { "{ type: TTSAudioRawFrame, text: '{text} \($0)' }" }.joined(separator: ", ")
        try bench.write(
            """
            pipeline:
              - sync_parallel:
                  branches:
                    - { name: picture, processors: [ { delay: { ms: 5 } } ] }
                    - { name: speech, processors: [ { emit: { on: TextFrame, frames: [ \(frames) ] } } ] }
            """, to: "p.yaml")
        try bench.write(#"{"type": "TextFrame", "text": "word"}"# + "\n", to: "in.jsonl")
        let recorded = try await bench.lockstep(
            "record", "--pipeline", "p.yaml", "--input", "in.jsonl", "--virtual-clock")
        #expect(recorded.code == 0)
        try expectGolden("diff-folded", try await bench.lockstep("diff", "last").output, in: bench)
        try expectGolden(
            "show-batch-folded", try await bench.lockstep("show", "last", "--batch", "1").output, in: bench)
        let all = try await bench.lockstep("diff", "last", "--all")
        #expect(all.output.contains("word 9") && !all.output.contains("more"))
        let timeline = try await bench.lockstep("show", "last", "--batch", "1", "--all")
        #expect(timeline.output.contains("word 9") && !timeline.output.contains("more"))
    }

    @Test("replay: the recorded order comes back frame for frame, the other one differs where diff says")
    func replay() async throws {
        let bench = try await recorded()
        let outcome = try await bench.lockstep("replay", "last")
        #expect(outcome.code == 0, "\(outcome.output) \(outcome.errors)")
        try expectGolden("replay", outcome.output, in: bench)
        #expect(
            try await bench.sqlite("SELECT frame_order, verdict, differing_batches FROM replays ORDER BY replay")
                == "recorded|same|0\npipeline|different|4")
        for order in ["recorded", "pipeline"] {
            let rows = "stage, batch, direction, position, branch, frame_id, frame_name, frame_type"
            let sql = "SELECT \(rows) FROM release_order WHERE frame_order = '\(order)' ORDER BY 1, 2, 3, 4"
            let rerun =
                "SELECT \(rows) FROM replay_order JOIN replays USING (replay) WHERE frame_order = '\(order)' ORDER BY 1, 2, 3, 4"
            #expect(try await bench.sqlite(sql) == bench.sqlite(rerun), "\(order)")
        }
        let both = try await bench.lockstep("replay", "last", "--order", "both", "--json")
        #expect(both.code == 0)
        try expectGolden("replay-json", both.output, in: bench)
    }

    @Test("A history that was changed does not come back: expected against actual, and exit code 1")
    func replayOfChangedHistory() async throws {
        let bench = try await recorded()
        // Swap the positions of the first two releases of the second batch, behind lockstep's back.
        _ = try await bench.sqlite(
            "UPDATE event SET place = 1 - place WHERE code & 15 = 4 AND batch = 2 AND place < 2")
        let outcome = try await bench.lockstep("replay", "last")
        #expect(outcome.code == 1)
        #expect(outcome.output.contains("does not come back, first in batch 2 of stage 0, position"))
        #expect(outcome.output.contains("expected") && outcome.output.contains("actual"))
        #expect(try await bench.sqlite("SELECT verdict FROM replays WHERE frame_order = 'recorded'") == "different")
    }

    @Test("replay --output plays what was released, at any rate and from any offset")
    func play() async throws {
        let bench = try Workbench()
        let live = try await bench.lockstep(
            "record", "--pipeline", Workbench.sample("ordering/pipeline.yaml"), "--input",
            Workbench.sample("ordering/frames.jsonl"), "--virtual-clock", "--output", "-")
        let played = try await bench.lockstep("replay", "last", "--output", "-", "--rate", "max")
        #expect(played.code == 0)
        func released(_ text: String) -> [Substring] {
            text.split(separator: "\n").filter { $0.contains("\"batch\": ") && !$0.contains("\"batch\": null") }
        }
        #expect(released(played.output) == released(live.output))
        let late = try await bench.lockstep("replay", "last", "--output", "-", "--rate", "50", "--start-offset", "0.2")
        #expect(late.code == 0)
        #expect(
            released(late.output)
                == released(live.output).filter {
                    $0.contains("bank") || $0.contains("Train") || $0.contains("EndFrame")
                })
        let other = try await bench.lockstep("replay", "last", "--output", "-", "--order", "pipeline")
        #expect(other.code == 0 && released(other.output) != released(live.output))
        #expect(try await bench.sqlite("SELECT count(*) FROM replays") == "0")
    }

    @Test("check: nothing on a healthy session, and exit code 0")
    func check() async throws {
        let bench = try await recorded()
        let outcome = try await bench.lockstep("check")
        #expect(outcome.code == 0 && outcome.output == "" && outcome.errors == "nothing found in 1 session\n")
        let json = try await bench.lockstep("check", "last", "--json")
        #expect(json.code == 0 && json.output == "")
    }

    @Test(
        "A session that does not exist is exit code 2 everywhere, and names what was asked for",
        arguments: [
            ["show", "nobody"], ["diff", "nobody"], ["diff", "last", "nobody"], ["replay", "nobody"],
            ["check", "nobody"],
            ["export", "nobody", "--format", "jsonl"], ["delete", "nobody"], ["show", "123456789"],
        ])
    func noSession(arguments: [String]) async throws {
        let bench = try await recorded()
        let outcome = try await bench.run(Workbench.program, arguments)
        #expect(outcome.code == 2 && outcome.output == "")
        #expect(outcome.errors.contains(arguments[1] == "123456789" ? "123456789" : "nobody"), "\(outcome.errors)")
    }

    @Test(
        "A history that does not exist is exit code 2, and reading does not create it",
        arguments: [
            ["sessions"], ["show", "last"], ["diff", "last"], ["replay", "last"], ["check"],
            ["export", "last", "--format", "jsonl"], ["delete", "last"], ["prune", "--keep", "1"],
        ])
    func noHistory(arguments: [String]) async throws {
        let bench = try Workbench()
        let outcome = try await bench.run(Workbench.program, arguments)
        #expect(outcome.code == 2 && outcome.output == "")
        #expect(outcome.errors.contains("lockstep.sqlite"), "\(outcome.errors)")
        #expect(!bench.exists("lockstep.sqlite"))
    }

    @Test("Reading commands leave the file as it is, byte for byte")
    func readingChangesNothing() async throws {
        let bench = try await recorded()
        let before = try await bench.run("/bin/sh", ["-c", "cksum lockstep.sqlite; ls"])
        for arguments in [
            ["sessions"], ["show", "last"], ["diff", "last"], ["check"], ["export", "last", "--format", "jsonl"],
        ] {
            _ = try await bench.run(Workbench.program, arguments)
        }
        #expect(try await bench.run("/bin/sh", ["-c", "cksum lockstep.sqlite; ls"]).output == before.output)
    }

    @Test("Colour follows --color, a terminal and NO_COLOR")
    func colour() async throws {
        let bench = try await recorded()
        #expect(try await bench.lockstep("sessions").output.contains("\u{1b}") == false)
        #expect(try await bench.lockstep("sessions", "--color", "always").output.contains("\u{1b}[32mcomplete"))
        let terminal = try await bench.run(
            "/usr/bin/script", ["-qec", "'\(Workbench.program)' sessions", "/dev/null"])
        #expect(terminal.output.contains("\u{1b}[32mcomplete"))
        let plain = try await bench.run(
            "/usr/bin/script", ["-qec", "'\(Workbench.program)' sessions", "/dev/null"], environment: ["NO_COLOR": "1"])
        #expect(!plain.output.contains("\u{1b}[32m"))
    }
}
