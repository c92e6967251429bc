import PipelineEngine

/// A pipeline of nested stages with processors that do all sorts of things, and frames for it: the same for the same seed.
struct RandomSession {
    let pipeline: Pipeline
    let frames: [TimedFrame]

    init(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        func step() -> ScriptedProcessor.Step {
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<5: .wait(Int64.random(in: 0..<4, using: &random) * 100)
            case 5..<9: .emit("t\(Int.random(in: 0..<3, using: &random))")
            case 9..<11: .emit("u", .upstream)
            case 11..<14: .pass
            case 14: .fail
            case 15: .interrupt
            case 16: .mute
            case 17: .emitStop
            default: .wait(1)
            }
        }
        func branch() -> [any FrameProcessor] {
            (0..<Int.random(in: 0..<3, using: &random)).map { _ in
                let scripts = (0..<4).map { _ in (0..<Int.random(in: 0..<5, using: &random)).map { _ in step() } }
                let late = Bool.random(using: &random) ? (0..<3).map { _ in step() } : [.pass]
                return ScriptedProcessor(onSystem: { _, _ in late }) { number, _ in scripts[number % scripts.count] }
            }
        }
        func stage(depth: Int) throws -> SyncParallelPipeline {
            var branches = (0..<Int.random(in: 1..<5, using: &random)).map { _ in branch() }
            if depth > 0, Bool.random(using: &random) { branches[0].append(try stage(depth: depth - 1)) }
            return try SyncParallelPipeline(branches, frameOrder: FrameOrder.allCases.randomElement(using: &random)!)
        }
        pipeline = try Pipeline([stage(depth: 1), stage(depth: 0)])
        var time: Int64 = 0
        frames = (0..<12).map { index -> TimedFrame in
            time += Int64.random(in: 0..<5, using: &random) * 150
            let id = Int64(index) + 1
            let frame: any Frame =
                switch Int.random(in: 0..<8, using: &random) {
                case 0: GenericFrame(FrameType.known("InterruptionFrame") ?? .systemFrame, header: FrameHeader(id: id))
                case 1:
                    GenericFrame(FrameType.known("UserMuteStartedFrame") ?? .systemFrame, header: FrameHeader(id: id))
                default: BatchBuilder.text("in", id: id)
                }
            let direction: FrameDirection = Int.random(in: 0..<6, using: &random) == 0 ? .upstream : .downstream
            return TimedFrame(frame, direction: direction, time: time)
        }
    }
}
