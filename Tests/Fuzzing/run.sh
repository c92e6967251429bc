#!/bin/sh
# Fuzzes: run.sh DecoderFuzz|StreamFuzz [RUNS]. Starts from the committed corpus; what it finds stays in .build/corpus,
# and an input that fails is left there as crash-*.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=$1
runs=${2:-1000000}
case $target in
    DecoderFuzz) longest=512 ;;
    *) longest=8192 ;;
esac
swift build --package-path "$here" -c release --product "$target" >&2
found="$here/.build/corpus/$target"
mkdir -p "$found"
"$(swift build --package-path "$here" -c release --show-bin-path)/$target" \
    -runs="$runs" -max_len=$longest -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
    -artifact_prefix="$found/" "$found" "$here/Corpus/$target"
