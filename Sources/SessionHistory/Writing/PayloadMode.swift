/// What a session keeps of its frames' content. Ids, types, classes, presentation times and everything about order are kept in
/// every mode, so that replay and diff work.
public enum PayloadMode: String, Sendable, CaseIterable {
    /// Everything.
    case full
    /// Texts, fields and metadata, and no bytes: no voice, no pictures.
    case text
    /// No content; in its place its sizes and a hash with the history's own key, by which equal content is known.
    case hash
    /// No content, and nothing about it.
    case none

    /// What is kept where no more than `other` is to be.
    public func keeping(atMost other: PayloadMode) -> PayloadMode {
        let order: [PayloadMode] = [.none, .hash, .text, .full]
        return order.first { $0 == self || $0 == other } ?? self
    }

    /// Whether words may stand in the history: texts, fields, metadata, messages of errors.
    package var keepsWords: Bool { self == .full || self == .text }
    /// Whether sizes and hashes of what is left out are kept.
    var keepsTraces: Bool { self != .none }
}
