/// The running hash of a session's events, each with all that its row says: by it a row that was lost, added or changed is
/// found.
struct EventsHash: Hashable {
    var value: UInt64 = 0

    /// One event. `batch` and `subject` are 0, `place` and `arrival` -1 where there is none; `subject` is a sequence, since log
    /// ids differ from file to file. `frame` is the frame's mark, 0 for none.
    ///
    /// The columns are multiplied with odd numbers and added up, which the processor does at once for all of them: any one
    /// that changes changes the sum.
    @inline(__always)
    mutating func add(
        sequence: Int64, time: Int64, code: Int64, batch: Int64, place: Int64, arrival: Int64, subject: Int64,
        frame: UInt64
    ) {
        var sum = UInt64(bitPattern: sequence) &* 0x9E37_79B1_85EB_CA87
        sum = sum &+ UInt64(bitPattern: time) &* 0xC2B2_AE3D_27D4_EB4F
        sum = sum &+ UInt64(bitPattern: code) &* 0x1656_67B1_9E37_79F9
        sum = sum &+ UInt64(bitPattern: batch) &* 0x85EB_CA77_C2B2_AE63
        sum = sum &+ UInt64(bitPattern: place) &* 0x27D4_EB2F_1656_67C5
        sum = sum &+ UInt64(bitPattern: arrival) &* 0xD6E8_FEB8_6659_FD93
        sum = sum &+ UInt64(bitPattern: subject) &* 0xA076_1D64_78BD_642F
        sum = sum &+ frame &* 0xE703_7ED1_A0B4_28DB
        value = ContentHash.combine(value, sum)
    }

    /// What else is said of the event added last.
    mutating func addNote(processor: String?, detail: String?) {
        for text in [processor, detail] { value = ContentHash.hash(utf8: text ?? "\u{0}", seed: value) }
    }
}
