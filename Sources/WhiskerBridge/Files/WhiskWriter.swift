public import PipelineEngine

/// Writes a session as a `.whisk` file, which Whisker shows and `WhiskFile` reads back to the same session.
///
///     var writer = WhiskWriter(definition: definition, source: source, findings: findings)
///     var bytes = writer.header()
///     for event in events { bytes += writer.write(event) }
public struct WhiskWriter {
    /// - Parameter source: `startedAt` is the session's start; versions are written as far as they are known.
    public init(definition: SessionDefinition, source: WhiskerSource, findings: [Finding] = []) {}

    /// The snapshot: what a file begins with.
    public mutating func header() -> [UInt8] { [] }

    /// The records of the next event, in the order of `sequence`.
    public mutating func write(_ event: SessionEvent) -> [UInt8] { [] }
}
