#!/bin/sh
# Records every bot that ends, or hangs, by itself, whole, with what its process saw: record-all.sh FOLDER.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${LOCKSTEP_PIPECAT_VENV:-"$here/../../.venv"}/bin/python
export PYTHONDONTWRITEBYTECODE=1
mkdir -p "$1"
cd "$here"
for name in $("$python" -c 'from bots import BOTS; print(*(n for n in BOTS if n not in ("forever", "killed")))' 2>/dev/null); do
    "$python" bot.py "$name" --whole-file "$1/$name.whisk" --truth "$1/$name.jsonl" 2>"$1/log"
done
"$python" bot.py audio --leave-audio-out --whole-file "$1/audio-left-out.whisk" --truth "$1/audio-left-out.jsonl" 2>"$1/log"
rm "$1/log"
