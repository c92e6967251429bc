import PipelineEngine

@testable import WhiskerBridge

/// Writes Whisker's records for a bot of one stage, as short as tests like to read them.
struct Script {
    private var bytes: [UInt8]
    private var number: Int64 = 0
    private var milliseconds = 0.0

    /// - Parameter branches: the processors of each branch.
    init(_ branches: [[String]] = [["A"], ["B"]], worker: String = "worker") {
        bytes = MessagePackEncoder.encode(
            .map([
                "type": .string("snapshot"), "protocol": .string("1"), "timestamp": .number(1_000),
                "workers": .array([Script.worker(worker, "Stage", branches, first: 0)]),
            ]))
    }

    private static func worker(
        _ name: String, _ stage: String, _ branches: [[String]], first: Int
    ) -> MessagePackValue {
        var processors = [processor(stage, "SyncParallelPipeline", parent: nil)]
        for (index, names) in branches.enumerated() {
            processors.append(processor("Source\(first + index)", "SyncParallelPipelineSource", parent: stage))
            processors += names.map { processor($0, "Thing", parent: stage) }
            processors.append(processor("Sink\(first + index)", "SyncParallelPipelineSink", parent: stage))
        }
        return .map(["worker_id": .string(name), "topology": .map(["processors": .array(processors)])])
    }

    private static func processor(_ id: String, _ type: String, parent: String?) -> MessagePackValue {
        .map(["id": .string(id), "parent": parent.map(MessagePackValue.string) ?? .null, "type": .string(type)])
    }

    mutating func pass(milliseconds: Double) { self.milliseconds += milliseconds }

    mutating func skip(_ records: Int64) { number += records }

    mutating func process(_ processor: String, _ frame: String, up: Bool = false, worker: String = "worker") {
        add(processor, frame, "process", up, worker)
    }

    mutating func push(_ processor: String, _ frame: String, up: Bool = false, worker: String = "worker") {
        add(processor, frame, "push", up, worker)
    }

    /// A frame comes in and goes into both branches, with its SyncFrames.
    mutating func comesIn(_ frame: String, sync: Int) {
        process("Stage", frame)
        for branch in 0...1 {
            process("Source\(branch)", frame)
            process("Source\(branch)", "SyncFrame#\(sync + branch)")
        }
    }

    /// A worker joins, with a stage of one branch.
    mutating func workerJoins(_ name: String, stage: String) {
        var worker = Script.worker(name, stage, [["C"]], first: 10)
        if case .map(let entries) = worker {
            worker = .map([MessagePackValue.Entry(.string("type"), .string("worker_added"))] + entries)
        }
        bytes += MessagePackEncoder.encode(worker)
    }

    private mutating func add(_ processor: String, _ frame: String, _ action: String, _ up: Bool, _ worker: String) {
        number += 1
        milliseconds += 1
        bytes += MessagePackEncoder.encode(
            .map([
                "type": .string("frame"), "id": .integer(number), "worker_id": .string(worker), "name": .string(frame),
                "from": .string(processor), "action": .string(action),
                "direction": .string(up ? "upstream" : "downstream"),
                "timestamp": .number(1_000 + milliseconds / 1_000), "payload": .map([:]),
            ]))
    }

    func session(limits: WhiskerLimits = WhiskerLimits()) throws -> Interpreted {
        try Interpreted(bytes, limits: limits)
    }
}
