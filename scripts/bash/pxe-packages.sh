#!/usr/bin/env bash
# Purpose: install the packages that the bootstrap server's services need; those that are there are left alone.
# Usage: pxe-packages.sh
# Variables: PXE_PACKAGES (RPM names, separated by spaces)
set -euo pipefail
# shellcheck source=scripts/bash/converge.sh
source "$(dirname "$0")/converge.sh"
: "${PXE_PACKAGES:?set in the env file}"

main() {
  local -a missing=()
  local package
  for package in $PXE_PACKAGES; do
    if rpm --query --quiet --whatprovides "$package"; then
      ok "package $package"
    else
      missing+=("$package")
    fi
  done
  ((${#missing[@]} > 0)) || return 0
  info "installing ${missing[*]}"
  dnf --assumeyes --quiet install "${missing[@]}" >&2
  for package in "${missing[@]}"; do
    changed "package $package"
  done
}

main "$@"
