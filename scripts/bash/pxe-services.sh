#!/usr/bin/env bash
# Purpose: put DHCP, TFTP and HTTP into service on MGMT: folders, SELinux, configuration, firewall, units.
#   A configuration is tried before it replaces one that works; a service is restarted only when its file changed.
# Usage: pxe-services.sh
# Variables: PXE_ADDRESS (this server's MGMT address)
set -euo pipefail
# shellcheck source=scripts/bash/converge.sh
source "$(dirname "$0")/converge.sh"
: "${PXE_ADDRESS:?set in the env file}"

files=$(cd "$(dirname "$0")" && pwd)/files
readonly files

main() {
  label
  folder /srv/lab /srv/lab/ks /srv/lab/rocky /var/cache/lab /var/log/lab /var/lib/lab /var/lib/lab/armed /var/lib/lab/installed \
    /var/lib/tftpboot /var/lib/tftpboot/grub /var/lib/tftpboot/grub/machines /var/lib/tftpboot/images
  log_of_dnsmasq
  serve dnsmasq /etc/dnsmasq.conf restart dnsmasq --test --conf-file="$files/dnsmasq.conf"
  serve nginx /etc/nginx/nginx.conf reload nginx -t -q -c "$files/nginx.conf"
  place "$files/lab.logrotate" /etc/logrotate.d/lab
  open_firewall
}

# Labels are rules of the policy before the folders are made, so that each is made with its own.
label() {
  if ! selinux_is_on; then
    info "SELinux is off in this kernel: no labels"
    return
  fi
  rule httpd_sys_content_t '/srv/lab(/.*)?'
  rule httpd_cache_t '/var/cache/lab(/.*)?'
  rule dnsmasq_var_log_t '/var/log/lab/dnsmasq\.log.*'
  # nginx fetches what it keeps for the machines
  if getsebool httpd_can_network_connect | grep -q -- '--> on$'; then
    ok "SELinux boolean httpd_can_network_connect"
  else
    setsebool -P httpd_can_network_connect on
    changed "SELinux boolean httpd_can_network_connect"
  fi
}

# Before dnsmasq makes it: up to 2.86 it gives its log to its own account, and SELinux lets root, who opens it at the next
# start, do so by the group alone.
log_of_dnsmasq() {
  local log=/var/log/lab/dnsmasq.log
  [[ -e $log ]] && return
  install --mode=0660 --owner=dnsmasq --group=root /dev/null "$log"
  relabel "$log"
  changed "$log"
}

rule() {
  local type=$1 pattern=$2
  if semanage fcontext -l -C | grep -F -- "$pattern" | grep -qw "$type"; then
    ok "SELinux rule $pattern"
  else
    semanage fcontext -a -t "$type" "$pattern"
    changed "SELinux rule $pattern"
  fi
}

# serve UNIT TARGET restart|reload TEST...: install files/<name of TARGET> once TEST has accepted it.
serve() {
  local unit=$1 target=$2 how=$3 before=$changes
  shift 3
  "$@" >&2 || fatal "$unit refuses its new configuration; $target stays as it is"
  place "$files/$(basename "$target")" "$target"
  if ! systemctl is-enabled --quiet "$unit" || ! systemctl is-active --quiet "$unit"; then
    systemctl enable --quiet --now "$unit" || tell "$unit"
    changed "unit $unit"
  elif ((changes > before)); then
    systemctl "$how" "$unit" || tell "$unit"
  fi
}

# MGMT's adapter is found by its address: its name is the kernel's choice.
open_firewall() {
  local device before=$changes
  device=$(ip -oneline -4 address show to "$PXE_ADDRESS" | awk '{ print $2; exit }')
  [[ -n $device ]] || fatal "no adapter of this machine has the MGMT address $PXE_ADDRESS"
  systemctl is-active --quiet firewalld || systemctl enable --quiet --now firewalld || tell firewalld
  place "$files/lab-mgmt.xml" /etc/firewalld/zones/lab-mgmt.xml
  if ((changes > before)); then
    firewall-cmd --quiet --reload
  fi
  if [[ $(firewall-cmd --get-zone-of-interface="$device" 2> /dev/null || true) == lab-mgmt ]]; then
    ok "firewall zone of $device"
  else
    firewall-cmd --quiet --permanent --zone=lab-mgmt --change-interface="$device"
    firewall-cmd --quiet --zone=lab-mgmt --change-interface="$device"
    changed "firewall zone of $device"
  fi
}

main "$@"
