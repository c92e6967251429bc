import PipelineEngine

/// Reads anything as the JSON that a history keeps of fields and metadata; what can be read is written and read as it was.
///
/// The rest of a history is SQLite's to read; the tests damage whole files at random places (DamageTests).
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHistory(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    _ = try? JSONReader.array(bytes)
    guard let fields = try? JSONReader.fields(bytes), !fields.hasNaN else { return 0 }
    let buffer = ByteBuffer(capacity: 64)
    var json = JSONWriter(buffer)
    let range = json.write(fields)
    // Markers take levels of their own.
    if json.isCut { return 0 }
    guard let again = try? JSONReader.fields(buffer.bytes(range)) else {
        preconditionFailure("what is written cannot be read")
    }
    precondition(again == fields, "what is written is read as something else")
    return 0
}

extension FrameFields {
    fileprivate var hasNaN: Bool { all.contains { $0.value.hasNaN } }
}

extension FieldValue {
    fileprivate var hasNaN: Bool {
        switch self {
        case .number(let value): value.isNaN
        case .array(let values): values.contains(where: \.hasNaN)
        case .object(let fields): fields.hasNaN
        default: false
        }
    }
}
