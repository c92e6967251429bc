#!/bin/sh
# Builds everything in release and measures it: see README.md. Arguments go to run.py (--quick, --full, --only WORD …).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
swift=${SWIFT:-swift}
"$swift" build -c release --package-path "$here" >&2
# As it is installed.
make -C "$here/.." SWIFT="$swift" release >&2
bin=$("$swift" build -c release --package-path "$here" --show-bin-path)
lockstep=$here/../.build-install/release/lockstep
if [ -z "${LOCKSTEP_PIPECAT_VENV:-}" ] && [ -x "$here/../Tests/pipecat/setup.sh" ]; then
  "$here/../Tests/pipecat/setup.sh" || echo "no Pipecat: it is left out of the table" >&2
fi
exec python3 "$here/run.py" --benchmarks "$bin/Benchmarks" --lockstep "$lockstep" "$@"
