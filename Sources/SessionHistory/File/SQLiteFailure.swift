import GRDB
import GRDBSQLite

/// A failure of SQLite's C interface, with its own words.
struct SQLiteFailure: Error {
    var code: Int32
    var message: String

    init(_ db: OpaquePointer?) {
        code = sqlite3_extended_errcode(db)
        message = sqlite3_errmsg(db).map { String(cString: $0) } ?? "unknown error"
    }
}

/// SQLITE_IOERR_WRITE, a macro that Swift cannot import.
private let ioErrorWrite: Int32 = SQLITE_IOERR | 3 << 8

extension HistoryError {
    /// What `error` means to somebody who uses the history in `path`; `doing` says what failed, as "cannot read" does.
    init(_ error: any Error, path: String, doing: String) {
        switch error {
        case let error as HistoryError: self = error
        case let error as SQLiteFailure:
            self.init(sqlite: error.code, error.message, path: path, doing: doing)
        case let error as DatabaseError:
            self.init(
                sqlite: error.extendedResultCode.rawValue, error.message ?? "unknown error", path: path, doing: doing)
        case is WrongValue, is JSONReader.Failure:
            self.init(
                .damaged, "\(doing) \(path): \(error); 'lockstep recover' salvages what is readable")
        default: self.init(.storage, "\(doing) \(path): \(error)")
        }
    }

    private init(sqlite code: Int32, _ words: String, path: String, doing: String) {
        let what = "\(doing) \(path): "
        switch code & 0xFF {
        case SQLITE_BUSY, SQLITE_LOCKED:
            let holder = LockHolder.describe(path) ?? "another program"
            self.init(.busy, what + "\(holder) holds it locked; end its transaction, or the program, and try again")
        case SQLITE_FULL:
            self.init(.full, what + "the disk is full; free some space. What was committed before is intact")
        case SQLITE_IOERR where code == ioErrorWrite:
            self.init(
                .full,
                what + "the file cannot be written (\(words)): the disk may be gone, or a limit on file sizes reached "
                    + "(ulimit -f). What was committed before is intact")
        case SQLITE_IOERR:
            self.init(
                .storage, what + "\(words): the disk may be gone or failing. What was committed before is intact")
        case SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH, SQLITE_CANTOPEN:
            self.init(
                .noPermission, what + "\(words); check that the file and its folder are there and may be written")
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            self.init(.damaged, what + "the file is damaged (\(words)); 'lockstep recover' salvages what is readable")
        default: self.init(.storage, what + words)
        }
    }
}
