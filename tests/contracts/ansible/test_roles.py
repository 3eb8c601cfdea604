"""What must hold for every role and playbook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from labkit.line.stages import PLAYBOOKS
from labkit.project import ANSIBLE, ROOT

ROLES = sorted(path.name for path in (ANSIBLE / "roles").iterdir())


def defaults(role: str) -> dict[str, Any]:
    file = ANSIBLE / "roles" / role / "defaults" / "main.yml"
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}


def options(role: str) -> dict[str, Any]:
    text = (ANSIBLE / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    specification: dict[str, Any] = yaml.safe_load(text)["argument_specs"]["main"]["options"]
    return specification


def tasks(role: str) -> list[dict[str, Any]]:
    files = [*(ANSIBLE / "roles" / role).glob("tasks/*.yml"), *(ANSIBLE / "roles" / role).glob("handlers/*.yml")]
    return [task for file in files for task in flat(yaml.safe_load(file.read_text(encoding="utf-8")))]


def flat(listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Tasks, and those of their blocks."""
    for task in listed:
        yield task
        for part in ("block", "rescue", "always"):
            yield from flat(task.get(part, []))


def waits(task: dict[str, Any]) -> bool:
    """Whether it may run out of time for a reason that only a node knows."""
    command = str(task.get("ansible.builtin.command", ""))
    told = any(words in command for words in ("rollout", "--for=", "kubeadm join"))
    return told or "ansible.builtin.wait_for" in task


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_has_the_roles_prefix_and_a_specification(role: str) -> None:
    specified = options(role)
    assert set(defaults(role)) <= set(specified)
    assert all(name.startswith(f"{role}_") for name in specified)
    assert all(option["description"] and option["required"] for option in specified.values())
    assert len(specified) <= 15


@pytest.mark.parametrize("role", ROLES)
def test_every_default_is_explained_by_a_comment(role: str) -> None:
    file = ANSIBLE / "roles" / role / "defaults" / "main.yml"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    for block in re.split(r"\n(?=#)", text.removeprefix("---\n")):
        assert block == "" or block.startswith("#"), block


@pytest.mark.parametrize("role", ROLES)
def test_every_command_says_when_it_changes_something(role: str) -> None:
    commands = {"ansible.builtin.command", "ansible.builtin.script", "ansible.builtin.shell"}
    for task in tasks(role):
        assert not commands & set(task) or "changed_when" in task, task["name"]


def test_a_service_that_has_to_come_back_at_boot_is_unmasked_too() -> None:
    services = [task.get("ansible.builtin.systemd_service", {}) for role in ROLES for task in tasks(role)]
    enabled = {service["name"]: service.get("masked") for service in services if service.get("enabled")}
    assert enabled == dict.fromkeys(("containerd", "chronyd", "firewalld", "kubelet", "nfs-server"), False)


def test_a_wait_that_runs_out_ends_with_what_the_nodes_say() -> None:
    blocks = [task for role in ROLES for task in tasks(role) if "block" in task]
    rescued = [task["name"] for block in blocks for task in block["block"] if "node_says" in str(block.get("rescue"))]
    waiting = [task["name"] for role in ROLES for task in tasks(role) if waits(task)]
    assert len(waiting) >= 4
    assert [name for name in waiting if name not in rescued] == []


def test_a_pod_network_that_does_not_come_up_fails_in_its_own_stage() -> None:
    """By the node that is there already. A worker that is away is not waited for: the next stage brings it back."""
    (wait,) = [task for task in tasks("cni") if waits(task)]
    argv = wait["ansible.builtin.command"]["argv"]
    assert argv[-2:] == ["--for=condition=Ready", "node/{{ inventory_hostname }}"]


def test_containerd_is_restarted_on_one_node_after_another_and_the_api_server_is_back_before_the_stage_ends() -> None:
    restart, wait = yaml.safe_load((ANSIBLE / "roles/containerd/handlers/main.yml").read_text(encoding="utf-8"))
    assert (restart["throttle"], restart["retries"] > 0, "until" in restart) == (1, True, True)
    assert wait["listen"] == restart["name"]
    assert "--raw=/readyz" in wait["ansible.builtin.command"]["argv"]
    assert wait["ansible.builtin.command"]["removes"] == "/etc/kubernetes/admin.conf"  # a machine without a cluster


@pytest.mark.parametrize("role", ROLES)
def test_only_modules_of_ansible_core_are_used(role: str) -> None:
    words = {key for task in tasks(role) for key in task if "." in key}
    assert all(word.startswith("ansible.builtin.") for word in words), words


def test_stage_one_checks_the_variables_of_every_role_that_has_defaults() -> None:
    (play, *_) = yaml.safe_load((ANSIBLE / "1-bootstrap.yml").read_text(encoding="utf-8"))
    *files, own = play["vars_files"]
    assert own[0] == "group_vars/all.yml"
    checked = {Path(file).parts[1] for file in files}
    given_by_callers = {"manifests", "stage_marker"}
    assert checked == {role for role in ROLES if defaults(role)} - given_by_callers
    assert all(f"'{role}'" in play["tasks"][0]["loop"] for role in checked)


def test_site_runs_the_stages_in_their_order() -> None:
    plays = yaml.safe_load((ANSIBLE / "site.yml").read_text(encoding="utf-8"))
    assert [play["ansible.builtin.import_playbook"] for play in plays] == [
        stage.playbook for stage in PLAYBOOKS.values()
    ]


def test_the_pinned_ansible_is_the_one_that_tests_run() -> None:
    (pinned,) = (ANSIBLE / "requirements.txt").read_text(encoding="utf-8").split()
    assert f'"{pinned}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_a_token_and_what_holds_it_is_never_logged() -> None:
    holders = [task for task in tasks("join") if "token create" in str(task) or "kubeadm-join.yaml.j2" in str(task)]
    assert len(holders) == 2
    assert all(task["no_log"] is True for task in holders)
