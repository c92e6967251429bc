import Foundation
import PipelineEngine
import Testing

@testable import PipelineFiles

@Suite struct PipelineDescriptionTests {
    /// Every program is there but those named `missing…`.
    private func read(_ yaml: String) throws(FileProblems) -> PipelineDescription {
        try PipelineDescription(yaml: Array(yaml.utf8), file: "p.yaml")
    }

    private func problems(_ yaml: String) -> [String] { problems(Array(yaml.utf8)) }

    private func problems(_ yaml: [UInt8]) -> [String] {
        do {
            _ = try PipelineDescription(yaml: yaml, file: "p.yaml")
            return []
        } catch { return error.problems.map(\.description) }
    }

    @Test func readsAWholePipeline() throws {
        let description = try read(
            """
            name: calendar
            pipeline:                       # processors, in order
              - identity
              - sync_parallel:              # a stage
                  frame_order: pipeline     # arrival (default) | pipeline
                  stall_timeout_ms: 15000
                  stall_policy: release
                  branches:
                    - name: image
                      processors:
                        - delay: { ms: 40, jitter_ms: 10, seed: 7, on: [TextFrame] }
                        - emit: { on: TextFrame, frames: [ { type: OutputImageRawFrame, text: "img {text}" } ] }
                    - name: speech
                      processors:
                        - exec: { on: TextFrame, command: ["sh", "-c", "{text}"], emits: TTSAudioRawFrame, chunk_ms: 100 }
            """)
        #expect(description.name == "calendar" && description.processors.count == 2)
        guard case .syncParallel(let stage) = description.processors[1].kind else { throw Unexpected() }
        #expect(stage.frameOrder == .pipeline && stage.stallTimeout == 15_000_000_000 && stage.stallPolicy == .release)
        #expect(stage.branches.map(\.name) == ["image", "speech"])
        guard case .delay(let delay) = stage.branches[0].processors[0].kind else { throw Unexpected() }
        #expect(
            delay
                == DelayOptions(
                    on: TypeFilter(types: [TextFrame.frameType]), time: 40_000_000, jitter: 10_000_000, seed: 7))
        guard case .exec(let exec) = stage.branches[1].processors[0].kind else { throw Unexpected() }
        #expect(exec.call.name == "sh" && exec.call.path.hasSuffix("/sh") && exec.chunk == 100_000_000)
        #expect(exec.timeout == 30_000_000_000 && !exec.pass)

        let pipeline = try description.build(order: .arrival)
        let built = try #require(pipeline.processors[1] as? SyncParallelPipeline)
        #expect(built.frameOrder == .arrival && built.stallPolicy == .release && built.branches[0].givenName == "image")
    }

    @Test func everyBuildMakesProcessorsOfItsOwn() throws {
        let description = try read("pipeline: [identity, { delay: { ms: 1 } }]")
        let (one, other) = (try description.build(), try description.build())
        #expect(one.processors[0] !== other.processors[0] && one.processors[1] !== other.processors[1])
    }

    @Test func optionsMayBeLeftOut() throws {
        let description = try read(
            """
            pipeline:
              - delay: { ms: 2.5 }
              - burn: { ms: 0 }
              - worker: { command: [cat] }
              - sync_parallel: { branches: [ { processors: [] }, { processors: [ identity: ] } ] }
              - parallel: { branches: [ { processors: } ] }
            """)
        guard case .delay(let delay) = description.processors[0].kind else { throw Unexpected() }
        #expect(delay.on == .synchronized && delay.time == 2_500_000)
        guard case .syncParallel(let stage) = description.processors[3].kind else { throw Unexpected() }
        #expect(stage.frameOrder == .arrival && stage.stallTimeout == nil && stage.stallPolicy == .wait)
        #expect(throws: Never.self) { try description.build() }
    }

    @Test func delaysWithoutASeedDifferFromEachOther() throws {
        let description = try read("pipeline: [ { delay: { ms: 1 } }, { delay: { ms: 1 } } ]")
        #expect(description.processors[0].kind != description.processors[1].kind)
    }

    @Test func processorsMayHaveNames() throws {
        let pipeline = try read(
            "pipeline: [ { delay: { ms: 1, name: slow } }, { drop: { on: TextFrame, name: sieve } } ]"
        ).build()
        #expect(pipeline.processors.map(\.name) == ["slow", "sieve"])
    }

    @Test func filesDeclareTypesOfTheirOwn() throws {
        let description = try read(
            """
            types:
              WeatherFrame: { base: TextFrame }
              AlarmFrame: { class: system, interruptible: false }
            pipeline:
              - drop: { on: [WeatherFrame, AlarmFrame] }
            """)
        let weather = try #require(description.types.type(named: "WeatherFrame"))
        #expect(weather.isKind(of: TextFrame.frameType) && weather.frameClass == .data)
        #expect(description.types.type(named: "AlarmFrame")?.isInterruptible == false)
        var reader = FrameLineReader(file: "f", types: description.types)
        reader.append(Array("{\"type\": \"WeatherFrame\"}\n".utf8))
        #expect(try reader.next()?.type == weather)
    }

    @Test func typesOfEmittedFramesAreTypesOfTheFile() throws {
        let description = try read(
            "pipeline: [ { emit: { on: TextFrame, frames: [ { type: Weather, class: control } ] } } ]")
        #expect(description.types.type(named: "Weather")?.frameClass == .control)
    }

    @Test func idsOfTheFileAreKeptFree() throws {
        let description = try read(
            "pipeline: [ { parallel: { branches: [ { processors: [ { emit: { on: TextFrame, frames: [ { type: TextFrame, id: 40 } ] } } ] } ] } } ]"
        )
        let identity = FrameIdentity()
        description.reserveIDs(in: identity)
        #expect(identity.next() == 41)
    }

    @Test func quotedNumbersAreTextsAndPlainWordsAreNoTruthValues() throws {
        let description = try read(
            #"pipeline: [ { emit: { on: TextFrame, frames: [ { type: TextFrame, text: no, a: "5", b: 5, c: 0x10, d: on, e: 1e3 } ] } } ]"#
        )
        guard case .emit(let emit) = description.processors[0].kind else { throw Unexpected() }
        let frame = emit.frames[0].make(from: TextFrame("x"))
        #expect(frame.text == "no" && frame.fields == ["a": "5", "b": 5, "c": "0x10", "d": "on", "e": .number(1000)])
    }

    @Test func aliasesStandForWhatTheyName() throws {
        let description = try read(
            """
            pipeline:
              - sync_parallel:
                  branches:
                    - &one { processors: [ { delay: { ms: 5 } } ] }
                    - *one
            """)
        let stage = try #require(try description.build().processors[0] as? SyncParallelPipeline)
        #expect(stage.branches.count == 2 && stage.branches[0].processors[0] !== stage.branches[1].processors[0])
    }

    @Test(arguments: [
        ("", ["p.yaml: the file is empty; write 'pipeline:' and its processors below it"]),
        ("# nothing", ["p.yaml: the file is empty; write 'pipeline:' and its processors below it"]),
        ("just words", ["p.yaml:1:1: this is no pipeline file; write 'pipeline:' and its processors below it"]),
        ("- a\n- b", ["p.yaml:1:1: this is no pipeline file; write 'pipeline:' and its processors below it"]),
        (
            "pipeline: [identity\nname: x",
            ["p.yaml:2:5: this is not YAML: while parsing a flow sequence, did not find expected ',' or ']'"]
        ),
        (
            "pipeline:\n\t- identity",
            [
                "p.yaml:2:1: this is not YAML: while scanning for the next token, found character that cannot start any token"
            ]
        ),
        ("name: x", ["p.yaml:1:1: a pipeline file has no 'pipeline'; list its processors under 'pipeline:'"]),
        ("pipeline: []", ["p.yaml:1:11: the pipeline is empty; list at least one processor, 'identity' for example"]),
        ("pipeline:", ["p.yaml:1:10: the pipeline is empty; list at least one processor, 'identity' for example"]),
        (
            "pipeline: identity",
            [
                "p.yaml:1:11: 'pipeline' of a pipeline file has to be a list, not 'identity'; list its processors under 'pipeline:'"
            ]
        ),
        ("pipeline: [identity]\npipeline: [identity]", ["p.yaml:1:1: the key 'pipeline' comes twice; remove one"]),
        (
            "pipeline: [identity]\n---\npipeline: [identity]",
            ["p.yaml:2:1: a second document begins here; put one pipeline into a file"]
        ),
        ("pipeline: [identity]\nnmae: x", ["p.yaml:2:1: a pipeline file has no key 'nmae'; did you mean 'name'?"]),
        ("pipeline: [identiy]", ["p.yaml:1:12: there is no processor 'identiy'; did you mean 'identity'?"]),
        (
            "pipeline: [frobnicate]",
            [
                "p.yaml:1:12: there is no processor 'frobnicate'; use one of identity, delay, emit, drop, fail, burn, exec, worker, sync_parallel, parallel"
            ]
        ),
        ("pipeline: [[]]", ["p.yaml:1:12: a processor is a name, or a name with options, not a list"]),
        (
            "pipeline:\n  - delay: { ms: 4 }\n    drop: { on: TextFrame }",
            [
                "p.yaml:3:5: a processor is one name with its options, this mapping has 2 keys; begin each processor with '- ', and put its options into braces or below it, indented further"
            ]
        ),
        ("pipeline: [ { identity: { ms: 4 } } ]", ["p.yaml:1:27: identity has no key 'ms'; it has name"]),
        ("pipeline: [delay]", ["p.yaml:1:12: delay has no 'ms'; say for how long, 'ms: 40' for example"]),
        ("pipeline: [ { delay: 40 } ]", ["p.yaml:1:22: delay has to be a mapping, not 40; write 'key: value' pairs"]),
        (
            "pipeline: [ { delay: { ms: forty } } ]",
            ["p.yaml:1:28: 'ms' of delay has to be a number of ms, not below 0, not 'forty'"]
        ),
        (
            "pipeline: [ { delay: { ms: -1 } } ]",
            ["p.yaml:1:28: 'ms' of delay has to be a number of ms, not below 0, not -1"]
        ),
        (
            "pipeline: [ { delay: { ms: 1e30 } } ]",
            ["p.yaml:1:28: 'ms' of delay has to be a number of ms, not below 0, not 1e+30"]
        ),
        ("pipeline: [ { delay: { ms: 1, seed: x } } ]", ["p.yaml:1:37: 'seed' of delay has to be an integer, not 'x'"]),
        (
            "pipeline: [ { delay: { ms: 1, jiter_ms: 5 } } ]",
            ["p.yaml:1:31: delay has no key 'jiter_ms'; did you mean 'jitter_ms'?"]
        ),
        (
            "pipeline: [ { drop: { on: TextFrme } } ]",
            [
                "p.yaml:1:27: there is no frame type 'TextFrme'; did you mean TextFrame? Otherwise declare types of your own under 'types'"
            ]
        ),
        ("pipeline: [ { drop: { on: [] } } ]", ["p.yaml:1:27: 'on' names no type; name one, TextFrame for example"]),
        (
            "pipeline: [ { drop: { on: SyncFrame } } ]",
            ["p.yaml:1:27: no processor ever sees a SyncFrame; name another type"]
        ),
        ("pipeline: [ { drop: { on: 5 } } ]", ["p.yaml:1:27: a frame type has to be a name, not 5"]),
        (
            "pipeline: [drop]",
            ["p.yaml:1:12: drop has no 'on'; name the types of frames it acts on, 'on: TextFrame' for example"]
        ),
        (
            "pipeline: [sync_parallel]",
            ["p.yaml:1:12: sync_parallel has no 'branches'; list its branches under 'branches:'"]
        ),
        (
            "pipeline: [ { sync_parallel: { branches: [] } } ]",
            [
                "p.yaml:1:15: sync_parallel has no branches; list at least one under 'branches:', '- processors: []' for example"
            ]
        ),
        (
            "pipeline: [ { parallel: { branches: } } ]",
            [
                "p.yaml:1:15: parallel has no branches; list at least one under 'branches:', '- processors: []' for example"
            ]
        ),
        (
            "pipeline: [ { sync_parallel: { branches: [ { name: a } ] } } ]",
            ["p.yaml:1:44: a branch has no 'processors'; list them under 'processors:'; [] passes everything"]
        ),
        (
            "pipeline: [ { sync_parallel: { branches: [ identity ] } } ]",
            ["p.yaml:1:44: a branch has to be a mapping, not 'identity'; write 'key: value' pairs"]
        ),
        (
            "pipeline: [ { sync_parallel: { frame_order: pipelin, branches: [ { processors: [] } ] } } ]",
            ["p.yaml:1:45: unknown frame order 'pipelin'; use arrival or pipeline"]
        ),
        (
            "pipeline: [ { sync_parallel: { frame_order: [], branches: [ { processors: [] } ] } } ]",
            ["p.yaml:1:45: unknown frame order 'a list'; use arrival or pipeline"]
        ),
        (
            "pipeline: [ { sync_parallel: { stall_policy: never, branches: [ { processors: [] } ] } } ]",
            ["p.yaml:1:46: unknown stall policy 'never'; use wait or release or fail"]
        ),
        (
            "pipeline: [ { sync_parallel: { stall_timeout_ms: 0, branches: [ { processors: [] } ] } } ]",
            ["p.yaml:1:50: 'stall_timeout_ms' of sync_parallel has to be a number of ms above 0, not 0"]
        ),
        (
            "pipeline: [ { emit: { on: TextFrame, frames: [ { text: x } ] } } ]",
            ["p.yaml:1:48: a frame has no 'type'; add one, 'type: TextFrame' for example"]
        ),
        (
            "pipeline: [ { emit: { on: TextFrame, frames: x } } ]",
            [
                "p.yaml:1:46: 'frames' of emit has to be a list, not 'x'; list them, 'frames: [ { type: TextFrame, text: \"{text}\" } ]' for example"
            ]
        ),
        (
            "pipeline: [ { emit: { on: TextFrame, frames: [], pass: 1 } } ]",
            ["p.yaml:1:56: 'pass' of emit has to be true or false, not 1"]
        ),
        (
            "pipeline: [ { emit: { on: TextFrame, frames: [ { type: TextFrame, text: 5 } ] } } ]",
            ["p.yaml:1:73: 'text' of a TextFrame has to be a string, not 5; put it in quotes"]
        ),
        (
            "pipeline: [ { emit: { on: TextFrame, frames: [ { type: TextFrame, at_ms: 5 } ] } } ]",
            ["p.yaml:1:74: 'at_ms' is for frames that come in; use 'after_ms'"]
        ),
        (
            "pipeline: [ { emit: { on: TextFrame, frames: [ { type: TextFrame, direction: up } ] } } ]",
            ["p.yaml:1:78: unknown direction 'up'; use downstream or upstream"]
        ),
        (
            "pipeline: [ { emit: { on: TextFrame, frames: [ { type: TextFrame, id: 0 } ] } } ]",
            ["p.yaml:1:71: 'id' of a frame has to be a positive integer, not 0"]
        ),
        (
            "pipeline: [ { emit: { on: TextFrame, frames: [ { type: TextFrame, class: system } ] } } ]",
            ["p.yaml:1:56: TextFrame is of class data, not system; leave 'class' out or use a type name of your own"]
        ),
        (
            "pipeline: [ { exec: { on: TextFrame, command: [\"{text}\"], emits: TextFrame } } ]",
            ["p.yaml:1:48: the program cannot depend on the frame; fill in fields in the arguments only"]
        ),
        (
            "pipeline: [ { exec: { on: TextFrame, command: [], emits: TextFrame } } ]",
            [
                "p.yaml:1:15: 'command' of exec is empty; list the program and its arguments, 'command: [\"espeak-ng\", \"--stdout\", \"{text}\"]' for example"
            ]
        ),
        (
            "pipeline: [ { exec: { on: TextFrame, command: espeak, emits: TextFrame } } ]",
            [
                "p.yaml:1:47: 'command' of exec has to be a list, not 'espeak'; list the program and its arguments, 'command: [\"espeak-ng\", \"--stdout\", \"{text}\"]' for example"
            ]
        ),
        (
            "pipeline: [ { exec: { on: TextFrame, command: [sh], emits: TextFrame, chunk_ms: 5 } } ]",
            ["p.yaml:1:81: 'chunk_ms' is for audio, and TextFrame is none; leave it out"]
        ),
        (
            "pipeline: [ { exec: { on: TextFrame, command: [no-such-program], emits: TextFrame } } ]",
            ["p.yaml:1:48: there is no program 'no-such-program'; install it, or give its path"]
        ),
        (
            "pipeline: [ { worker: { command: [./no-such-program] } } ]",
            ["p.yaml:1:35: there is no program './no-such-program'; check the path"]
        ),
        (
            "pipeline: [ { worker: { command: [/etc/passwd] } } ]",
            ["p.yaml:1:35: '/etc/passwd' is no program that can be run; make it executable (chmod +x)"]
        ),
        (
            "pipeline: [ { worker: { command: [/etc] } } ]",
            ["p.yaml:1:35: '/etc' is no program that can be run; make it executable (chmod +x)"]
        ),
        (
            "types: { A: {} }\npipeline: [identity]",
            ["p.yaml:1:10: the type 'A' has neither 'base' nor 'class'; add one, 'base: DataFrame' for example"]
        ),
        (
            "types: { TextFrame: { base: DataFrame } }\npipeline: [identity]",
            ["p.yaml:1:10: there is a frame type 'TextFrame' already; use another name"]
        ),
        (
            "types: { A: { base: TextFrame, class: system } }\npipeline: [identity]",
            ["p.yaml:1:10: TextFrame is of class data, not system; leave 'class' out or use another base"]
        ),
        (
            "pipeline: [ { drop: { on: TextFrame, <<: { a: b } } } ]",
            ["p.yaml:1:38: drop has no key '<<'; it has name, on"]
        ),
        ("pipeline: [ { drop: { on: *gone } } ]", ["p.yaml:1:27: this is not YAML: found undefined alias"]),
        (
            "pipeline: [ { drop: { [on]: TextFrame } } ]",
            [
                "p.yaml:1:15: drop has no 'on'; name the types of frames it acts on, 'on: TextFrame' for example",
                "p.yaml:1:23: a key of drop has to be a word, not a list",
            ]
        ),
    ])
    func saysWhatIsWrongAndWhere(yaml: String, expected: [String]) {
        #expect(problems(yaml) == expected)
    }

    @Test func saysAllThatIsWrongAtOnce() {
        let found = problems(
            """
            pipeline:
              - dely: { ms: 1 }
              - sync_parallel:
                  frame_order: sideways
                  branches:
                    - processors: [ { drop: { on: Nothing, why: x } } ]
              - exec: { on: TextFrame, command: [no-such-program], emits: Sound }
            """)
        #expect(
            found.map { String($0.prefix { $0 != " " }) } == [
                "p.yaml:2:5:", "p.yaml:4:20:", "p.yaml:6:39:", "p.yaml:6:48:", "p.yaml:7:38:", "p.yaml:7:63:",
            ])
    }

    @Test func whatIsNoTextIsNoPipeline() {
        #expect(
            problems([0x70, 0x0A, 0xFF]) == [
                "p.yaml:2: this is not UTF-8 text; is it a pipeline file? If so, save it as UTF-8"
            ])
        #expect(
            problems("name: \u{1}").first?.hasPrefix("p.yaml:1: this is not YAML: control characters are not allowed")
                == true)
        #expect(problems([UInt8](repeating: 0x20, count: 2 << 20)).first?.contains("at most 1048576 bytes") == true)
    }

    @Test func bombsAreRefusedQuickly() {
        let brackets = "pipeline: " + String(repeating: "[", count: 100_000)
        #expect(problems(brackets) == ["p.yaml:1: lists and mappings nest too deeply here; use at most 64 levels"])
        #expect(
            problems("pipeline:\n" + String(repeating: "- ", count: 100_000)).first?.contains("nest too deeply") == true
        )
        let indented = (0..<900).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n")
        #expect(problems(indented).first?.contains("nest too deeply") == true)
        var laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            laughs +=
                "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", "))]\n"
        }
        #expect(problems(laughs).first?.contains("at most 32 aliases") == true)
        var branches =
            "pipeline:\n  - parallel: &p0 { branches: [ { processors: [identity, identity, identity, identity] } ] }\n"
        for level in 1...6 {
            let items = Array(repeating: "{ parallel: *p\(level - 1) }", count: 5).joined(separator: ", ")
            branches += "  - parallel: &p\(level) { branches: [ { processors: [\(items)] } ] }\n"
        }
        #expect(problems(branches).contains { $0.contains("at most 10000 processors") })
    }

    @Test func aMissingFileIsSaidToBeMissing() {
        #expect {
            try PipelineDescription.read(path: "/nonexistent/p.yaml")
        } throws: {
            "\($0)"
                == "/nonexistent/p.yaml: this file cannot be read: there is no such file; give the path of a pipeline file"
        }
        #expect {
            try PipelineDescription.read(path: "/")
        } throws: {
            "\($0)" == "/: this file cannot be read: Is a directory; give the path of a pipeline file"
        }
    }

    /// As from `--pipeline <(generate)`: in pieces, and perhaps without an end.
    @Test func aPipeIsReadToItsEnd() throws {
        let pipe = Pipe()
        let text = "pipeline:\n  - identity\n" + String(repeating: "# x\n", count: 30_000)
        DispatchQueue.global().async {
            for piece in [text.prefix(5), text.dropFirst(5)] {
                try? pipe.fileHandleForWriting.write(contentsOf: Data(piece.utf8))
            }
            try? pipe.fileHandleForWriting.close()
        }
        let description = try PipelineDescription.read(path: "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)")
        #expect(description.yaml == text)
        #expect {
            try PipelineDescription.read(path: "/dev/zero")
        } throws: {
            "\($0)".contains("at most 1048576 bytes")
        }
    }

    @Test func neverTrapsOnDamagedFiles() {
        let whole = Array(
            """
            name: x
            pipeline:
              - &a delay: { ms: 40, on: [TextFrame] }
              - emit: { on: TextFrame, frames: [ { type: TextFrame, text: "a {text}", m: { n: [1, {}] } } ] }
              - sync_parallel: { branches: [ { name: "b", processors: [ *a ] } ] }
            """.utf8)
        var generator = SplitMix64(state: 11)
        for _ in 0..<800 {
            var damaged = whole
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                damaged[Int.random(in: 0..<damaged.count, using: &generator)] = UInt8.random(
                    in: 0...127, using: &generator)
            }
            _ = problems(damaged)
        }
    }

    private struct Unexpected: Error {}
}
