internal import PipelineEngine
internal import Replay
internal import SessionHistory

/// What the reruns of a session came to.
struct ReplayView {
    let session: SessionSummary
    let definition: SessionDefinition
    let reports: [ReplayReport]

    func lines(width: Int) -> [StyledText] {
        var lines = [StyledText(session.title, .bold) + StyledText(" · replayed through the engine", .dim)]
        var table = Table(
            [
                .init(title: "order"), .init(title: "verdict"), .init(title: "batches", alignment: .right),
                .init(title: "differing", alignment: .right), .init(title: "left out", alignment: .right),
                .init(title: "replay", alignment: .right),
            ], indent: 2)
        for report in reports {
            let batches = report.stages.reduce(0) { $0 + $1.batches }
            let leftOut = report.stages.reduce(0) { $0 + $1.withoutHead + $1.open }
            table.add([
                StyledText(label(report), .bold), verdict(report), StyledText(Quantity.count(batches)),
                StyledText(Quantity.count(report.differingBatches)),
                StyledText(leftOut == 0 ? "" : Quantity.count(leftOut)),
                StyledText(report.replay.map { "\($0)" } ?? "", .dim),
            ])
        }
        lines += table.lines(width: width)
        for report in reports {
            for stage in report.stages {
                if let difference = stage.firstDifference {
                    let isWrong = stage.isRecordedOrder == true
                    lines +=
                        [StyledText()]
                        + self.lines(
                            isWrong ? "does not come back" : "releases otherwise", difference, stage, report,
                            expected: isWrong ? "expected" : "recorded", actual: isWrong ? "actual" : "then",
                            width: width)
                }
                if stage.isRecordedOrder != true || stage.firstDifference == nil,
                    let difference = stage.firstUnexplained
                {
                    lines +=
                        [StyledText()]
                        + self.lines(
                            "is not what C4 gives", difference, stage, report, expected: "expected", actual: "actual",
                            width: width)
                }
            }
        }
        return lines
    }

    /// The order, and which one that is where the recorded one was run.
    private func label(_ report: ReplayReport) -> String {
        guard report.order == .recorded else { return report.order.rawValue }
        let orders = Set(definition.stages.compactMap(\.frameOrder))
        return orders.count == 1 ? "recorded (\(orders.first?.rawValue ?? ""))" : "recorded"
    }

    private func verdict(_ report: ReplayReport) -> StyledText {
        if !report.isFaithful { return StyledText(report.verdict.rawValue, [.bold, .red]) }
        return StyledText(report.verdict.rawValue, report.verdict == .same ? .green : .yellow)
    }

    private func lines(
        _ what: String, _ difference: ReplayReport.Difference, _ stage: ReplayReport.Stage, _ report: ReplayReport,
        expected: String, actual: String, width: Int
    ) -> [StyledText] {
        let place =
            "batch \(difference.batch) of stage \(stage.stage), "
            + "\(difference.direction == .upstream ? "upstream, " : "")position \(difference.position)"
        let names = definition.stages.first { $0.number == stage.stage }?.branchLabels ?? []
        func side(_ title: String, _ placed: PlacedFrame?) -> StyledText {
            var line = StyledText("    \(title)", .dim).fit(to: 14)
            guard let placed else { return line + StyledText("nothing") }
            line.append(placed.frame.name, .bold)
            let branch = names.indices.contains(placed.branch) ? names[placed.branch] : "the stage"
            return line + StyledText(" from ", .dim) + StyledText(branch, Style.branch(placed.branch))
        }
        let count = Quantity.count(stage.differing, "batch", "batches")
        return [
            StyledText("  \(label(report))", .bold) + StyledText(" \(what), first in \(place) (\(count) in all):"),
            side(expected, difference.expected).cut(to: width), side(actual, difference.actual).cut(to: width),
        ]
    }

    // MARK: - For programs

    var facts: Facts {
        var facts = Facts()
        facts.set("session", session.session)
        facts.set("uuid", session.uuid)
        facts.set("replays", reports.map(\.facts))
        return facts
    }
}

extension ReplayReport {
    fileprivate var facts: Facts {
        var facts = Facts()
        facts.set("replay", replay)
        facts.set("frame_order", order.rawValue)
        facts.set("verdict", verdict.rawValue)
        facts.set("faithful", isFaithful)
        facts.set("differing_batches", differingBatches)
        facts.set(
            "stages",
            stages.map { stage in
                var facts = Facts()
                facts.set("stage", stage.stage)
                facts.set("name", stage.name)
                facts.set("frame_order", stage.order.rawValue)
                facts.set("is_recorded_order", stage.isRecordedOrder)
                facts.set("batches", stage.batches)
                facts.set("differing_batches", stage.differing)
                facts.set("unexplained_batches", stage.unexplained)
                facts.set("without_head", stage.withoutHead)
                facts.set("open", stage.open)
                facts.set("first_difference", stage.firstDifference?.facts)
                facts.set("first_unexplained", stage.firstUnexplained?.facts)
                return facts
            })
        return facts
    }
}

extension ReplayReport.Difference {
    fileprivate var facts: Facts {
        var facts = Facts()
        facts.set("batch", batch)
        facts.set("direction", direction.rawValue)
        facts.set("position", position)
        facts.set("expected", expected?.facts)
        facts.set("actual", actual?.facts)
        return facts
    }
}
