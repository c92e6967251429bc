public import PipelineEngine

/// JSON for other programs: what is said in a `FieldValue`, as text on one line.
public enum JSONText {
    public static func bytes(_ value: FieldValue) -> [UInt8] {
        var writer = JSONWriter()
        writer.write(value)
        return writer.bytes
    }
}
