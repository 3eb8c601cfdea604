#!/usr/bin/env bash
# Purpose: make the virtual environment that `make` uses, with the project and its tools, only when it is not up to date.
# Usage:   scripts/dev/venv.sh DIRECTORY
# PYTHON:  the interpreter to use (default: the newest of python3.13 .. python3.11, else python3); 3.11 or newer.
set -euo pipefail

info() { echo "==> $*" >&2; }

fatal() {
  echo "error: $*" >&2
  exit 1
}

is_usable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; }

find_python() {
  local name
  for name in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if command -v "$name" > /dev/null && is_usable "$name"; then
      echo "$name"
      return
    fi
  done
}

# Debian ships Python without the module that makes environments; a fresh machine may have no Python at all.
install_python() {
  if [[ $EUID -ne 0 ]] || ! command -v apt-get > /dev/null; then
    fatal "Python 3.11 or newer with venv is missing; install it (Debian: apt-get install python3-venv)"
  fi
  info "installing python3-venv (apt)"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv > /dev/null
}

make_environment() {
  local directory=$1 python
  python=$(find_python)
  if [[ -z $python ]] || ! "$python" -c 'import ensurepip, venv' 2> /dev/null; then
    install_python
    python=$(find_python)
  fi
  [[ -n $python ]] || fatal "no Python 3.11 or newer was found"
  info "virtual environment in $directory ($("$python" --version))"
  "$python" -m venv "$directory"
}

main() {
  local directory=${1:?name the directory of the environment}
  local stamp=$directory/.up-to-date
  [[ -f $stamp && ! pyproject.toml -nt $stamp ]] && return
  is_usable "$directory/bin/python" || make_environment "$directory"
  info "installing the project and its tools (pip)"
  "$directory/bin/python" -m pip install --quiet --editable '.[dev]'
  touch "$stamp"
}

main "$@"
