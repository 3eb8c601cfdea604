#!/usr/bin/env bash
# Prints a run's events from the first on, as they come, until the unit lab-ansible has ended.
# Usage: follow.sh EVENTS_FILE
set -euo pipefail

readonly UNIT=lab-ansible

main() {
  local file=$1 sent=0 size state
  while true; do
    # The state is read before the file: once it says that the run is over, the file is complete.
    state=$(systemctl is-active "$UNIT" || true)
    size=$(stat -c %s "$file")
    if [[ $size -gt $sent ]]; then
      tail -c "+$((sent + 1))" "$file" | head -c "$((size - sent))"
      sent=$size
    fi
    case $state in
      inactive | failed | unknown) break ;;
    esac
    sleep 0.3
  done
}

main "$@"
