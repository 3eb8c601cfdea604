"""A user's own settings of Kubernetes' parts: the files of the folder that `kubernetes.patches` names.

kubeadm reads files named `target[suffix][+patchtype].extension`, passes by all others without a word, and has no target
for kube-proxy: `kubeproxyconfiguration.yaml` is merged into its configuration here (RFC 7386).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from labkit.description.models import LabModel
from labkit.description.source import Problem

KUBE_PROXY = "kubeproxyconfiguration.yaml"
TARGETS = (
    "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubeletconfiguration", "corednsdeployment",
)  # fmt: skip
FILE = re.compile(rf"({'|'.join(TARGETS)})[^.+]*(\+(strategic|merge|json))?\.(json|yaml)")
KEY = ("kubernetes", "patches")


def problems(model: LabModel, here: Path) -> list[Problem]:
    """What is wrong with the folder; `here` is that of the description."""
    written = model.kubernetes.patches
    if written is None:
        return []
    folder = here / written
    if not folder.is_dir():
        return [Problem(KEY, f"there is no folder {folder}", "make it, or leave the key empty")]
    wrong = [found for file in _files(folder) for found in _wrong(file)]
    return [Problem(KEY, f"{written}: {message}", fix) for message, fix in wrong]


def read(folder: Path) -> dict[str, str]:
    """The text of each file, by name; hidden ones left out."""
    return {file.name: file.read_text(encoding="utf-8") for file in _files(folder)}


def merged(document: Any, patch: Any) -> Any:
    """A document with a JSON merge patch in it: null takes a key away, a list replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if not file.name.startswith("."))


def _wrong(file: Path) -> Iterator[tuple[str, str]]:
    """What is wrong with a file, and how to put it right."""
    if not file.is_file() or not (file.name == KUBE_PROXY or FILE.fullmatch(file.name)):
        fix = f"name it TARGET[+merge|+strategic|+json].yaml, with one of {', '.join(TARGETS)}; or {KUBE_PROXY}"
        yield f"{file.name}: kubeadm would not read it", fix
        return
    try:
        documents = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    except UnicodeDecodeError:
        yield f"{file.name}: it is no text in UTF-8", "save it as UTF-8"
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        yield f"{file.name}{line}: it is no YAML: {getattr(error, 'problem', None) or error}", "correct the file"
    else:
        if file.name == KUBE_PROXY and not (len(documents) == 1 and isinstance(documents[0], dict)):
            yield f"{file.name}: a mapping is expected", "write the keys of a KubeProxyConfiguration"
