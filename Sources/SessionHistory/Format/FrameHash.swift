import PipelineEngine

/// How the hashes of stored frames come about: the same for who writes them and who checks them.
enum FrameHash {
    /// The hash of a frame type, which those of its shapes begin with.
    static func type(name: String, frameClass: String, isInterruptible: Bool, base: UInt64?) -> UInt64 {
        var hash = ContentHash.hash(utf8: name, seed: 0)
        hash = ContentHash.hash(utf8: frameClass, seed: hash)
        return ContentHash.combine(hash, (base ?? 0) << 1 ^ (isInterruptible ? 1 : 0))
    }

    /// The hash of a row of `shape`.
    static func shape(type: UInt64, payloadName: String?, fields: String?) -> UInt64 {
        var hash = type
        if let payloadName { hash = ContentHash.hash(utf8: payloadName, seed: hash ^ 5) }
        if let fields { hash = ContentHash.hash(utf8: fields, seed: hash ^ 2) }
        return hash
    }

    /// The hash of a frame's content.
    ///
    /// - Parameters:
    ///   - seed: that of its type.
    ///   - fields: those of its shape, if it has none of its own; nil where there are none.
    @inline(__always)
    static func content(
        seed: UInt64, pts: Int64?, text: UnsafeRawBufferPointer?, fields: UnsafeRawBufferPointer?,
        metadata: UnsafeRawBufferPointer?, payload: UnsafeRawBufferPointer?
    ) -> UInt64 {
        var hash = seed
        if let pts { hash = ContentHash.combine(hash, UInt64(bitPattern: pts)) }
        if let text { hash = ContentHash.hash(text, seed: hash ^ 1) }
        if let fields { hash = ContentHash.hash(fields, seed: hash ^ 2) }
        if let metadata { hash = ContentHash.hash(metadata, seed: hash ^ 3) }
        if let payload { hash = ContentHash.hash(payload, seed: hash ^ 4) }
        return hash
    }

    /// Chains what is missing of a frame into the hash of what is there.
    static func adding(_ omission: ContentOmission, to hash: UInt64) -> UInt64 {
        var hash = ContentHash.hash(utf8: omission.reason.rawValue, seed: hash ^ 6)
        for number in [omission.textBytes, omission.payloadBytes, omission.digest] {
            hash = ContentHash.combine(hash, number == nil ? 0 : 1)
            hash = ContentHash.combine(hash, UInt64(bitPattern: number ?? 0))
        }
        return hash
    }

    /// What stands for a stored frame in the hash of its session's events.
    static func mark(_ hash: UInt64, id: Int64, name: UnsafeRawBufferPointer?) -> UInt64 {
        let mark = ContentHash.combine(hash, UInt64(bitPattern: id))
        guard let name else { return mark }
        return ContentHash.hash(name, seed: mark)
    }
}

extension ContentHash {
    static func hash(utf8 text: String, seed: UInt64) -> UInt64 {
        var text = text
        return text.withUTF8 { hash(UnsafeRawBufferPointer($0), seed: seed) }
    }
}
