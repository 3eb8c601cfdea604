#!/usr/bin/env bash
# Appends how a run ended to its events; systemd calls it after the run whatever became of it (ExecStopPost=).
# Usage: record-end.sh EVENTS_FILE
# Variables (from systemd): SERVICE_RESULT (success, exit-code, signal, timeout, ...), EXIT_STATUS (a code or a signal's name)
set -euo pipefail

main() {
  printf '{"event": "end", "time": %s, "result": "%s", "status": "%s"}\n' \
    "$(date +%s.%3N)" "${SERVICE_RESULT:-unknown}" "${EXIT_STATUS:-}" >> "$1"
}

main "$@"
