extension String {
    /// This text as SQLite takes it from GRDB: without NUL, at which binding would stop, and no longer than `maxBytes`, above
    /// which binding would trap. NUL becomes `␀`.
    func storable(maxBytes: Int = 64 << 10) -> String {
        guard utf8.contains(0) else { return capped(maxBytes: maxBytes) }
        let visible = unicodeScalars.map { $0 == "\u{0}" ? "\u{2400}" : $0 }
        return String(String.UnicodeScalarView(visible)).capped(maxBytes: maxBytes)
    }

    /// The beginning of this text, at most `maxBytes` of UTF-8; a text that is cut ends in `…`.
    func capped(maxBytes: Int) -> String {
        guard utf8.count > maxBytes else { return self }
        let ellipsis = "…"
        var end = utf8.index(utf8.startIndex, offsetBy: max(0, maxBytes - ellipsis.utf8.count))
        while end > startIndex, end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(self[..<end]) + ellipsis
    }
}
