#!/usr/bin/env bash
# Says what a machine logged last, for who looks for a cause elsewhere. Changes nothing. Run as root, on that machine.
# Usage: evidence.sh LINES
# LINES: at most so many of the last lines of each log.
set -uo pipefail # and not -e: what one part cannot tell keeps no other from being told

readonly SERVICES=(sshd chronyd firewalld dnsmasq nginx containerd kubelet nfs-server)

told() { # HEADING COMMAND...
  printf '\n==> %s\n' "$1"
  "${@:2}" 2>&1 || echo "(ended with $?)"
}

unit() { # NAME LINES
  told "$1" timeout 5 journalctl --unit="$1" --lines="$2" --no-pager --output=short-iso
}

system() {
  cat /etc/redhat-release
  uname -r
  uptime
  free -m
  timeout 5 df -h / /var
  ip -brief address
  ip route
}

services() {
  local name
  for name in "${SERVICES[@]}"; do
    echo "$name: $(systemctl is-active "$name")"
  done
}

crictl_here() { timeout 5 crictl --runtime-endpoint=unix:///run/containerd/containerd.sock "$@"; }

avc() { # LINES
  grep -h 'avc:' /var/log/audit/audit.log | tail -n "$1"
}

main() {
  local lines=$1
  told "system" system
  told "services of the lab" services
  told "units that failed" systemctl --failed --no-legend --no-pager
  unit kubelet "$lines"
  unit containerd "$lines"
  if command -v crictl > /dev/null; then
    told "crictl: containers" crictl_here ps --all
    told "crictl: pods" crictl_here pods
  fi
  told "refused by SELinux (AVC)" avc "$lines"
  told "the kernel's warnings" timeout 5 journalctl --dmesg --priority=warning --lines=50 --no-pager --output=short-iso
}

main "$@"
