#!/usr/bin/env bash
# Purpose: offer the install tree under http://PXE_ADDRESS/rocky/ (the DVD in the drive, or what nginx fetches from
#   PXE_TREE_URL), and put its signed boot files where firmware and GRUB ask for them by TFTP.
# Usage: pxe-tree.sh
# Variables: PXE_ADDRESS (this server's MGMT address) PXE_TREE_URL (source of the install tree; empty: the DVD)
#   PXE_RELEASE (major release that the tree must be of)
set -euo pipefail
# shellcheck source=scripts/bash/converge.sh
source "$(dirname "$0")/converge.sh"
: "${PXE_ADDRESS:?set in the env file}" "${PXE_TREE_URL?set in the env file}" "${PXE_RELEASE:?set in the env file}"

readonly tree=http://$PXE_ADDRESS/rocky
readonly tftp=/var/lib/tftpboot

main() {
  if [[ -z $PXE_TREE_URL ]]; then
    mount_dvd
  fi
  check_release
  fetch EFI/BOOT/BOOTX64.EFI "$tftp/shimx64.efi" MZ
  fetch EFI/BOOT/grubx64.efi "$tftp/grubx64.efi" MZ
  fetch images/pxeboot/vmlinuz "$tftp/images/vmlinuz" MZ
  fetch images/pxeboot/initrd.img "$tftp/images/initrd.img" ''
}

mount_dvd() {
  local unit=srv-lab-rocky.mount before=$changes dvd made
  dvd=$(compgen -G "/dev/disk/by-label/Rocky-$PXE_RELEASE-*" | head --lines=1) ||
    fatal "no DVD of Rocky Linux $PXE_RELEASE in a drive of this machine: give its VM that DVD, or set rocky.tree_url"
  made=$(mktemp)
  # by its label: a drive's number changes when another one, as the boot disk's, comes or goes
  sed "s|^\[Mount\]$|&\nWhat=$dvd|" "$(dirname "$0")/files/$unit" > "$made"
  place "$made" "/etc/systemd/system/$unit"
  rm "$made"
  if ((changes > before)); then
    systemctl daemon-reload
  fi
  if ! systemctl is-active --quiet "$unit"; then
    systemctl enable --quiet --now "$unit" || tell "$unit"
    changed "mount /srv/lab/rocky"
  fi
}

# Shim, GRUB, kernel and packages must be of one release, the one that the kickstarts were written for.
check_release() {
  local info version
  info=$(curl --silent --show-error --fail --max-time 60 "$tree/.treeinfo") ||
    fatal "there is no install tree: ${PXE_TREE_URL:-the DVD} has no .treeinfo"
  version=$(awk -F ' *= *' '/^\[/ { section = $0 } section == "[release]" && $1 == "version" { print $2 }' <<< "$info")
  [[ $version == "$PXE_RELEASE" || $version == "$PXE_RELEASE".* ]] ||
    fatal "the install tree is of release ${version:-unknown}, rocky.release says $PXE_RELEASE"
  ok "install tree $version"
}

# fetch NAME TARGET MAGIC: copy a file of the tree when it is newer there; it must begin with MAGIC.
fetch() {
  local name=$1 target=$2 magic=$3 code
  local -a newer=()
  if [[ -s $target ]]; then
    newer=(--time-cond "$target")
  fi
  code=$(curl --silent --show-error --fail --max-time 900 --remote-time "${newer[@]}" \
    --output "$target.new" --write-out '%{http_code}' "$tree/$name") || fatal "$tree/$name cannot be fetched"
  if [[ $code == 304 ]] || { [[ -s $target ]] && cmp --silent "$target.new" "$target"; }; then
    rm --force "$target.new"
    ok "$target"
    return
  fi
  [[ -s $target.new && $(head --bytes="${#magic}" "$target.new") == "$magic" ]] ||
    fatal "$tree/$name is not what it should be; $target stays as it is"
  chmod 0644 "$target.new"
  mv --force "$target.new" "$target"
  relabel "$target"
  changed "$target"
}

main "$@"
