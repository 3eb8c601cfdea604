"""A user's own settings of Kubernetes' parts: the files of kubernetes.patches, as kubeadm reads them."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from labkit.description.lab import Lab
from labkit.description.load import load_lab
from labkit.errors import ConfigError
from labkit.k8s import tree

LAB = Path(__file__).resolve().parents[3] / "labs" / "rehearsal.yaml"
KUBELET = "maxPods: 50\n"
PROXY = "mode: ipvs\nconntrack: {maxPerCore: 0}\nnodePortAddresses: null\n"


def described(folder: Path, **files: str) -> Lab:
    """The rehearsal's lab with a folder of patches beside its file; `__` in a name stands for `+`, `_` for `.`."""
    (folder / "mine").mkdir()
    for name, text in files.items():
        (folder / "mine" / name.replace("__", "+").replace("_", ".")).write_text(text, encoding="utf-8")
    shutil.copy(LAB, folder)
    text = LAB.read_text(encoding="utf-8")
    assert "\n    patches:\n" in text
    (folder / LAB.name).write_text(text.replace("\n    patches:\n", "\n    patches: mine\n"), encoding="utf-8")
    return load_lab(folder / LAB.name)


def test_each_file_reaches_the_tree_and_kubeadm_is_told_the_folder(tmp_path: Path) -> None:
    api = "spec: {containers: []}\n"
    lab = described(tmp_path, kubeletconfiguration0__merge_yaml=KUBELET, **{"kube-apiserver_yaml": api})
    files = tree.rendered(lab)
    assert files["rendered/patches/kubeletconfiguration0+merge.yaml"] == KUBELET
    init, *_ = yaml.safe_load_all(files["rendered/kubeadm-init.yaml"])
    assert init["patches"] == {"directory": "/etc/kubernetes/patches"}
    digests = yaml.safe_load(files["inventory.yml"])["all"]["vars"]["lab_kubeadm_patches"]
    assert digests["kubeletconfiguration0+merge.yaml"] == sha256(KUBELET.encode()).hexdigest()
    assert set(digests) == {"kubeletconfiguration0+merge.yaml", "kube-apiserver.yaml"}


def test_another_patch_is_another_tree(tmp_path: Path) -> None:
    lab = described(tmp_path, etcd_json="{}")
    before = tree.identity(lab)
    (tmp_path / "mine" / "etcd.json").write_text('{"a": 1}', encoding="utf-8")
    assert tree.identity(lab) != before


def test_kube_proxy_which_kubeadm_does_not_patch_is_merged_into_its_own_document(tmp_path: Path) -> None:
    files = tree.rendered(described(tmp_path, kubeproxyconfiguration_yaml=PROXY))
    init, *_, proxy = yaml.safe_load_all(files["rendered/kubeadm-init.yaml"])
    assert (proxy["kind"], proxy["mode"], proxy["conntrack"]) == ("KubeProxyConfiguration", "ipvs", {"maxPerCore": 0})
    assert "nodePortAddresses" not in proxy
    assert "patches" not in init
    assert not [name for name in files if "patches/" in name]


def test_without_a_folder_kubeadm_is_told_of_none(lab: Lab) -> None:
    init, *_ = yaml.safe_load_all(tree.rendered(lab)["rendered/kubeadm-init.yaml"])
    assert "patches" not in init


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("kubelet_yaml", KUBELET, "kubelet.yaml: kubeadm would not read it"),
        ("kubeletconfiguration_yml", KUBELET, "kubeletconfiguration.yml: kubeadm would not read it"),
        ("etcd__mrege_yaml", "a: 1\n", "etcd+mrege.yaml: kubeadm would not read it"),
        ("etcd_yaml", "a: [1\n", "etcd.yaml, line 2: it is no YAML"),
        ("kubeproxyconfiguration_yaml", "- 1\n", "kubeproxyconfiguration.yaml: a mapping is expected"),
    ],
)
def test_a_file_that_would_do_nothing_is_refused_before_anything_is_contacted(
    name: str, text: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        described(tmp_path, **{name: text})
    assert "lab.kubernetes.patches: mine" in caught.value.problem
    assert said in caught.value.problem


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    described(tmp_path, etcd_yaml="a: 1\n")
    shutil.rmtree(tmp_path / "mine")
    with pytest.raises(ConfigError, match=r"lab\.kubernetes\.patches: there is no folder"):
        load_lab(tmp_path / LAB.name)
