import PipelineEngine

/// What is missing of a frame, as the object `omitted` of its line.
extension ContentOmission {
    var fields: FrameFields {
        var fields: FrameFields = ["reason": .string(reason.rawValue)]
        fields["text_bytes"] = textBytes.map(FieldValue.integer)
        fields["payload_name"] = payloadName.map(FieldValue.string)
        fields["payload_bytes"] = payloadBytes.map(FieldValue.integer)
        fields["digest"] = digest.map(FieldValue.integer)
        return fields
    }

    init(_ object: inout LineObject) throws(JSONProblem) {
        self.init(
            try object.require(try object.word("reason"), "reason"),
            textBytes: try object.integer("text_bytes", in: 0...(.max)),
            payloadName: try object.string("payload_name"),
            payloadBytes: try object.integer("payload_bytes", in: 0...(.max)),
            digest: try object.integer("digest", in: .min...(.max)))
        try object.expectNoOthers()
    }
}
