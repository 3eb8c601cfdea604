"""The PC's own network: addresses, routes, name servers, NAT, profiles, firewall rules.

On Windows these are functions made from CDXML, and an error names the function (`New-NetIPAddress`).
"""

from __future__ import annotations

import time

from rehearsal.hosts import outage, wiring
from rehearsal.hosts.pc import prices, records
from rehearsal.hosts.pc.refusals import RefusedError
from rehearsal.hosts.state import HostState, Json

POLL_S = 0.3
# A firewall rule with the defaults of New-NetFirewallRule.
RULE = {
    "DisplayName": "", "Direction": "Inbound", "Protocol": "Any", "LocalPort": "", "IcmpType": "", "RemoteAddress": "",
    "Action": "Allow", "Profile": "Any", "Enabled": "True",
}  # fmt: skip

PROTOCOLS = {"TCP": "6", "UDP": "17", "ICMPv4": "1"}
DIRECTIONS = {"Inbound": "In", "Outbound": "Out"}


def wait_for_own(pc: HostState, device: str, seconds: float) -> Json | None:
    """What a script does until the adapter that Hyper-V knows by that id has come; None when it does not."""
    end = time.time() + seconds
    while True:
        found = [one for one in wiring.there(pc.read()["adapters"]) if one["guid"] == device]
        if found or time.time() > end:
            return found[0] if found else None
        time.sleep(POLL_S)


def new_address(pc: HostState, index: int, address: str, prefix: int) -> None:
    """`New-NetIPAddress`: no address stands twice on one PC."""
    with outage.change(pc) as state:
        adapter = _adapter(state, index, "New-NetIPAddress")
        if any(one["address"] == address for one in state["addresses"]):
            message = "The object already exists."
            raise RefusedError(message, "Windows System Error 5010,New-NetIPAddress", "ResourceExists")
        own = {"adapter": adapter["name"], "address": address, "prefix": prefix, "origin": "Manual"}
        state["addresses"].append(own)


def new_route(pc: HostState, index: int, prefix: str, gateway: str) -> None:
    """`New-NetRoute`."""
    with outage.change(pc) as state:
        adapter = _adapter(state, index, "New-NetRoute")
        state["routes"].append({"adapter": adapter["name"], "prefix": prefix, "gateway": gateway})


def set_servers(pc: HostState, index: int, servers: list[str]) -> None:
    """`Set-DnsClientServerAddress`."""
    with outage.change(pc) as state:
        adapter = _adapter(state, index, "Set-DnsClientServerAddress")
        state["dns"] = [one for one in state["dns"] if one["adapter"] != adapter["name"]]
        state["dns"].append({"adapter": adapter["name"], "servers": servers})


def set_dhcp(pc: HostState, index: int, to: str) -> None:
    """`Set-NetIPInterface -Dhcp`: switched on, the LAN's server gives the adapter what it has for this PC."""
    with outage.change(pc) as state:
        adapter = _adapter(state, index, "Set-NetIPInterface")
        if to == "Enabled":
            wiring.lease(state, adapter)
        adapter["dhcp"] = to


def set_category(pc: HostState, index: int, category: str) -> None:
    """`Set-NetConnectionProfile -NetworkCategory`: not while Windows identifies the network, nor against a policy."""
    profile = pc.read()["profiles"].get(str(index))
    if profile is None:
        raise no_such("Set-NetConnectionProfile", "MSFT_NetConnectionProfile", "InterfaceIndex", str(index))
    message = ""
    if pc.read().get("identifying_until", {}).get(str(index), 0) > time.time():
        message = "Unable to set NetworkCategory due to one of the following possible reasons: ..."
    if profile.get("by_policy"):
        message = "Unable to set the NetworkCategory: user initiated changes to it are being prevented by a policy."
    if message:
        raise RefusedError(message, "MI RESULT 2,Set-NetConnectionProfile", "PermissionDenied")
    records.put(pc, "profiles", str(index), {"NetworkCategory": category})


def new_nat(pc: HostState, name: str, cidr: str) -> None:
    """`New-NetNat`: Windows has one."""
    with outage.change(pc) as state:
        if state.get("nats"):
            raise RefusedError("The parameter is incorrect.", "Windows System Error 87,New-NetNat", "InvalidArgument")
        state.setdefault("nats", []).append({"name": name, "cidr": cidr})


def remove_nat(pc: HostState, name: str) -> None:
    """`Remove-NetNat -Name`."""
    with outage.change(pc) as state:
        state["nats"] = [one for one in state.get("nats", []) if one["name"] != name]


def new_rule(pc: HostState, name: str, **properties: object) -> None:
    """`New-NetFirewallRule`; lists of ports and addresses stand in it as text."""
    plain = {**RULE, **properties}
    rule = {key: ",".join(value) if isinstance(value, list) else value for key, value in plain.items()}
    with outage.change(pc) as state:
        if name in state.get("firewall_rules", {}):
            message = "Cannot create a file when that file already exists."
            raise RefusedError(message, "Windows System Error 183,New-NetFirewallRule", "ResourceExists")
        state.setdefault("firewall_rules", {})[name] = {"Name": name, "InstanceID": name, **rule}


def rules(pc: HostState) -> list[Json]:
    """`Get-NetFirewallRule`, and each of its filters: a rule costs, whatever is asked of it."""
    found = list(pc.read().get("firewall_rules", {}).values())
    prices.charge(pc.folder, "list a firewall rule", len(found))
    return found


def registered_rules(pc: HostState) -> dict[str, str]:
    """The rules as the registry keeps them, a string each ([MS-GPFAS] 2.2.2): nothing costs there."""
    return {name: _registered(rule) for name, rule in pc.read().get("firewall_rules", {}).items()}


def _registered(rule: Json) -> str:
    """Ports, addresses and profiles stand once for each; what is not restricted does not stand there."""
    parts = {"Action": [rule["Action"]], "Active": [rule["Enabled"].upper()], "Dir": [DIRECTIONS[rule["Direction"]]]}
    parts["Protocol"] = [PROTOCOLS[rule["Protocol"]]] if rule["Protocol"] in PROTOCOLS else []
    lists = {"Profile": "Profile", "LPort": "LocalPort", "RA4": "RemoteAddress"}
    for key, name in lists.items():
        parts[key] = [one.strip() for one in rule[name].split(",") if one not in ("", "Any")]
    parts["RA6"] = [one for one in parts["RA4"] if one.isalpha()]  # keywords stand for both
    words = [f"{key}={value}" for key, values in parts.items() for value in values]
    return "|".join(["v2.33", *words, f"Name={rule['DisplayName']}", ""])


def remove_rule(pc: HostState, name: str) -> None:
    """`Remove-NetFirewallRule -Name`."""
    with outage.change(pc) as state:
        if name not in state.get("firewall_rules", {}):
            raise no_such("Remove-NetFirewallRule", "MSFT_NetFirewallRule", "InstanceID", name)
        del state["firewall_rules"][name]


def no_such(function: str, kind: str, what: str, value: str) -> RefusedError:
    """What a CDXML query says when the one thing that it was asked for is not there."""
    message = f"No {kind} objects found with property '{what}' equal to '{value}'.  "
    message += "Verify the value of the property and retry."
    return RefusedError(message, f"CmdletizationQuery_NotFound_{what},{function}", "ObjectNotFound", value)


def _adapter(state: Json, index: int, function: str) -> Json:
    adapter: Json | None = next((one for one in wiring.there(state["adapters"]) if one["index"] == index), None)
    if adapter is None:
        raise RefusedError("Element not found.", f"Windows System Error 1168,{function}", "ObjectNotFound")
    return adapter
