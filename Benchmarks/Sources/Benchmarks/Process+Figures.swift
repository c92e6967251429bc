#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Monotonic time in ns.
func monotonicTime() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Seconds since `start`.
func seconds(since start: Int64) -> Double { Double(monotonicTime() - start) / 1e9 }

/// What this process has used so far.
enum OwnUsage {
    private static var usage: rusage {
        var usage = rusage()
        getrusage(0, &usage)  // RUSAGE_SELF, which has another type on each system
        return usage
    }

    /// The most memory that was resident, in MB.
    static var peakMB: Double { Double(usage.ru_maxrss) / maxrssPerMB }

    /// Processor time of all threads, in seconds.
    static var cpuSeconds: Double {
        let usage = usage
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }
}

#if canImport(Darwin)
    let maxrssPerMB = 1_048_576.0
#else
    let maxrssPerMB = 1_024.0
#endif

/// The figures that a case prints for the one who collects them: one `name value` a line.
func report(_ name: String, _ value: Double) { print(name, value) }

/// Removes a history and what stands beside it.
func removeHistory(_ path: String) {
    for suffix in ["", "-wal", "-shm", ".lock", ".new"] { unlink(path + suffix) }
}

extension Array where Element: Comparable {
    /// The value below which so large a part of all lies.
    func percentile(_ part: Double) -> Element { sorted()[Swift.min(count - 1, Int(Double(count) * part))] }
    var median: Element { percentile(0.5) }
}
