#!/bin/sh
# Makes the virtual environment in which the tests run real Pipecat bots: .venv at the top of the repository, or where
# LOCKSTEP_PIPECAT_VENV says. Does nothing when it is there already.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${LOCKSTEP_PIPECAT_VENV:-"$here/../../.venv"}
stamp="$venv/lockstep-requirements.txt"
if cmp -s "$here/requirements.txt" "$stamp"; then exit 0; fi
python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
cp "$here/requirements.txt" "$stamp"
