import Foundation

/// Times of day as the history keeps them: ISO 8601, UTC, ms.
enum Timestamp {
    static func now() -> String { text(Date()) }

    /// nil if `text` is no such time.
    static func date(_ text: String) -> Date? {
        (try? Date(text, strategy: .iso8601.year().month().day().time(includingFractionalSeconds: true)))
            ?? (try? Date(text, strategy: .iso8601))
    }

    static func text(_ date: Date) -> String {
        date.formatted(
            .iso8601.year().month().day().time(includingFractionalSeconds: true).timeZone(separator: .omitted))
    }
}
