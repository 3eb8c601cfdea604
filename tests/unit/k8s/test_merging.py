"""The lab's cluster joins the user's kubeconfig, and nothing that is there is lost."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from labkit.errors import ConfigError
from labkit.k8s import merging
from labkit.session import Session
from tests import windows

ADMIN = """
apiVersion: v1
kind: Config
clusters: [{name: kubernetes, cluster: {server: "https://192.0.2.101:6443", certificate-authority-data: QQ==}}]
users: [{name: kubernetes-admin, user: {client-key-data: Qg==}}]
contexts: [{name: kubernetes-admin@kubernetes, context: {cluster: kubernetes, user: kubernetes-admin}}]
current-context: kubernetes-admin@kubernetes
"""
WORK: dict[str, Any] = {
    "apiVersion": "v1", "kind": "Config", "current-context": "work",
    "clusters": [{"name": "kubernetes", "cluster": {"server": "https://work"}}],
    "users": [{"name": "me", "user": {"token": "secret"}}],
    "contexts": [{"name": "work", "context": {"cluster": "kubernetes", "user": "me"}}],
    "extensions": [{"name": "mine"}],
}  # fmt: skip


@pytest.fixture
def fetched(session: Session) -> Session:
    session.state.write(session.state.kubeconfig, ADMIN)
    return session


def merged(session: Session, file: Path) -> Any:
    merging.merge(session, file)
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def test_a_user_without_a_kubeconfig_gets_one_with_the_lab_as_current_context(fetched: Session, tmp_path: Path) -> None:
    file = tmp_path / "new" / "config"
    content = merged(fetched, file)
    assert content["current-context"] == "lab-7e57"
    assert content["contexts"] == [{"name": "lab-7e57", "context": {"cluster": "lab-7e57", "user": "lab-7e57-admin"}}]
    assert content["clusters"][0]["cluster"]["server"] == "https://192.0.2.101:6443"
    if not windows.IS_WINDOWS:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_everything_else_and_the_current_context_stay(fetched: Session, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(WORK), encoding="utf-8")
    content = merged(fetched, file)
    assert content["current-context"] == "work"
    assert content["extensions"] == WORK["extensions"]
    for key in merging.LISTS:
        assert content[key][:-1] == WORK[key]
        assert content[key][-1]["name"].startswith("lab-7e57")


def test_merging_again_changes_nothing_and_a_rebuilt_cluster_takes_its_place(fetched: Session, tmp_path: Path) -> None:
    file = tmp_path / "config"
    assert merging.merge(fetched, file) is True
    assert merging.merge(fetched, file) is False
    fetched.state.write(fetched.state.kubeconfig, ADMIN.replace("QQ==", "UQ=="))
    content = merged(fetched, file)
    assert [one["cluster"]["certificate-authority-data"] for one in content["clusters"]] == ["UQ=="]


@pytest.mark.parametrize("text", ["{", "- a list", "clusters: {}\nusers: 3", "clusters: [nameless]"])
def test_what_is_no_kubeconfig_is_left_as_it_is(fetched: Session, tmp_path: Path, text: str) -> None:
    file = tmp_path / "config"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError):
        merging.merge(fetched, file)
    assert file.read_text(encoding="utf-8") == text


def test_a_link_stays_a_link(fetched: Session, tmp_path: Path) -> None:
    (tmp_path / "real").write_text("", encoding="utf-8")
    (tmp_path / "config").symlink_to(tmp_path / "real")
    merging.merge(fetched, tmp_path / "config")
    assert (tmp_path / "config").is_symlink()
    assert "lab-7e57" in (tmp_path / "real").read_text(encoding="utf-8")


def test_it_is_the_file_that_kubectl_writes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert merging.user_file() == tmp_path / ".kube" / "config"
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")]))
    assert merging.user_file() == tmp_path / "a"
