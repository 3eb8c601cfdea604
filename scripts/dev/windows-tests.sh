#!/usr/bin/env bash
# Purpose: run the unit and contract tests on a real Windows Python, under Wine, as on a Korean Windows (code page 949),
#          then what code pages matter to as on a western one (1252).
#          Where Wine or the packages cannot be had, it says so and ends well.
# Usage:   scripts/dev/windows-tests.sh [--most-different | WORD...]   with the virtual environment's bin on the PATH
#          --most-different: only what differs most between systems (two minutes); words go to pytest
# Keeps:   what it fetched and Wine's folder, in ~/.cache/hyperv-k8s-lab (XDG_CACHE_HOME)
set -euo pipefail
cd "$(dirname "$0")/../.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/hyperv-k8s-lab/windows
cannot_fetch=75 # as scripts/dev/windows-python.sh ends then
packages=(wine64 libwine libz-mingw-w64 locales)
# Code pages, paths, what is typed, Ctrl-C and threads, files of state, locks, passwords, and the real `inv`.
most_different=(
  tests/unit/{windows,consent,description,executor,journal,lock,session} tests/unit/{hyperv/test_winrm,ssh/test_ctrl_c}.py
  tests/contracts/input/test_code_pages.py tests/contracts/input/test_files.py::test_a_line_that_cannot_be_run
)
of_code_pages=(tests/contracts/input/test_code_pages.py tests/unit/windows)

info() { echo "==> $*" >&2; }

skip() { info "skipped, the tests on a Windows Python: $*"; }

find_wine() { command -v wine64 || command -v /usr/lib/wine/wine64 || true; }

# Korean and English are made of what the package locales has.
is_ready() { [[ -n $(find_wine) && -e /usr/share/i18n/locales/ko_KR ]] && command -v localedef > /dev/null; }

install_wine() {
  [[ $EUID -eq 0 ]] && command -v apt-get > /dev/null || return 0
  info "installing Wine (apt): ${packages[*]}"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=120 "${packages[@]}" > /dev/null # in CI another target may be installing beside it
}

# in_wine LOCALE WORD...: its input and outputs are pipes, since files and /dev/null are none that this Wine can take.
in_wine() {
  local locale=$1 root=Z:${PWD//\//\\}
  shift
  : | env -u PYTHONDONTWRITEBYTECODE -u LAB_PWSH -u LAB_PSLINT WINEPREFIX="$cache/prefix" WINESERVER="$server" WINEDEBUG=-all WINEARCH=win64 \
    WINEDLLOVERRIDES='mscoree,mshtml=;winemenubuilder.exe=d' LOCPATH="$cache/python/locale" LC_ALL="$locale.UTF-8" \
    PYTHONPATH="$root" "$wine" "$@" 2>&1 9>&- | cat
}

# run_tests LOCALE CODE_PAGE WORD...
run_tests() {
  local locale=$1 page=$2 begin=$SECONDS report result=0
  shift 2
  report=$(mktemp)
  in_wine "$locale" "$cache/python/python/python.exe" -u -m pytest --quiet -p no:cacheprovider --durations=0 "$@" |
    tee "$report" || result=$?
  summary+=("code page $page: $(tail -n 1 "$report"), $(((SECONDS - begin + 30) / 60)) minutes in all")
  rm "$report"
  return "$result"
}

# What Windows starts beside a program would outlive the tests.
end_wine() { WINEPREFIX="$cache/prefix" "$server" -k || true; }

main() {
  local result=0 summary=()
  mkdir -p "$cache"
  exec 9> "$cache/lock"
  flock 9 # ending Wine here would end it for another run
  is_ready || install_wine || true
  if ! is_ready; then
    skip "Wine or Korean cannot be had here (Debian: apt-get install ${packages[*]})"
    return
  fi
  scripts/dev/windows-python.sh "$cache/python" || result=$?
  if ((result == cannot_fetch)); then
    skip "their packages cannot be fetched"
    return
  fi
  ((result == 0)) || return "$result"
  wine=$(find_wine)
  server=/usr/lib/wine/wineserver64 # Debian's loader does not find this one
  [[ -x $server ]] || server=$(command -v wineserver)
  trap end_wine EXIT
  [[ -d $cache/prefix ]] || in_wine en_US wineboot --init
  if [[ ${1-} == --most-different ]]; then
    run_tests ko_KR 949 --numprocesses=2 "${most_different[@]}" || result=$?
    run_tests en_US 1252 "${of_code_pages[@]}" || result=$?
  elif (($#)); then
    run_tests ko_KR 949 "$@" || result=$?
  else
    run_tests ko_KR 949 --numprocesses=2 tests/unit tests/contracts || result=$?
    run_tests en_US 1252 "${of_code_pages[@]}" || result=$?
  fi
  printf '==> Windows Python, %s\n' "${summary[@]}" >&2
  return "$result"
}

main "$@"
