public import PipelineEngine

/// Reads a `.whisk` file.
public enum WhiskFile {
    /// Tells every step of the sessions in the file, in order, on the caller's thread; memory stays bounded.
    ///
    /// Reads the file twice when no order is given: first to infer the frame orders, so that every event is told with
    /// the order known. A file that is cut or damaged is told up to the damage and ends `.damaged`; one that holds
    /// nothing of Whisker's tells nothing and throws.
    ///
    /// - Throws: `WhiskerError` if the file cannot be read or is no recording; whatever `take` throws.
    public static func read(
        _ path: String, order: FrameOrder? = nil, limits: WhiskerLimits = WhiskerLimits(),
        take: (WhiskerStep) throws -> Void
    ) throws {}
}
