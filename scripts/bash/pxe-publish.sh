#!/usr/bin/env bash
# Purpose: install the kickstarts and GRUB files that lie in the publish folder; those of machines that are no longer
#   described are removed. Armed machines stay armed.
# Usage: pxe-publish.sh [FOLDER]   (default: /opt/lab/publish)
# Variables: PXE_MACHINES (MACHINE=MAC-with-dashes, separated by spaces)
set -euo pipefail
# shellcheck source=scripts/bash/converge.sh
source "$(dirname "$0")/converge.sh"
: "${PXE_MACHINES:?set in the env file}"

readonly tftp=/var/lib/tftpboot
readonly kickstarts=/srv/lab/ks

main() {
  local from=${1:-/opt/lab/publish} pair
  local -a wanted=()
  for pair in $PXE_MACHINES; do
    place "$from/${pair%%=*}.ks" "$kickstarts/${pair%%=*}.cfg"
    wanted+=("$kickstarts/${pair%%=*}.cfg" "$tftp/grub/machines/${pair#*=}.cfg")
  done
  place "$from/grub.cfg" "$tftp/grub/grub.cfg" # where Debian's GRUB looks
  place "$from/grub.cfg" "$tftp/grub.cfg"      # where Red Hat's does
  "$(dirname "$0")/pxe-aim.sh"
  remove_others "${wanted[@]}"
}

remove_others() {
  local file
  for file in "$kickstarts"/*.cfg "$tftp"/grub/machines/*.cfg; do
    if [[ -e $file && " $* " != *" $file "* ]]; then
      rm "$file"
      changed "$file (removed)"
    fi
  done
}

main "$@"
