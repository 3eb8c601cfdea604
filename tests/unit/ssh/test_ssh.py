"""Remote commands: what arrives, what comes back, whom it trusts, and how it ends when something is wrong."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from labkit.controller import keys
from labkit.controller.state import StateDir
from labkit.description.lab import Lab
from labkit.errors import DeadlineError, LabError, MissingError, UnreachableError
from labkit.transport import ssh
from labkit.transport.ssh import Machines

pytestmark = pytest.mark.network


def test_a_command_gives_both_outputs_read_as_utf_8_and_its_code(machines: Machines) -> None:
    result = machines.bootstrap().run("printf '\\355\\225\\234\\n'; echo err >&2; exit 3", check=False)
    assert (result.stdout, result.stderr, result.code) == ("한\n", "err\n", 3)


def test_a_failing_command_names_machine_command_and_reason(machines: Machines) -> None:
    with pytest.raises(LabError, match=r"bootstrap: `echo no such disk >&2; exit 4` ended with code 4: no such disk"):
        machines.bootstrap().run("echo no such disk >&2; exit 4")


def test_input_arrives_byte_for_byte(machines: Machines) -> None:
    data = os.urandom(1_000_003) + b"\r\n\x00\x04"
    result = machines.bootstrap().run("sha256sum", input=data)
    assert result.stdout.split()[0] == hashlib.sha256(data).hexdigest()


def test_a_command_without_input_finds_its_input_at_the_end(machines: Machines) -> None:
    assert machines.bootstrap().run("cat; echo done", timeout_s=5).stdout == "done\n"


def test_a_command_may_end_before_it_has_read_its_input(machines: Machines) -> None:
    assert machines.bootstrap().run("head -c 1", input=b"x" * 3_000_000, timeout_s=20).stdout == "x"


def test_a_command_that_lasts_too_long_is_a_deadline_error(machines: Machines) -> None:
    begin = time.monotonic()
    with pytest.raises(DeadlineError, match=r"bootstrap: `sleep 30` did not end within 0 s"):
        machines.bootstrap().run("sleep 30", timeout_s=0.3)
    assert time.monotonic() - begin < 5


def test_root_runs_the_whole_line(machines: Machines, tmp_path: Path) -> None:
    machines.bootstrap().sudo(f"echo 'a b' | tr a-z A-Z >{tmp_path}/out")
    assert (tmp_path / "out").read_text() == "A B\n"


def test_other_machines_are_reached_through_the_bootstrap_server(
    machines: Machines, loopback_lab: Lab, bootstrap_server: Any, cp1_server: Any
) -> None:
    assert machines.to(loopback_lab.control_plane).run("echo here").stdout == "here\n"
    assert bootstrap_server.forwarded == ["127.0.0.2"]
    assert cp1_server.commands == ["echo here"]


def test_an_unknown_host_key_is_refused(machines: Machines, state: StateDir, bootstrap_server: Any) -> None:
    state.known_hosts.unlink()
    with pytest.raises(UnreachableError, match="its SSH host key is not known to this lab"):
        machines.bootstrap().run("true")
    assert bootstrap_server.commands == []


def test_another_host_key_is_refused(
    machines: Machines, state: StateDir, bootstrap_server: Any, tmp_path: Path
) -> None:
    keys.ensure_key_pair(state, tmp_path / "other", "other", "bootstrap")
    keys.pin(state, f"[127.0.0.1]:{bootstrap_server.port}", (tmp_path / "other.pub").read_text())
    with pytest.raises(UnreachableError, match="another SSH host key than the one pinned"):
        machines.bootstrap().run("true")
    assert bootstrap_server.offered == []  # not even the key was offered


def test_the_jump_host_is_pinned_too(machines: Machines, loopback_lab: Lab, state: StateDir, cp1_server: Any) -> None:
    pins = {address: key for address, key in keys.pinned(state).items() if "127.0.0.2" in address}
    state.write(state.known_hosts, keys.known_hosts_text(pins))
    with pytest.raises(UnreachableError, match=r"bootstrap \(127.0.0.1\): its SSH host key is not known"):
        machines.to(loopback_lab.control_plane).run("true")
    assert cp1_server.commands == []


def test_only_the_labs_key_is_offered(machines: Machines, state: StateDir, bootstrap_server: Any) -> None:
    bootstrap_server.client_key = "another"
    with pytest.raises(UnreachableError, match="it refuses the lab's SSH key"):
        machines.bootstrap().run("true")
    assert set(bootstrap_server.offered) == {keys.public_key(state).split()[1]}


def test_the_users_ssh_configuration_is_not_read(
    machines: Machines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Host *\n  HostName 203.0.113.9\n  User nobody\n  Port 1\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert machines.bootstrap().run("echo here").stdout == "here\n"


def test_a_machine_that_is_off_is_told_by_name(machines: Machines, loopback_lab: Lab) -> None:
    w3 = loopback_lab.machine("w3")
    with pytest.raises(UnreachableError, match=r"w3 \(127.0.0.5\): no SSH connection") as error:
        machines.to(w3).run("true")
    assert "inv hyperv.status" in str(error.value)
    assert not machines.is_up(w3)


def test_a_port_that_takes_a_connection_is_told_from_one_that_does_not(
    machines: Machines, loopback_lab: Lab, state: StateDir
) -> None:
    assert machines.listens(2)
    assert not Machines(loopback_lab, state, 9).listens(2)


def test_a_port_behind_which_nobody_greets_is_not_waited_for(
    loopback_lab: Lab, state: StateDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "GREETING_S", 0.2, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not Machines(loopback_lab, state, silent.getsockname()[1]).listens(2)


def test_a_lab_without_keys_names_the_task_that_makes_them(
    machines: Machines, state: StateDir, bootstrap_server: Any
) -> None:
    state.private_key.unlink()
    with pytest.raises(MissingError, match="no SSH key yet") as error:
        machines.bootstrap().run("true")
    assert "inv os.bootstrap" in str(error.value)


def test_many_threads_share_one_connection(machines: Machines, bootstrap_server: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda n: machines.bootstrap().run(f"echo {n}").stdout.strip(), range(24)))
    assert results == [str(n) for n in range(24)]
    assert len(bootstrap_server.transports) == 1


def test_a_connection_that_died_is_opened_again(machines: Machines, bootstrap_server: Any) -> None:
    machines.bootstrap().run("true")
    bootstrap_server.cut()
    assert machines.bootstrap().run("echo again").stdout == "again\n"


def test_a_connection_that_breaks_during_a_command_is_told(machines: Machines, bootstrap_server: Any) -> None:
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(machines.bootstrap().run, "sleep 30")
        while not bootstrap_server.commands:
            time.sleep(0.02)
        bootstrap_server.cut()
        with pytest.raises(UnreachableError, match=r"bootstrap .*the connection broke during `sleep 30`"):
            running.result(10)


def test_put_writes_with_a_mode_and_leaves_nothing_beside(machines: Machines, tmp_path: Path) -> None:
    target = tmp_path / "new folder" / "it's"
    machines.bootstrap().put("first\n", str(target))
    machines.bootstrap().put(b"second\n", str(target), mode=0o600)
    assert target.read_text() == "second\n"
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["it's"]
    assert machines.bootstrap().get(str(target)) == b"second\n"


def test_get_of_a_file_that_is_not_there_is_told(machines: Machines, tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"bootstrap: .*/nothing cannot be read: .*No such file"):
        machines.bootstrap().get(f"{tmp_path}/nothing")


def test_sync_leaves_exactly_the_folder_and_its_extras(machines: Machines, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "sub" / "__pycache__").mkdir(parents=True)
    (source / "sub" / "__pycache__" / "x.pyc").write_text("no")
    (source / "sub" / "run.sh").write_text("#!/bin/sh\n")
    (source / "plain").write_text("1")
    target = tmp_path / "target"
    (target / "old").mkdir(parents=True)
    (target / "old" / "file").write_text("stale")
    machines.bootstrap().sync(source, str(target), {"made/inventory.yml": "x: 1\n"})
    found = {path.relative_to(target).as_posix(): path for path in target.rglob("*") if path.is_file()}
    assert sorted(found) == ["made/inventory.yml", "plain", "sub/run.sh"]
    assert found["sub/run.sh"].stat().st_mode & 0o777 == 0o755
    assert found["plain"].stat().st_mode & 0o777 == 0o644


def test_follow_gives_lines_as_they_come_and_ticks_between(machines: Machines) -> None:
    seen = list(machines.bootstrap().follow("echo one; sleep 0.5; printf tw; sleep 0.1; echo o", tick_s=0.1))
    assert [line for line in seen if line is not None] == ["one", "two"]
    assert None in seen[1:-1]


def test_follow_ends_when_its_reader_stops(machines: Machines) -> None:
    lines = machines.bootstrap().follow("echo one; sleep 30", tick_s=0.1)
    assert next(line for line in lines if line) == "one"
    lines.close()
    assert machines.bootstrap().run("echo free").stdout == "free\n"


def test_follow_tells_when_the_connection_breaks(machines: Machines, bootstrap_server: Any) -> None:
    lines = machines.bootstrap().follow("echo one; sleep 30", tick_s=0.1)
    assert next(line for line in lines if line) == "one"
    bootstrap_server.cut()
    with pytest.raises(UnreachableError, match="the connection broke"):
        list(lines)
