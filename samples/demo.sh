#!/bin/bash
# The demo: twelve sentences, each drawn by ImageMagick and spoken by espeak-ng, recorded live in both orders.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$1
lockstep() { "$binary" "$@"; }
export LOCKSTEP_DB=demo.sqlite
rm -f demo.sqlite demo.sqlite-wal demo.sqlite-shm demo.sqlite.lock

step() { # a sentence, then the command, which may find differences (exit 1)
  printf '\n\033[1m%s\033[0m\n$ %s\n' "$1" "${*:2}"
  "${@:2}" || [[ $? == 1 ]]
}

step "Record twelve sentences live, released in the order of arrival" \
  lockstep record --pipeline samples/calendar/arrival.yaml --input samples/calendar/sentences.jsonl --output demo.jsonl
step "What was recorded" lockstep show last
step "Replay it through the engine: does the recording come back?" lockstep replay last
step "What the order decides: ARRIVAL against PIPELINE, in the first three batches" lockstep diff last --limit 3
step "One batch in time" lockstep show last --batch 2
step "And the history is plain SQL" \
  sqlite3 -box demo.sqlite "SELECT branch, count(*) AS batches, sum(straggler) AS came_last,
    round(avg(waited_ms), 1) AS waited_ms FROM barriers WHERE session = 1 GROUP BY branch"

printf '\nThe history is demo.sqlite, the released frames are demo.jsonl. Next: README.md, the five-minute tour.\n'
