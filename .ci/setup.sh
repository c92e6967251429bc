#!/bin/bash
# Installs what the system lacks: setup.sh build | test | demo ...
# With apt it installs it, as root or through sudo; elsewhere it says what to install. Does nothing where nothing is missing.
set -euo pipefail

packages=()
missing=()

need() { # what it is for people, package for apt, a command that succeeds where it is there
  local what=$1 package=$2
  shift 2
  if "$@" >/dev/null 2>&1; then return; fi
  missing+=("$what")
  packages+=("$package")
}

has_header() { printf '#include <%s>\n' "$1" | "$(command -v clang || command -v cc)" -E -x c - ; }
has_program() { command -v "$1"; }
draws_text() { convert -size 40x20 caption:x png:- | grep -q PNG; }
makes_environments() { python3 -c 'import venv, ensurepip'; }

for purpose in "$@"; do
  case $purpose in
    build) need "the SQLite library with its header" libsqlite3-dev has_header sqlite3.h ;;
    test)
      need "the sqlite3 shell" sqlite3 has_program sqlite3
      need "espeak-ng" espeak-ng has_program espeak-ng
      need "ImageMagick" imagemagick draws_text
      need "Python's venv" python3-venv makes_environments
      ;;
    demo)
      need "the sqlite3 shell" sqlite3 has_program sqlite3
      need "espeak-ng" espeak-ng has_program espeak-ng
      need "ImageMagick" imagemagick draws_text
      ;;
    *) echo "setup.sh: there is no '$purpose'; use build, test or demo" >&2; exit 2 ;;
  esac
done

if ! command -v "${SWIFT:-swift}" >/dev/null; then
  echo "Swift 6.2 or later is missing: see https://www.swift.org/install" >&2
  [[ $(id -u) == 0 && -n ${SUDO_USER:-} ]] && echo "(with sudo: build as yourself first, 'make release', then 'sudo make install')" >&2
  exit 2
fi
[[ ${#packages[@]} == 0 ]] && exit 0

say_what() { printf 'please install: %s\n' "$(IFS=,; echo "${missing[*]}" | sed 's/,/, /g')" >&2; }

if ! command -v apt-get >/dev/null; then
  say_what
  exit 2
fi
run=()
if [[ $(id -u) != 0 ]]; then
  if ! command -v sudo >/dev/null; then
    say_what
    echo "as root: apt-get install ${packages[*]}" >&2
    exit 2
  fi
  run=(sudo)
fi
mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
echo "installing ${packages[*]}"
install=("${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q)
# A fresh machine has no list of packages yet.
"${install[@]}" "${packages[@]}" || { "${run[@]}" apt-get update -q && "${install[@]}" "${packages[@]}"; }
