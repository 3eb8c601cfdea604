"""What is stored, in which version, who hears of it, and what a restart finds."""

from __future__ import annotations

from pathlib import Path
from queue import Empty

import pytest

from rehearsal.kubernetes.api import disk as disk_module
from rehearsal.kubernetes.api.disk import LOG, Disk
from rehearsal.kubernetes.api.errors import ApiError
from rehearsal.kubernetes.api.objects import Obj
from rehearsal.kubernetes.api.store import HISTORY, Store

MAPS = ("", "configmaps")


def _map(name: str, value: str = "x") -> Obj:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n"}, "data": {"k": value}}


def version_of(obj: Obj) -> int:
    return int(obj["metadata"]["resourceVersion"])


def test_every_write_gets_a_higher_version() -> None:
    store = Store()
    first, second = store.put(MAPS, _map("a")), store.put(MAPS, _map("a", "y"))
    assert version_of(second) == version_of(first) + 1 == store.version
    assert store.get(MAPS, "n", "a") == second


def test_a_watcher_hears_what_came_after_its_version_and_nothing_older() -> None:
    store = Store()
    store.put(MAPS, _map("a"))
    since = store.version
    store.put(MAPS, _map("b"))
    heard = store.subscribe(MAPS, since)
    store.remove(MAPS, "n", "b")
    events = [heard.get_nowait(), heard.get_nowait()]
    assert [(one.before is None, one.after is None) for one in events if one] == [(True, False), (False, True)]
    with pytest.raises(Empty):
        heard.get_nowait()


def test_a_removed_object_is_shown_with_the_version_of_its_removal() -> None:
    store = Store()
    store.put(MAPS, _map("a"))
    heard = store.subscribe(MAPS, None)
    store.remove(MAPS, "n", "a")
    event = heard.get_nowait()
    assert event is not None
    assert version_of(event.last) == store.version


def test_a_version_that_is_no_longer_remembered_is_refused_as_expired() -> None:
    store = Store()
    for number in range(HISTORY + 2):
        store.put(MAPS, _map("a", str(number)))
    with pytest.raises(ApiError) as refused:
        store.subscribe(MAPS, 1)
    assert (refused.value.code, refused.value.reason) == (410, "Expired")


def test_a_restart_finds_everything_and_continues_the_versions(tmp_path: Path) -> None:
    store = Store(Disk(tmp_path))
    store.put(MAPS, _map("a"))
    store.put(MAPS, _map("b"))
    store.remove(MAPS, "n", "a")
    # No close: the process was killed.
    again = Store(Disk(tmp_path))
    assert [one["metadata"]["name"] for one in again.all(MAPS)] == ["b"]
    assert again.version == store.version


def test_a_half_written_last_record_is_dropped(tmp_path: Path) -> None:
    store = Store(Disk(tmp_path))
    store.put(MAPS, _map("a"))
    with (tmp_path / LOG).open("ab") as log:
        log.write(b'{"version": 99, "op": "put", "obj')
    again = Store(Disk(tmp_path))
    assert again.version == store.version
    assert len(again.all(MAPS)) == 1


def test_a_snapshot_in_the_middle_of_writing_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_module, "COMPACT_AFTER", 3)
    store = Store(Disk(tmp_path))
    for number in range(10):
        store.put(MAPS, _map(f"m{number}"))
    store.remove(MAPS, "n", "m0")
    again = Store(Disk(tmp_path))
    assert again.all(MAPS) == store.all(MAPS)
    assert again.version == store.version


def test_a_write_after_the_close_is_refused_and_the_watchers_are_told(tmp_path: Path) -> None:
    store = Store(Disk(tmp_path))
    heard = store.subscribe(MAPS, None)
    store.close()
    assert heard.get_nowait() is None
    with pytest.raises(ApiError, match="shutting down"):
        store.put(MAPS, _map("a"))


def test_a_watch_from_before_a_restart_is_told_to_list_again(tmp_path: Path) -> None:
    store = Store(Disk(tmp_path))
    store.put(MAPS, _map("a"))
    since = store.version
    store.put(MAPS, _map("b"))
    with pytest.raises(ApiError, match="too old resource version"):
        Store(Disk(tmp_path)).subscribe(MAPS, since)
