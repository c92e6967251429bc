/// What the first bytes of an image say about it.
struct ImageHeader: Equatable {
    /// `PNG`, `JPEG`, `GIF`, `WEBP`; nil for what is none of them.
    var format: String?
    /// In pixels; known for PNG and GIF, whose headers have it at a fixed place.
    var size: (width: Int, height: Int)?

    init(_ bytes: [UInt8]) {
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            format = "PNG"
            if bytes.count >= 24, bytes.has("IHDR", at: 12) {
                size = (bytes.bigEndian(at: 16), bytes.bigEndian(at: 20))
            }
        } else if bytes.has("GIF8", at: 0) {
            format = "GIF"
            if bytes.count >= 10 { size = (bytes.integer(at: 6, bytes: 2), bytes.integer(at: 8, bytes: 2)) }
        } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            format = "JPEG"
        } else if bytes.has("RIFF", at: 0), bytes.has("WEBP", at: 8) {
            format = "WEBP"
        }
    }

    static func == (left: ImageHeader, right: ImageHeader) -> Bool {
        left.format == right.format && left.size?.width == right.size?.width && left.size?.height == right.size?.height
    }
}

extension [UInt8] {
    /// A big-endian number of 4 bytes at `offset`, which is known to be inside.
    fileprivate func bigEndian(at offset: Int) -> Int { (0..<4).reduce(0) { $0 << 8 | Int(self[offset + $1]) } }
}
