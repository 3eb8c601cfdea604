#!/usr/bin/env bash
# Purpose: compare, then install: what the scripts beside this one share. Sourced, never run.
# Usage: source "$(dirname "$0")/converge.sh"
# Variables: LAB_ENV (file of the settings; default /opt/lab/pxe.env)

# shellcheck source=/dev/null # the settings are made from templates/pxe.env.j2
source "${LAB_ENV:-/opt/lab/pxe.env}"

changes=0 # how many things this script changed so far

info() {
  printf '%s\n' "$*" >&2
}

fatal() {
  info "error: $*"
  exit 1
}

# tell UNIT: end with what a unit that does not run said last.
tell() {
  journalctl --quiet --no-pager --output=cat --lines=10 --unit="$1" >&2 || :
  fatal "$1 does not run; above is what it said last"
}

changed() {
  changes=$((changes + 1))
  printf 'changed: %s\n' "$1"
}

ok() {
  printf 'ok: %s\n' "$1"
}

# place SOURCE TARGET [MODE]: make TARGET equal to SOURCE in one step; the old file stays until the new one is whole.
place() {
  local source=$1 target=$2 mode=${3:-0644}
  [[ -s $source ]] || fatal "$source is missing or empty: $target stays as it is"
  if cmp --silent "$source" "$target" && [[ $(stat --format=0%a "$target") == "$mode" ]]; then
    ok "$target"
    return
  fi
  install -D --mode="$mode" "$source" "$target.new"
  mv --force "$target.new" "$target"
  relabel "$target"
  changed "$target"
}

# folder PATH...: make each folder unless it is there.
folder() {
  local path
  for path in "$@"; do
    if [[ -d $path ]]; then
      ok "$path"
    else
      install --directory --mode=0755 "$path"
      relabel "$path"
      changed "$path"
    fi
  done
}

# The label that the policy gives a path; nothing where the kernel has no SELinux.
relabel() {
  if selinux_is_on; then
    restorecon -F "$1"
  fi
}

selinux_is_on() {
  command -v selinuxenabled > /dev/null && selinuxenabled
}
