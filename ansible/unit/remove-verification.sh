#!/usr/bin/env bash
# Removes what one verification stored on the NFS server, and nothing else. Run as root, on that machine; safe to repeat.
# Usage: remove-verification.sh NAMESPACE
set -euo pipefail

main() {
  local namespace=${1-}
  if [[ ! $namespace =~ ^lab-verify-[0-9a-f]{6}$ ]]; then
    echo "'$namespace' is no namespace of a verification" >&2
    return 2
  fi
  rm --recursive --force --one-file-system "/srv/nfs/$namespace"
}

main "$@"
