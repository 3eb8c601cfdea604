#!/usr/bin/env bash
# Purpose: fetch the official programs of a control plane, each checked against the SHA-256 that its publisher names,
#          so that the tests of the stand-ins can be run against the real thing.
# Usage:   scripts/dev/kubernetes-programs.sh FOLDER [KUBERNETES_VERSION [ETCD_VERSION]]    (Linux, x86-64 or ARM64)
#          then: LAB_KUBERNETES_BIN=FOLDER make test-kubernetes
set -euo pipefail

readonly PROGRAMS=(kubeadm kube-apiserver kube-controller-manager kube-scheduler)
readonly RELEASES=https://dl.k8s.io/release ETCD_RELEASES=https://github.com/etcd-io/etcd/releases/download

fatal() {
  echo "error: $*" >&2
  exit 1
}

fetch() { curl --fail --silent --show-error --location --retry 3 --output "$2" "$1" || fatal "cannot fetch $1"; }

architecture() {
  case $(uname -sm) in
    "Linux x86_64") echo amd64 ;;
    "Linux aarch64") echo arm64 ;;
    *) fatal "these programs run on Linux, x86-64 or ARM64; this is $(uname -sm)" ;;
  esac
}

# hold FILE SHA256: a file that is not the published one does not stay.
hold() {
  if ! echo "$2  $1" | sha256sum --check --status; then
    rm -f "$1"
    fatal "$(basename "$1") is not what its publisher names: SHA-256 $2 expected. Run this again."
  fi
}

program() {
  local folder=$1 url=$2 name=$3
  fetch "$url/$name.sha256" "$folder/$name.sha256"
  if [[ -x $folder/$name ]] && echo "$(< "$folder/$name.sha256")  $folder/$name" | sha256sum --check --status; then
    return
  fi
  fetch "$url/$name" "$folder/$name"
  hold "$folder/$name" "$(< "$folder/$name.sha256")"
  chmod 755 "$folder/$name"
}

etcd() {
  local folder=$1 version=$2 archive=etcd-$2-linux-$3.tar.gz sum
  [[ -x $folder/etcd ]] && "$folder/etcd" --version | grep -qx "etcd Version: ${version#v}" && return
  fetch "$ETCD_RELEASES/$version/SHA256SUMS" "$folder/etcd.sums"
  sum=$(awk -v name="$archive" '$2 == name { print $1 }' "$folder/etcd.sums")
  [[ -n $sum ]] || fatal "etcd $version has no $archive"
  fetch "$ETCD_RELEASES/$version/$archive" "$folder/$archive"
  hold "$folder/$archive" "$sum"
  tar --extract --gzip --file "$folder/$archive" --directory "$folder" --strip-components=1 "${archive%.tar.gz}/etcd"
  rm "$folder/$archive"
}

main() {
  local folder=${1:?name the folder} version=${2:-v1.36.4} etcd_version=${3:-v3.6.8} machine name
  machine=$(architecture)
  mkdir -p "$folder"
  for name in "${PROGRAMS[@]}"; do
    program "$folder" "$RELEASES/$version/bin/linux/$machine" "$name"
  done
  etcd "$folder" "$etcd_version" "$machine"
  echo "==> $folder: Kubernetes $version, etcd $etcd_version; next: LAB_KUBERNETES_BIN=$folder make test-kubernetes" >&2
}

main "$@"
