internal import PipelineEngine
internal import Replay

extension BatchComparison {
    /// As JSON: rows with a side that has no frame say null there.
    var facts: Facts {
        var facts = Facts()
        facts.set("kind", "batch")
        facts.set("stage", stage)
        facts.set("batch", batch)
        facts.set("inbound", inbound?.facts)
        facts.set("inbound_differs", inboundDiffers)
        facts.set("sections", sections.map(\.facts))
        return facts
    }
}

extension BatchComparison.Section {
    fileprivate var facts: Facts {
        var facts = Facts()
        facts.set("direction", direction.rawValue)
        facts.set("moved", moved)
        facts.set("inversions", inversions)
        facts.set(
            "rows",
            rows.map { row in
                var facts = Facts()
                facts.set("mark", row.mark.rawValue)
                facts.set("other_content", row.hasOtherContent)
                facts.set("other_position", row.otherPosition)
                facts.set("left", row.left?.facts)
                facts.set("right", row.right?.facts)
                return facts
            })
        return facts
    }
}

extension PlacedFrame {
    var facts: Facts {
        var facts = Facts()
        facts.set("position", position)
        facts.set("branch", branch < 0 ? nil : branch)
        facts.set("frame_id", frame.id)
        facts.set("frame_name", frame.name)
        facts.set("frame_type", frame.type.name)
        facts.set("text", frame.readableText.isEmpty ? nil : frame.readableText)
        return facts
    }
}

extension Frame {
    var facts: Facts {
        var facts = Facts()
        facts.set("frame_id", id)
        facts.set("frame_name", name)
        facts.set("frame_type", type.name)
        facts.set("text", readableText.isEmpty ? nil : readableText)
        return facts
    }
}

extension ComparisonSummary {
    var facts: Facts {
        var facts = Facts()
        facts.set("kind", "summary")
        facts.set("batches", batches)
        facts.set("differing", differing)
        facts.set("inversions", inversions)
        facts.set("moved", moved)
        facts.set("missing", missing)
        facts.set("extra", extra)
        facts.set("changed", changed)
        facts.set("left_only", leftOnly)
        facts.set("right_only", rightOnly)
        facts.set("without_head", withoutHead)
        facts.set("open", open)
        facts.set("unknown_frames", unknownFrames)
        return facts
    }

    /// For people: what was compared, what differs, what was left out.
    func lines(_ titles: (left: String, right: String)) -> [StyledText] {
        var line = StyledText(Quantity.count(batches, "batch", "batches"), .bold) + StyledText(" compared: ")
        line +=
            differing == 0
            ? StyledText("all the same", .green)
            : StyledText(differing == 1 ? "1 differs" : "\(Quantity.count(differing)) differ", [.bold, .yellow])
        var facts: [String] = []
        if moved > 0 { facts.append(moved == 1 ? "1 frame moves" : "\(Quantity.count(moved)) frames move") }
        if inversions > 0 { facts.append(Quantity.count(inversions, "inversion")) }
        if missing > 0 { facts.append("\(Quantity.count(missing)) missing") }
        if extra > 0 { facts.append("\(Quantity.count(extra)) extra") }
        if changed > 0 { facts.append("\(Quantity.count(changed)) with other content") }
        line.append(facts.map { " · " + $0 }.joined())
        var lines = [line]
        for (count, what) in [(leftOnly, titles.left), (rightOnly, titles.right)] where count > 0 {
            lines.append(StyledText("\(Quantity.count(count, "batch", "batches")) only in \(what)", .yellow))
        }
        var leftOut: [String] = []
        if withoutHead > 0 { leftOut.append("\(Quantity.count(withoutHead)) whose beginning was not recorded") }
        if open > 0 { leftOut.append("\(Quantity.count(open)) still open at the end") }
        if unknownFrames > 0 {
            leftOut.append("\(Quantity.count(unknownFrames, "released frame")) that the recording does not have")
        }
        if !leftOut.isEmpty { lines.append(StyledText("left out: " + leftOut.joined(separator: ", "), .dim)) }
        return lines
    }
}
