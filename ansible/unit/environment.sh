#!/usr/bin/env bash
# Makes the Python environment that runs Ansible on the bootstrap server. Run as root; safe to repeat.
# Usage: environment.sh REQUIREMENTS_FILE [INDEX_URL]
# Wheels are kept in /opt/lab/wheels: what is there is not fetched again. Prints `changed: WHAT` or `ok: WHAT`.
set -euo pipefail

readonly VENV=/opt/lab/venv WHEELS=/opt/lab/wheels

find_python() {
  local name
  for name in python3.12 python3.11 python3.13; do # what ansible-core 2.19 runs on
    command -v "$name" && return
  done
  dnf --assumeyes --quiet install python3.12 >&2
  command -v python3.12
}

main() {
  local requirements=$1 index=${2-} python
  local -a source=()
  if [[ -e $VENV/requirements.txt && $(< "$requirements") == "$(< "$VENV/requirements.txt")" ]]; then
    echo "ok: $VENV"
    return
  fi
  if [[ -n $index ]]; then
    source=(--index-url "$index")
    # pip refuses an index over plain http unless its host is named as trusted.
    [[ $index != http://* ]] || source+=(--trusted-host "$(cut -d/ -f3 <<< "$index" | cut -d: -f1)")
  fi
  python=$(find_python)
  "$python" -m venv --clear "$VENV"
  mkdir -p "$WHEELS"
  if ! "$VENV/bin/pip" --quiet install --no-index --find-links "$WHEELS" --requirement "$requirements" 2> /dev/null; then
    "$VENV/bin/pip" --quiet download --dest "$WHEELS" "${source[@]}" --requirement "$requirements"
    "$VENV/bin/pip" --quiet install --no-index --find-links "$WHEELS" --requirement "$requirements"
  fi
  install -m 0644 "$requirements" "$VENV/requirements.txt" # last: it says that the environment is complete
  echo "changed: $VENV"
}

main "$@"
