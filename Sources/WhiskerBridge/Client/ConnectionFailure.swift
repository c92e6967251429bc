import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Says in words why a connection did not come about.
enum ConnectionFailure {
    static func explain(_ error: any Error, _ address: WhiskerAddress) -> any Error {
        switch error {
        case is WhiskerError, is CancellationError: return error
        case let error as NIOConnectionError:
            return WhiskerError(
                .unreachable,
                "nobody listens at \(address)\(reason(error)); start the bot with its WhiskerServer first, or wait for it "
                    + "with --wait")
        case ChannelError.connectTimeout:
            return WhiskerError(
                .unreachable,
                "\(address) does not answer; check the host and the port, and that no firewall is between")
        case let error as NIOSSLError: return untrusted("\(error)", address)
        case let error as BoringSSLError: return untrusted("\(error)", address)
        case is NIOSSLExtraError: return untrusted("\(error)", address)
        default:
            return WhiskerError(
                .refused,
                "\(address) answers, but not as a WebSocket server (\(error)); give the port of the bot's WhiskerServer, "
                    + "9090 unless the bot says otherwise")
        }
    }

    private static func untrusted(_ reason: String, _ address: WhiskerAddress) -> WhiskerError {
        let why: String
        if reason.contains("CERTIFICATE_VERIFY_FAILED") {
            why =
                "its certificate is not of an authority that is trusted here, or has expired; give the authority's "
                + "certificate with --certificates"
        } else if reason.contains("failedToValidateHostname") {
            why = "its certificate is for another host; use the name that the certificate is for"
        } else if reason.contains("WRONG_VERSION_NUMBER") {
            why = "it does not speak TLS; use ws:// if nobody can listen in on the way there"
        } else {
            // What BoringSSL says names places in its own source, too.
            let code = reason.range(of: "OPENSSL_internal:").map { reason[$0.upperBound...].prefix { $0 != " " } }
            why =
                "the TLS handshake failed (\(code.map(String.init) ?? reason)); check that a server with a certificate "
                + "listens there"
        }
        return WhiskerError(.refused, "\(address) cannot be trusted: \(why)")
    }

    /// The first reason that the system gave, in brackets.
    private static func reason(_ error: NIOConnectionError) -> String {
        if error.connectionErrors.isEmpty {
            return error.dnsAError != nil || error.dnsAAAAError != nil ? " (the host is not known)" : ""
        }
        guard let first = error.connectionErrors.first?.error as? IOError else { return "" }
        return " (\(String(cString: strerror(first.errnoCode))))"
    }
}

/// How a connection is secured.
struct ConnectionSecurity: Sendable {
    private let context: NIOSSLContext
    /// nil for an address in numbers: the certificate is then held against the address.
    private let hostName: String?

    init(_ context: NIOSSLContext, hostName: String?) {
        self.context = context
        self.hostName = hostName
    }

    func secure(_ channel: any Channel) throws {
        try channel.pipeline.syncOperations.addHandler(
            NIOSSLClientHandler(context: context, serverHostname: hostName))
    }
}

extension WhiskerClient.Options {
    /// nil for an address without TLS.
    func security(for address: WhiskerAddress) throws(WhiskerError) -> ConnectionSecurity? {
        guard address.isSecure else { return nil }
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let trustedCertificates { configuration.trustRoots = .file(trustedCertificates) }
        do {
            let isNumeric = (try? SocketAddress(ipAddress: address.host, port: address.port)) != nil
            return ConnectionSecurity(
                try NIOSSLContext(configuration: configuration), hostName: isNumeric ? nil : address.host)
        } catch {
            throw WhiskerError(
                .unreadable,
                "the certificates to trust\(trustedCertificates.map { " in '\($0)'" } ?? "") cannot be read; give a PEM file "
                    + "that is there and holds certificates")
        }
    }
}
