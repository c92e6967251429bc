/// Numbers as people read them.
enum Quantity {
    /// `1,234,567`.
    static func count(_ value: Int64) -> String {
        if value.magnitude < 1_000 { return String(value) }
        var digits = String(value.magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return (value < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
    }

    static func count(_ value: Int) -> String { count(Int64(value)) }

    /// `3 batches`, `1 batch`.
    static func count(_ value: Int64, _ one: String, _ many: String? = nil) -> String {
        "\(count(value)) \(value == 1 ? one : many ?? one + "s")"
    }

    static func count(_ value: Int, _ one: String, _ many: String? = nil) -> String { count(Int64(value), one, many) }

    /// `0.42 ms`, `12.3 ms`, `4.57 s`, `2 min 03 s`, `1 h 02 min`.
    static func duration(milliseconds: Double) -> String {
        let magnitude = milliseconds.magnitude
        if magnitude < 10 { return "\(fixed(milliseconds, 2)) ms" }
        if magnitude < 1_000 { return "\(fixed(milliseconds, 1)) ms" }
        if magnitude < 60_000 { return "\(fixed(milliseconds / 1_000, 2)) s" }
        guard magnitude < 1e15 else { return "\(milliseconds) ms" }
        let seconds = Int((milliseconds / 1_000).rounded())
        if seconds < 3_600 { return "\(seconds / 60) min \(twoDigits(seconds % 60)) s" }
        return "\(seconds / 3_600) h \(twoDigits(seconds % 3_600 / 60)) min"
    }

    /// `512 B`, `1.5 kB`, `12.0 MB`.
    static func bytes(_ value: Int64) -> String {
        if value < 1_000 { return "\(value) B" }
        var rest = Double(value)
        for unit in ["kB", "MB", "GB"] {
            rest /= 1_000
            if rest < 999.95 { return "\(fixed(rest, 1)) \(unit)" }
        }
        return "\(fixed(rest / 1_000, 1)) TB"
    }

    /// With so many digits behind the point. Without Foundation, which takes longer to load than most commands to run.
    static func fixed(_ value: Double, _ digits: Int) -> String {
        let scale = digits == 3 ? 1_000.0 : digits == 2 ? 100.0 : digits == 1 ? 10.0 : 1.0
        let scaled = (value * scale).rounded()
        guard scaled.magnitude < 9e15 else { return "\(value)" }
        let units = Int64(scaled.magnitude)
        let sign = scaled < 0 ? "-" : ""
        if digits == 0 { return "\(sign)\(units)" }
        let fraction = String(units % Int64(scale))
        let zeros = String(repeating: "0", count: digits - fraction.utf8.count)
        return "\(sign)\(units / Int64(scale)).\(zeros)\(fraction)"
    }

    /// `2026-07-02 14:03:11` of an ISO 8601 time, which is in UTC.
    static func moment(_ iso: String) -> String {
        // Bytes, not characters: a list has thousands of them.
        var moment = Array(iso.utf8)
        guard let mark = moment.firstIndex(of: UInt8(ascii: "T")) else { return iso }
        moment[mark] = UInt8(ascii: " ")
        return String(decoding: moment.prefix(mark + 9), as: UTF8.self)
    }

    private static func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
