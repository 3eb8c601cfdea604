"""What every test gets: no network, a `.lab/` of its own, and a lab to look at."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent
# labkit is installed; `tasks` and `rehearsal` are not, and are found from the checkout.
sys.path.insert(0, str(ROOT))

import labkit.session  # noqa: E402
from labkit.controller.state import StateDir  # noqa: E402
from labkit.description.lab import Lab  # noqa: E402
from labkit.description.load import load_lab  # noqa: E402
from labkit.session import Session  # noqa: E402
from tests import sharing, summary, windows  # noqa: E402

if windows.IS_WINDOWS:
    windows.stand_in()

OPEN_TO_THE_NETWORK = ("network", "boot", "rehearsal")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = sharing.longest_first(items)
    if windows.IS_WINDOWS:
        windows.leave_out(items)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)  # around pytest-timeout's: waiting for others is not the test's time
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    if sharing.is_one_at_a_time(item.path.relative_to(ROOT).as_posix()) and not windows.IS_WINDOWS:
        sharing.wait_for_the_room()
    yield


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> sharing.ByFile:
    return sharing.scheduler(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    summary.hand_over(session)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    summary.take_over(node)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    summary.write(terminalreporter)


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections, except where a marker says that the test needs them."""
    if any(request.node.get_closest_marker(name) for name in OPEN_TO_THE_NETWORK):
        return

    def refuse(_socket: socket.socket, address: Any) -> Any:
        if isinstance(address, tuple):
            raise AssertionError(f"this test connects to {address}; mark it `network` if it must")
        return connect(_socket, address)  # a Unix socket stays on this computer

    connect = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep `.lab/` in the test's own folder, so that no test touches a real lab's keys and journal."""
    folder = tmp_path / ".lab"
    labkit.session._open.cache_clear()
    monkeypatch.setattr(StateDir, "of", classmethod(lambda cls, lab: cls(folder / lab.id)))
    return folder


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No password and no consent comes from the developer's own environment, and no width from a test's worker."""
    secret = ("LAB_PASSWORD", "LAB_PASSWORD_PC1", "LAB_PASSWORD_PC2", "LAB_ASSUME_YES")
    for variable in (*secret, "INVOKE_RUNTIME_CONFIG", "COLUMNS"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(autouse=True)
def quick_icacls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows, files are not made their owner's alone but where that is what is tested."""
    windows.without_icacls(request, monkeypatch)


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The lab of labs/rehearsal.yaml: two hosts, six machines, id 7e57."""
    return load_lab(ROOT / "labs" / "rehearsal.yaml")


@pytest.fixture
def session(lab: Lab) -> Session:
    """A session of that lab with its folder in the test's own one; nothing is connected."""
    return Session(lab)
