#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Points in time as the history writes them: ISO 8601, UTC, ms.
enum Moment {
    static func iso(secondsSince1970 seconds: Double) -> String {
        guard seconds.isFinite, seconds.magnitude < 2e11 else { return iso(secondsSince1970: 0) }
        let milliseconds = Int64((seconds * 1_000).rounded())
        let (whole, rest) = (milliseconds.flooringDivision(by: 1_000), milliseconds.flooringRemainder(by: 1_000))
        var time = time_t(whole)
        var parts = tm()
        gmtime_r(&time, &parts)
        func digits(_ value: Int64, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let date =
            "\(digits(Int64(parts.tm_year) + 1_900, 4))-\(digits(Int64(parts.tm_mon) + 1, 2))-\(digits(Int64(parts.tm_mday), 2))"
        let clock =
            "\(digits(Int64(parts.tm_hour), 2)):\(digits(Int64(parts.tm_min), 2)):\(digits(Int64(parts.tm_sec), 2))"
        return "\(date)T\(clock).\(digits(rest, 3))Z"
    }

    /// nil for what is no such time.
    static func secondsSince1970(iso: String) -> Double? {
        let parts = iso.split(whereSeparator: { "-T:.Z".contains($0) }).map { Int32($0) }
        guard parts.count >= 6, !parts.contains(nil) else { return nil }
        let numbers = parts.compactMap { $0 }
        var time = tm()
        (time.tm_year, time.tm_mon, time.tm_mday) = (numbers[0] - 1_900, numbers[1] - 1, numbers[2])
        (time.tm_hour, time.tm_min, time.tm_sec) = (numbers[3], numbers[4], numbers[5])
        return Double(timegm(&time)) + (numbers.count > 6 ? Double(numbers[6]) / 1_000 : 0)
    }
}

extension Int64 {
    fileprivate func flooringDivision(by divisor: Int64) -> Int64 {
        self / divisor - (self % divisor < 0 ? 1 : 0)
    }

    fileprivate func flooringRemainder(by divisor: Int64) -> Int64 {
        let rest = self % divisor
        return rest < 0 ? rest + divisor : rest
    }
}
