import Foundation

/// Where a WhiskerServer listens.
struct WhiskerAddress: Sendable, Hashable, CustomStringConvertible {
    var host: String
    var port: Int
    var path: String
    var isSecure: Bool

    /// - Throws: `WhiskerError.Code.badAddress`.
    init(_ text: String) throws(WhiskerError) {
        func bad(_ reason: String) -> WhiskerError {
            WhiskerError(
                .badAddress,
                "\(WhiskerReader.quoted(text)) \(reason); give the bot's WhiskerServer as ws://HOST:PORT, its port is 9090 "
                    + "unless the bot says otherwise")
        }
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased() else {
            throw bad("is no address")
        }
        guard scheme == "ws" || scheme == "wss" else { throw bad("is neither a ws nor a wss address") }
        guard var host = parts.host, !host.isEmpty else { throw bad("has no host") }
        guard parts.user == nil, parts.password == nil else { throw bad("has a user, which Whisker does not know") }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        isSecure = scheme == "wss"
        let port = parts.port ?? (isSecure ? 443 : 9090)
        guard (1...65_535).contains(port) else { throw bad("has a port that does not exist") }
        self.host = host
        self.port = port
        path =
            (parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath)
            + (parts.percentEncodedQuery.map { "?\($0)" } ?? "")
    }

    var description: String { "\(isSecure ? "wss" : "ws")://\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}
