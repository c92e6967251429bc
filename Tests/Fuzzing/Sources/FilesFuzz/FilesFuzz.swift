import Foundation
import PipelineEngine

/// Reads anything as one of the text formats that users write: FUZZ_FORMAT says which.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzFiles(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    switch format {
    case "yaml": readPipeline(bytes)
    case "frames": readFrames(bytes)
    case "sessions": readSession(bytes)
    default: preconditionFailure("FUZZ_FORMAT is yaml, frames or sessions")
    }
    return 0
}

private let format = ProcessInfo.processInfo.environment["FUZZ_FORMAT"]

/// A pipeline is built, or its problems are said with their places.
private func readPipeline(_ bytes: [UInt8]) {
    do {
        let description = try PipelineDescription(yaml: bytes, file: "p.yaml")
        _ = try description.build()
    } catch let problems as FileProblems {
        precondition(!"\(problems)".isEmpty && "\(problems)".contains("p.yaml"))
    } catch {
        precondition(!"\(error)".isEmpty)
    }
}

/// Frames read whole and in pieces are the same, and what is written of them is read back as it was.
private func readFrames(_ bytes: [UInt8]) {
    let whole = frames(in: [bytes[...]])
    let pieces = frames(in: stride(from: 0, to: bytes.count, by: 3).map { bytes[$0..<min($0 + 3, bytes.count)] })
    precondition(whole.frames.count == pieces.frames.count && whole.problem == pieces.problem)
    for (frame, other) in zip(whole.frames, pieces.frames) {
        // Ids are given anew where the line has none.
        precondition(frame.type == other.type && frame.text == other.text && frame.hasSameContent(as: other))
        var writer = FrameLineWriter()
        writer.write(frame, direction: .downstream)
        let again = frames(in: [writer.bytes[...]])
        precondition(
            again.problem == nil && again.frames.count == 1, "what is written is not read: \(again.problem ?? "")")
        precondition(again.frames[0].hasSameContent(as: frame) && again.frames[0].id == frame.id)
    }
}

private func frames(in pieces: [ArraySlice<UInt8>]) -> (frames: [any Frame], problem: String?) {
    var reader = FrameLineReader(file: "f.jsonl", limits: limits)
    var frames: [any Frame] = []
    let identity = FrameIdentity()
    do throws(FileProblem) {
        for piece in pieces {
            reader.append(piece)
            while let input = try reader.next() { frames.append(input.makeFrame(identity)) }
        }
        reader.finish()
        while let input = try reader.next() { frames.append(input.makeFrame(identity)) }
        return (frames, nil)
    } catch {
        return (frames, error.description)
    }
}

/// An exported session: its events are numbered from 1 and about events before them.
private func readSession(_ bytes: [UInt8]) {
    var reader = SessionLineReader(file: "s.jsonl", limits: limits)
    do throws(FileProblem) {
        reader.append(bytes)
        reader.finish()
        var sequence: Int64 = 0
        while let line = try reader.next() {
            if case .event(let event) = line {
                sequence += 1
                precondition(event.sequence == sequence && event.subject < sequence)
            }
        }
    } catch {
        precondition(error.description.contains("s.jsonl"))
    }
}

private let limits: FrameLineLimits = {
    var limits = FrameLineLimits()
    (limits.lineBytes, limits.depth) = (1 << 14, 32)
    return limits
}()
