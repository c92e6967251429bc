/// The times of the events in a row of the log, as they stand in `event_times`: numbers of `unit` ns, a few for each repetition of
/// what the row is made of. The first of them says how much later than the row the repetition begins, the others how much later than
/// that their events are.
///
/// A run repeats single events, and has one number for each.
struct EventTimes: Equatable {
    /// ns; 1 or 1000.
    var unit: Int64
    /// Numbers for each repetition.
    var steps: Int
    var numbers: [Int64]

    /// - Parameter differences: in ns; `steps` for each repetition.
    init(_ differences: [Int64], steps: Int) {
        let unit: Int64 = differences.allSatisfy { $0 % 1000 == 0 } ? 1000 : 1
        self.unit = unit
        self.steps = steps
        numbers = unit == 1 ? differences : differences.map { $0 / unit }
    }

    /// The time of an event, in ns, where the row's time is `time`; nil if it has none. Numbers of a damaged file may be any.
    func time(_ time: Int64, repetition: Int64, step: Int64) -> Int64? {
        guard let step = Int(exactly: step), 0..<steps ~= step else { return nil }
        let first = Int(truncatingIfNeeded: repetition) &* steps
        guard first >= 0, first &+ step < numbers.count else { return nil }
        let start = time &+ numbers[first] &* unit
        return step == 0 ? start : start &+ numbers[first &+ step] &* unit
    }

    // MARK: - Digits

    /// How many bytes numbers take in the file: the first of each repetition, and each other.
    struct Widths {
        var first: Int
        var step: Int
    }

    var widths: Widths {
        var widths = Widths(first: 1, step: 1)
        for (index, number) in numbers.enumerated() {
            if index % steps == 0 {
                widths.first = max(widths.first, Self.width(number))
            } else {
                widths.step = max(widths.step, Self.width(number))
            }
        }
        return widths
    }

    /// Appends the numbers as decimal digits.
    func write(_ widths: Widths, to buffer: ByteBuffer) {
        for (index, number) in numbers.enumerated() {
            Self.write(number, width: index % steps == 0 ? widths.first : widths.step, to: buffer)
        }
    }

    /// 1, 10, 100 and so on, as far as numbers go.
    private static let powers = (0..<19).map { exponent in (0..<exponent).reduce(UInt64(1)) { power, _ in power * 10 } }

    private static func width(_ number: Int64) -> Int {
        let digits = powers.firstIndex { number.magnitude < $0 } ?? powers.count
        return max(1, digits) + (number < 0 ? 1 : 0)
    }

    private static func write(_ number: Int64, width: Int, to buffer: ByteBuffer) {
        if number < 0 { buffer.append(UInt8(ascii: "-")) }
        var rest = number.magnitude
        for place in (0..<(number < 0 ? width - 1 : width)).reversed() {
            let digit = place < powers.count ? rest / powers[place] : 0
            if digit > 0 { rest -= digit * powers[place] }
            buffer.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit))
        }
    }

    /// As they stand in the file: columns from `unit` on; nil if they are damaged.
    init?(_ row: StoredRow) {
        guard let unit = try? row.integer(0), unit == 1 || unit == 1000, let bytes = try? row.int(1),
            let first = try? row.int(2), let step = try? row.int(3), 1...20 ~= first, 1...20 ~= step,
            let digits = (try? row.bytes(4)) ?? nil, bytes >= first, bytes <= 20 * BatchPattern.maxEvents,
            (bytes - first) % step == 0, digits.count % bytes == 0, digits.count <= 20 * BatchPattern.maxEvents
        else { return nil }
        self.unit = unit
        steps = (bytes - first) / step + 1
        numbers = []
        var place = 0
        while place < digits.count {
            let width = numbers.count % steps == 0 ? first : step
            guard let number = Self.read(digits[place..<place + width]) else { return nil }
            numbers.append(number)
            place += width
        }
    }

    private static func read(_ digits: Slice<UnsafeRawBufferPointer>) -> Int64? {
        let isNegative = digits.first == UInt8(ascii: "-")
        var number: Int64 = 0
        for digit in isNegative ? digits.dropFirst() : digits {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit else { return nil }
            number = number &* 10 &+ Int64(digit - UInt8(ascii: "0"))
        }
        return isNegative ? 0 &- number : number
    }
}
