"""Runs the benchmarks one after the other and prints one table.

    python3 run.py --benchmarks PATH --lockstep PATH [--quick | --full] [--runs N] [--only WORD] [--folder FOLDER]

Every case runs in a process of its own. Where a figure is compared with another, the two run in turns, --runs times each, and
the medians stand in the table with the median of the ratios: on a machine that is not idle, ratios say more than figures.
--only leaves out the groups whose name does not contain WORD.
"""

import argparse
import datetime
import os
import pathlib
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

here = pathlib.Path(__file__).resolve().parent
parser = argparse.ArgumentParser()
parser.add_argument("--benchmarks", required=True)
parser.add_argument("--lockstep", required=True)
size = parser.add_mutually_exclusive_group()
size.add_argument("--quick", action="store_true", help="a minute or two: to see that it runs")
size.add_argument("--full", action="store_true", help="the sizes that the targets name")
parser.add_argument("--runs", type=int, help="how often what is compared is measured; default 3, with --quick 1")
parser.add_argument("--only", default="")
parser.add_argument("--folder", help="where the histories are written, and removed again; default: the system's")
options = parser.parse_args()
level = 0 if options.quick else 2 if options.full else 1


def sized(quick, normal, full):
    return (quick, normal, full)[level]


folder = pathlib.Path(tempfile.mkdtemp(prefix="lockstep-bench-", dir=options.folder))
rows = []


def history(name):
    return str(folder / (name + ".sqlite"))


def row(what, figure, ratio="", target="", reached=None):
    verdict = "" if reached is None else "reached" if reached else "not reached"
    rows.append((what, figure, ratio, target, verdict))
    print(f"{what}: {figure}  {ratio}  {verdict}", file=sys.stderr)


def case(name, **parameters):
    """The figures of one case, measured once."""
    arguments = [options.benchmarks, name] + [f"{key}={value}" for key, value in parameters.items()]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"failed: {' '.join(arguments)}")
    return {key: float(value) for key, value in (line.split() for line in done.stdout.splitlines())}


def in_turns(*measures):
    """The results of several measurements, made in turns: a list for each."""
    results = [[] for _ in measures]
    for _ in range(options.runs or (1 if options.quick else 3)):
        for result, measure in zip(results, measures):
            result.append(measure())
    return results


def median(results, key=None):
    return statistics.median(result[key] if key else result for result in results)


def ratio(results, others, key="frames_per_s"):
    """The median of the ratios of measurements made side by side."""
    return statistics.median(a[key] / b[key] for a, b in zip(results, others))


def command(*arguments):
    """Seconds and peak memory in MB of one command, its output thrown away."""
    with open(os.devnull, "r+b") as nothing:
        began = time.perf_counter()
        child = subprocess.Popen(arguments, stdin=nothing, stdout=nothing)
        _, status, usage = os.wait4(child.pid, 0)
        elapsed = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 1):
        raise SystemExit(f"exit {child.returncode}: {' '.join(arguments)}")
    return elapsed, usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def size_on_disk(path):
    """Bytes of a history, what its write-ahead log still holds included."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return os.path.getsize(path)


def python_with_pipecat():
    venv = pathlib.Path(os.environ.get("LOCKSTEP_PIPECAT_VENV", here.parent / ".venv"))
    python = venv / "bin" / "python"
    return str(python) if python.exists() else None


def pipecat(*arguments):
    done = subprocess.run(
        [python_with_pipecat(), str(here / "pipecat_rate.py"), *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    if done.returncode != 0:
        raise SystemExit("Pipecat's measurement failed")
    frames_per_s, cpu = map(float, done.stdout.split()[:2])
    return {"frames_per_s": frames_per_s, "cpu_us_per_frame": cpu}


def rate(results):
    return f"{median(results, 'frames_per_s'):,.0f} frames/s"


# The groups


def rates():
    frames = sized(40_000, 200_000, 400_000)
    recorded, floor = history("recorded"), history("floor")
    measures = [
        lambda: case("rate", frames=frames * 5),
        lambda: case("rate", frames=frames, processors="async"),
        lambda: case("rate", frames=frames, history=recorded),
        lambda: case("floor", source=recorded, target=floor, frames=frames),
        lambda: case("replay", history=recorded, kept=0),
        lambda: case("diff", history=recorded),
        lambda: case("rate", frames=frames, history=history("held"), write_ahead=1),
        lambda: case("rate", frames=frames, history=history("hashed"), payload="hash"),
    ]
    if python_with_pipecat():
        few = sized(1_000, 4_000, 8_000)
        measures += [lambda: pipecat(few), lambda: pipecat(few, folder / "bot.whisk")]
    else:
        print("no virtual environment with Pipecat (LOCKSTEP_PIPECAT_VENV): left out", file=sys.stderr)
    immediate, asynchronous, written, bare, replayed, compared, held, hashed, *bots = in_turns(*measures)
    if bots:
        alone, whisked = bots

        def times(results):
            text = f"{ratio(results, alone):,.0f} × Pipecat"
            if "cpu_us_per_frame" not in results[0]:
                return text
            # What a busy machine takes away from one side counts on neither.
            return text + f" ({ratio(alone, results, 'cpu_us_per_frame'):,.0f} × by processor time)"

        row("Pipecat 1.14.0", rate(alone), "1")
        row("Pipecat 1.14.0, Whisker recording to a file", rate(whisked), f"{ratio(whisked, alone):.2f} × Pipecat")
    else:

        def times(results):
            return ""

    row(
        "engine, not recording, immediate processors", rate(immediate), times(immediate), "200 × Pipecat",
        ratio(immediate, alone) >= 200 if bots else None,
    )
    row(
        "engine, not recording, async processors", rate(asynchronous), times(asynchronous), "200 × Pipecat",
        ratio(asynchronous, alone) >= 200 if bots else None,
    )
    per_floor = ratio(written, bare)
    row(
        "recorded", rate(written), f"{per_floor:.2f} × floor" + (f", {times(written)}" if bots else ""),
        "100,000 frames/s, 0.8 × floor", median(written, "frames_per_s") >= 100_000 and per_floor >= 0.8,
    )
    row("floor: the same rows through the SQLite C API", rate(bare), f"{median(bare, 'rows_per_s'):,.0f} rows/s")
    row("recorded, --write-ahead", rate(held), f"{ratio(held, written):.2f} × recorded")
    row("recorded, --payload hash", rate(hashed), f"{ratio(hashed, written):.2f} × recorded")
    row("replay", rate(replayed), times(replayed))
    row("diff", rate(compared), times(compared))


def minute():
    frames = sized(100_000, 2_000_000, 12_000_000)
    result = case("rate", frames=frames, history=history("minute"))
    row(
        f"recorded, {frames:,} frames in one go", rate([result]), f"{result['rss_mb']:.0f} MB resident",
        "100,000 frames/s, 200 MB", result["frames_per_s"] >= 100_000 and result["rss_mb"] < 200,
    )


def flatness():
    frames = sized(40_000, 400_000, 1_000_000)
    counts = (2, 8, 64)
    results = in_turns(*(lambda n=n: case("rate", frames=frames * 2 // n, branches=n) for n in counts))
    costs = [median(result, "cpu_us_per_frame") / count for result, count in zip(results, counts)]
    row(
        "processor time per output, 2, 8, 64 branches", " · ".join(f"{cost * 1000:.0f}" for cost in costs) + " ns",
        f"{max(costs) / costs[0]:.2f}", "flat", max(costs) / costs[0] <= 1.1,
    )
    lengths = [10, 1_000, 100_000, 1_000_000] + ([10_000_000] if level == 2 else [])
    lengths = lengths[: sized(3, 5, 5)]
    results = in_turns(*(lambda n=n: case("rate", frames=n) for n in lengths))
    row(
        "processor time per frame, " + ", ".join(f"{n:,}" for n in lengths) + " frames",
        " · ".join(f"{median(result, 'cpu_us_per_frame') * 1000:.0f}" for result in results) + " ns", "", "flat",
        median(results[-1], "cpu_us_per_frame") <= 1.1 * median(results[2], "cpu_us_per_frame"),
    )
    memory = [median(result, "rss_mb") for result in results]
    row("resident memory, the same", " · ".join(f"{each:.0f}" for each in memory) + " MB", "", "flat", memory[-1] < memory[0] + 10)


def latency():
    duration = sized(2, 5, 20)
    plain, recorded = in_turns(
        lambda: case("latency", seconds=duration), lambda: case("latency", seconds=duration, history=history("latency"))
    )
    middle = median([b["median_us"] - a["median_us"] for a, b in zip(plain, recorded)])
    far = median([b["p99_us"] - a["p99_us"] for a, b in zip(plain, recorded)])
    row(
        "latency at 1,000 frames/s, median: not recorded · recorded",
        f"{median(plain, 'median_us'):.1f} · {median(recorded, 'median_us'):.1f} µs", f"{middle:+.1f} µs", "+10 µs", middle <= 10,
    )
    row(
        "latency at 1,000 frames/s, 99th percentile", f"{median(plain, 'p99_us'):.1f} · {median(recorded, 'p99_us'):.1f} µs",
        f"{far:+.1f} µs", "+100 µs", far <= 100,
    )


def many():
    duration = sized(3, 10, 60)
    result = case("many", sessions=1_000, rate=50, seconds=duration, history=history("many"))
    row(
        f"1,000 sessions of 50 frames/s for {duration} s: 99th percentile of the release", f"{result['p99_ms']:.1f} ms",
        f"{result['lost']:.0f} lost, {result['cores']:.2f} cores, {result['rss_mb']:.0f} MB", "20 ms, 0 lost",
        result["p99_ms"] < 20 and result["lost"] == 0,
    )


def media():
    for name, texts, frames in (("audio", sized(100, 1_000, 5_000), 100), ("images", sized(20, 200, 500), 1)):
        source, target = history(name), history(name + "-floor")
        recorded, bare, hashed = in_turns(
            lambda: case(name, texts=texts, history=source),
            lambda: case("floor", source=source, target=target, frames=texts * frames),
            lambda: case(name, texts=texts, history=history(name + "-hashed"), payload="hash"),
        )
        what = "20 ms of audio (960 bytes)" if name == "audio" else "images of 1 MB"
        part = ratio(recorded, bare)
        row(
            f"{what}, recorded", f"{median(recorded, 'mb_per_s'):.0f} MB/s", f"{part:.2f} × floor", "0.7 × floor", part >= 0.7
        )
        row(f"{what}, floor", f"{median(bare, 'mb_per_s'):.0f} MB/s")
        row(
            f"{what}, recorded with --payload hash", f"{median(hashed, 'mb_per_s'):.0f} MB/s",
            f"{ratio(hashed, recorded):.2f} × recorded",
        )
        if name == "audio":
            bursts = size_on_disk(source)
            # What a history takes that has a session and nothing in it.
            case("stream", frames=0, history=source)
            empty = size_on_disk(source)
            sizes = [(bursts - empty) / recorded[-1]["payload"]]
            for frames, live in ((sized(2_000, 20_000, 200_000), 0), (sized(250, 1_500, 3_000), 1)):
                streamed = case("stream", frames=frames, live=live, history=source)
                sizes.append((size_on_disk(source) - empty) / streamed["payload"])
            row(
                "size on disk against the audio in it: in bursts · frame by frame through a stage · the same live",
                " · ".join(f"{size:.3f}" for size in sizes), "", "1.1", max(sizes) <= 1.1,
            )


def listing():
    count, payload = sized((1_000, 1 << 10), (10_000, 16 << 10), (10_000, 512 << 10))
    path = history("closed")
    case("closed", sessions=count, bytes=payload, history=path)
    size = size_on_disk(path)
    times = [command(options.lockstep, "sessions", "--db", path) for _ in range(9)]
    middle = statistics.median(time for time, _ in times)
    row(
        f"sessions: {count:,} sessions, {size / 1e9:.1f} GB", f"{middle * 1000:.0f} ms",
        f"{max(memory for _, memory in times):.0f} MB", "50 ms", middle < 0.05,
    )


def reading():
    frames = sized(10_000, 100_000, 1_000_000)
    path = history("large")
    case("rate", frames=frames, history=path)
    target = str(folder / "export.jsonl")
    seconds = {}
    for name, arguments in {
        "show": ["show", "last"],
        "diff": ["diff", "last"],
        "replay": ["replay", "last", "--order", "arrival"],
        "export": ["export", "last", "--format", "jsonl", "--output", target],
    }.items():
        seconds[name], memory = command(options.lockstep, *arguments, "--db", path)
        row(
            f"{name}: a session of {frames:,} batches", f"{seconds[name]:.2f} s", f"{memory:.0f} MB", "300 MB", memory < 300
        )
        if os.path.exists(target):
            os.remove(target)
    if shutil.which("sqlite3"):
        sql = "SELECT e.*, f.frame_id, f.shape, f.pts, f.name FROM event AS e LEFT JOIN frame AS f ON f.id = e.frame"
        compared, read = in_turns(
            lambda: command(options.lockstep, "diff", "last", "--db", path)[0],
            lambda: command("sqlite3", "-readonly", path, sql)[0],
        )
        part = statistics.median(a / b for a, b in zip(compared, read))
        row("diff against the sqlite3 shell reading the same rows", f"{median(compared):.2f} s", f"{part:.2f}", "3", part <= 3)


def start():
    times = [command(options.lockstep, "--help")[0] for _ in range(21)]
    row("start of the process", f"{statistics.median(times) * 1000:.1f} ms", "", "20 ms", statistics.median(times) < 0.02)


def machine():
    model = platform.machine()
    try:
        with open("/proc/cpuinfo") as lines:
            model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    load = "load %.1f" % os.getloadavg()[0]
    return f"{datetime.date.today()}, {os.cpu_count()} cores, {model}, {platform.system()}, {load} at the start"


def table():
    header = ("measured", "figure", "ratio", "target", "")
    lines = [header] + rows
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for index, line in enumerate(lines):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |")
        if index == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def main():
    title = machine()
    try:
        for group in (rates, minute, flatness, latency, many, media, listing, reading, start):
            if options.only in group.__name__:
                group()
                for path in folder.iterdir():
                    path.unlink()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        print(title + "\n")
        table()


main()
