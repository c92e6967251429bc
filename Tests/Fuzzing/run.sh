#!/bin/sh
# Fuzzes under the address sanitizer: run.sh DecoderFuzz|StreamFuzz|YAMLFuzz|FramesFuzz|SessionsFuzz|HistoryFuzz [RUNS [SEED]]. Starts
# from the committed corpus; what it finds stays in .build/corpus, and an input that fails is left there as crash-*. Without a seed,
# or with 0, each run takes another way, and prints the seed that it took.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=$1
runs=${2:-1000000}
seed=${3:-0}
case $target in
    # Short inputs run fast, and 256 bytes hold a header of every kind with what it needs.
    DecoderFuzz) longest=256 ;;
    StreamFuzz) longest=4096 ;;
    YAMLFuzz | FramesFuzz | HistoryFuzz) longest=2048 ;;
    *) longest=8192 ;;
esac
# Three formats, one program.
product=$target
case $target in
    YAMLFuzz) product=FilesFuzz FUZZ_FORMAT=yaml ;;
    FramesFuzz) product=FilesFuzz FUZZ_FORMAT=frames ;;
    SessionsFuzz) product=FilesFuzz FUZZ_FORMAT=sessions ;;
esac
export FUZZ_FORMAT="${FUZZ_FORMAT:-}"
swift build --package-path "$here" -c release --product "$product" >&2
found="$here/.build/corpus/$target"
mkdir -p "$found"
# Frame types are made once and stay: no leak. The runtime's own backtrace reads what the sanitizer guards, which then reports that
# instead of the failure.
ASAN_OPTIONS=detect_leaks=0 SWIFT_BACKTRACE=enable=no \
"$(swift build --package-path "$here" -c release --show-bin-path)/$product" \
    -runs="$runs" -seed="$seed" -max_len=$longest -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$found/" "$found" "$here/Corpus/$target"
