#!/usr/bin/env bash
# Purpose: run the tests of what runs on the controller, on Linux, macOS or Windows (Git's Bash), in an environment of their own.
# Usage:   scripts/dev/controller-tests.sh [WORD...]    (words go to pytest; default: tests/unit)
# PYTHON:  the interpreter to make the environment with (default: python3, else python); 3.11 or newer.
set -euo pipefail
cd "$(dirname "$0")/../.."

main() {
  local folder=.venv/controller python=${PYTHON:-}
  [[ -n $python ]] || python=$(command -v python3 || command -v python)
  [[ -d $folder ]] || "$python" -m venv "$folder"
  python=$folder/bin/python
  [[ -e $python ]] || python=$folder/Scripts/python.exe # Windows has it there
  "$python" -m pip install --quiet --editable '.[dev]'
  (($#)) || set -- tests/unit
  "$python" -m pytest --quiet --numprocesses=auto "$@"
}

main "$@"
