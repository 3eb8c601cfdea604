#!/usr/bin/env bash
# Purpose:   run every linter over the tree; each runs even when an earlier one found something.
# Usage:     make lint   (or scripts/dev/lint.sh with the virtual environment's bin on the PATH)
# LAB_PSLINT: a linter for Windows PowerShell 5.1 (default: pslint on the PATH; without one this is said and skipped).
set -uo pipefail

failed=()

run() {
  local name=$1
  shift
  echo "==> $name" >&2
  "$@" || failed+=("$name")
}

lint_ansible() (cd ansible && ansible-lint --offline --strict -q)

lint_powershell() {
  local pslint=${LAB_PSLINT:-pslint}
  if ! command -v "$pslint" > /dev/null; then
    echo "    skipped: no pslint (LAB_PSLINT, PATH)" >&2
    return 0
  fi
  "$pslint" --strict --windows10 scripts/powershell
}

main() {
  local -a bash_files
  mapfile -t bash_files < <(git ls-files 'scripts/**/*.sh' 'rehearsal/**/*.sh' .ci/run rehearsal/upstream/files/nfs-server)
  run ruff ruff check .
  run format ruff format --check --quiet .
  run mypy mypy
  run imports lint-imports --no-logo
  run yamllint yamllint --strict .
  run ansible-lint lint_ansible
  run shellcheck shellcheck "${bash_files[@]}"
  run shfmt shfmt -d -i 2 -ci -sr "${bash_files[@]}"
  run pslint lint_powershell
  if ((${#failed[@]})); then
    echo "lint: found something: ${failed[*]}" >&2
    exit 1
  fi
  echo "lint: clean" >&2
}

main "$@"
