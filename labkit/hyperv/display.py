"""Tables of what is on the hosts, and of what a plan would do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from labkit.hyperv import checkpoints
from labkit.hyperv.specs import GB

if TYPE_CHECKING:
    from labkit.description.lab import Lab
    from labkit.hyperv.drift import MachinePlan, Plan
    from labkit.hyperv.facts import CheckpointFacts, HostFacts, VmFacts

COLOURS = {
    "create": "green",
    "attach": "green",
    "change": "yellow",
    "replace": "red",
    "destroy": "red",
    "foreign": "dim",
}

WIDE = 100
SMALLEST = {"addresses": 14, "stage": 9, "mark": 4, "checkpoint": 10, "disks": 8}  # columns that keep words whole


def status_table(
    lab: Lab, facts: Mapping[str, HostFacts], stages: Mapping[str, str], caveat: str = "", *, width: int = WIDE
) -> Table:
    """Every machine of the lab on the hosts that answered, then VMs with its mark that are not described.

    `stages` says how far each machine is (`labkit.machines.progress`); `caveat` stands below the table. The disks' ids
    are told where there is room: `width` is the terminal's, in columns.
    """
    is_wide = width >= WIDE
    table = Table(title=f"{lab.name} on its hosts", title_justify="left", caption_justify="left")
    table.box, table.padding = None, (0, 2 if is_wide else 1, 0, 0)
    silent = ", ".join(name for name, here in facts.items() if not here.answers)
    said = [caveat, f"Hyper-V does not answer on {silent}: inv hyperv.check" if silent else ""]
    table.caption = escape("\n".join(line for line in said if line))
    for column in ("host", "machine", "state", "uptime", "memory"):
        table.add_column(column, no_wrap=True, justify="right" if column == "memory" else "left")
    for column in ("addresses", "stage", "mark", "checkpoint", *(["disks"] if is_wide else [])):
        table.add_column(column, overflow="fold", min_width=SMALLEST[column])
    for name, here in facts.items():
        described = [machine.name for machine in lab.on_host(name)]
        for machine in dict.fromkeys([*described, *here.machines]):
            vm = here.machines.get(machine)
            stage = stages.get(machine, "missing" if here.answers else "unknown")
            cells = (name, machine, *_cells(vm, stage, is_described=machine in described))
            table.add_row(*cells[: len(table.columns)])
    return table


def _cells(vm: VmFacts | None, stage: str, *, is_described: bool) -> tuple[str, ...]:
    if vm is None:
        return (f"[red]{stage}[/red]", "", "", "", f"[red]{stage}[/red]")
    colour = {"Running": "green", "Off": "yellow"}.get(vm.state, "red")
    addresses = [address for adapter in vm.adapters for address in adapter.addresses if ":" not in address]
    mark = "yes" if vm.notes_kept else "[red]no: its making was cut off[/red]"
    return (
        f"[{colour}]{vm.state}[/{colour}]",
        _duration(vm.uptime_s),
        f"{(vm.assigned_bytes or vm.memory_bytes) / GB:g} GB",
        ", ".join(addresses),
        stage,
        mark if is_described else f"{mark} (not described)",
        "[yellow]merging[/yellow]" if vm.is_merging else escape(", ".join(one.name for one in vm.checkpoints)),
        _disks(vm),
    )


def _duration(seconds: int) -> str:
    """Hours, minutes and seconds, or days, hours and minutes; '' for none."""
    days, rest = divmod(seconds, 86400)
    clock = str(timedelta(seconds=rest))
    return f"{days} d {clock[:-3]}" if days else clock if rest else ""


def _disks(vm: VmFacts) -> str:
    """The disks' ids; an installed system is known by its system disk's."""
    told = [vm.system_disk.id if vm.system_disk else "[red]none[/red]"]
    if vm.data_disk:
        told.append(f"data {vm.data_disk.id}")
    return ", ".join(told)


def checkpoints_table(lab: Lab, facts: Mapping[str, HostFacts]) -> Table:
    """Every checkpoint: its name, when it was taken, of which machines, and whether the whole lab can go back to it."""
    table = Table(title=f"checkpoints of {lab.name}", title_justify="left")
    for column in ("name", "when", "machines", "whole lab"):
        table.add_column(column)
    vms = {machine: vm for here in facts.values() for machine, vm in here.machines.items()}
    for name, machines in checkpoints.listed(facts).items():
        those = {machine: vms[machine].checkpoints_named(name) for machine in dict.fromkeys(machines)}
        when = min(one.time for found in those.values() for one in found)
        local = datetime.fromisoformat(when).astimezone().strftime("%Y-%m-%d %H:%M")
        table.add_row(escape(name), local, ", ".join(those), _whole(lab, those))
    return table


def _whole(lab: Lab, those: Mapping[str, tuple[CheckpointFacts, ...]]) -> str:
    without = [machine.name for machine in lab.machines if machine.name not in those]
    twice = [machine for machine, found in those.items() if len(found) > 1]
    with_data = [machine for machine, found in those.items() if any(one.holds_data for one in found)]
    reasons = (("without ", without), ("more than one of ", twice), ("data disk in that of ", with_data))
    said = "; ".join(f"{words}{', '.join(names)}" for words, names in reasons if names)
    return f"[yellow]no: {said}[/yellow]" if said else "yes"


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
