#!/usr/bin/env bash
# Lists the objects of a set of manifests, a line each: what kubectl calls its kind, its name, and --namespace=... where it has one.
# Usage: objects.sh FOLDER
set -euo pipefail

main() {
  # Kustomize writes keys in order and metadata's two spaces in; without the version an object stays itself when that rises.
  kubectl kustomize "$1" | awk '
    function end() { if (name) print kind (group ? "." group : ""), name (namespace ? " --namespace=" namespace : "") }
    /^---/ { end(); kind = group = name = namespace = part = "" }
    /^[a-zA-Z]+:/ { part = $1 }
    /^apiVersion: .*\// { group = $2; sub("/.*", "", group) }
    /^kind: / { kind = $2 }
    part == "metadata:" && /^  name: / { name = $2 }
    part == "metadata:" && /^  namespace: / { namespace = $2 }
    END { end() }' | tr -d "'\"" | sort
}

main "$@"
