#!/usr/bin/env bash
# Starts one playbook as the unit lab-ansible, which outlives the connection that asked for it. Run as root.
# Usage: start.sh USER TIMEOUT_S NAME PLAYBOOK [ARGUMENT...]
# Prints the file of its events; the log lies beside it. Exit code 3: a run is under way already; 4: Ansible is not installed.
set -euo pipefail

readonly UNIT=lab-ansible LOGS=/var/log/lab/ansible ANSIBLE=/opt/lab/venv/bin/ansible-playbook
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly HERE

main() {
  local user=$1 timeout=$2 name=$3 run
  shift 3
  if systemctl is-active --quiet "$UNIT"; then
    return 3
  fi
  [[ -x $ANSIBLE ]] || return 4
  install -d -m 0755 -o "$user" -g "$user" "$LOGS"
  run="$LOGS/$(date +%Y%m%d-%H%M%S.%3N)-$name"
  : > "$run.jsonl"
  chown "$user" "$run.jsonl"
  # Its description is where a second caller finds what is running (attach).
  systemd-run --quiet --collect --unit="$UNIT" --description="$name $run.jsonl" --uid="$user" \
    --working-directory="$HERE" --setenv=LAB_EVENTS_FILE="$run.jsonl" --setenv=LC_ALL=C.UTF-8 \
    --property=RuntimeMaxSec="$timeout" --property=TimeoutStopSec=30 \
    --property=StandardOutput=append:"$run.log" --property=StandardError=append:"$run.log" \
    --property=ExecStopPost="$HERE/unit/record-end.sh $run.jsonl" \
    "$ANSIBLE" "$@"
  echo "$run.jsonl"
}

main "$@"
