"""Tables of what is on the hosts, and of what a plan would do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.table import Table

from labkit.hyperv.specs import GB

if TYPE_CHECKING:
    from labkit.hyperv.drift import MachinePlan, Plan
    from labkit.hyperv.facts import HostFacts, VmFacts
    from labkit.lab import Lab

COLOURS = {
    "create": "green",
    "attach": "green",
    "change": "yellow",
    "replace": "red",
    "destroy": "red",
    "foreign": "dim",
}


def status_table(lab: Lab, facts: Mapping[str, HostFacts]) -> Table:
    """Every machine of the lab on the hosts that answered, then VMs with its mark that are not described."""
    table = Table(title=f"{lab.name} on its hosts", title_justify="left")
    for column in ("host", "machine", "state", "uptime", "memory", "addresses", "mark", "checkpoint", "disks"):
        table.add_column(column, no_wrap=column != "addresses", justify="right" if column == "memory" else "left")
    for name, here in facts.items():
        described = [machine.name for machine in lab.on_host(name)]
        for machine in dict.fromkeys([*described, *here.machines]):
            table.add_row(name, machine, *_cells(here.machines.get(machine), here.answers, machine in described))
    return table


def _cells(vm: VmFacts | None, is_known: bool, is_described: bool) -> tuple[str, ...]:
    if vm is None:
        return ("[red]missing[/red]" if is_known else "[red]unknown: Hyper-V does not answer[/red]",)
    colour = {"Running": "green", "Off": "yellow"}.get(vm.state, "red")
    addresses = [address for adapter in vm.adapters for address in adapter.addresses if ":" not in address]
    return (
        f"[{colour}]{vm.state}[/{colour}]" + ("" if is_described else " (not described)"),
        str(timedelta(seconds=vm.uptime_s)) if vm.uptime_s else "",
        f"{(vm.assigned_bytes or vm.memory_bytes) / GB:g} GB",
        ", ".join(addresses),
        "yes" if vm.notes_kept else "[red]no: its making was cut off[/red]",
        ", ".join(vm.checkpoints),
        _disks(vm),
    )


def _disks(vm: VmFacts) -> str:
    """The disks' ids; an installed system is known by its system disk's."""
    told = [vm.system_disk.id if vm.system_disk else "[red]none[/red]"]
    if vm.data_disk:
        told.append(f"data {vm.data_disk.id}")
    return ", ".join(told)


def plan_table(lab: Lab, plan: Plan) -> Table:
    """What `hyperv.create` would do to each machine, what it refuses, and what it leaves alone."""
    table = Table(title=f"{lab.name}: what differs from {lab.source.name}", title_justify="left")
    for column in ("host", "machine", "action", "why", "command"):
        table.add_column(column)
    for machine in plan.machines:
        colour = COLOURS.get(machine.action, "default")
        table.add_row(
            machine.host, machine.name, f"[{colour}]{machine.action}[/{colour}]", _why(machine), command(machine)
        )
    return table


def _why(plan: MachinePlan) -> str:
    if plan.action == "foreign":
        return "not this lab's: never touched"
    if plan.obstacle:
        return plan.obstacle.text
    return "; ".join(change.text for change in plan.changes if change.text)


def command(plan: MachinePlan) -> str:
    """What to type for a machine's plan; '' when there is nothing to do."""
    if plan.obstacle:
        return plan.obstacle.command
    if plan.action == "destroy":
        return f"inv hyperv.destroy --machine {plan.name}"
    return "inv hyperv.create" if plan.changes else ""


def done_table(lab: Lab, done: Mapping[str, tuple[str, ...]]) -> Table:
    """What `hyperv.create` did to each machine."""
    table = Table(show_header=False, box=None)
    for name, steps in done.items():
        table.add_row(name, lab.machine(name).host, f"changed: {', '.join(steps)}" if steps else "unchanged")
    return table
