"""What is taken out of a text before it is kept or handed on: the lab's secrets, and the names of Windows' users.

Secrets go twice over: by their values where those are known here, and by their form, for those that only machines know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from labkit.controller import account
from labkit.controller.secrets import MASK, passwords

if TYPE_CHECKING:
    from labkit.controller.state import StateDir
    from labkit.description.lab import Lab

FORMS = tuple(
    re.compile(form, re.DOTALL)
    for form in (
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",  # cut off: to the text's end
        r"(?<=client-key-data)[\"':\s]+[A-Za-z0-9+/=]{16,}",  # of a kubeconfig
        r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}",  # a ServiceAccount's token
        r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b",  # kubeadm's token, as it defines them
        r"(?i)(?<=certificate.key)[\"':=\s]+[0-9a-f]{64}\b",  # kubeadm's; any other 64 digits are a container's id
        r"\$(?:1|5|6|y|2[aby])\$[^\s:\"']{8,}",  # crypt(5)
    )
)
WORD_LENGTH = 32  # a line of a key has more; a shorter word in its file is an address or a comment
HOME = re.compile(
    r"((?:[a-z]:[\\/]+(?:users|documents and settings)[\\/]+|(?<![\w.])/(?:home|Users)/))"
    r"(?!(?:public|default|all users)\b)(?:[^\\/:*?\"<>|\r\n]+(?=[\\/])|[^\\/:*?\"<>|\s,;)'`]+)",
    re.IGNORECASE,
)
NOBODYS = frozenset({"", "lab", "administrator", "admin", "root", "user", "rocky"})  # they name nobody
SOMEBODY = "USER"


def without_secrets(text: str, known: Iterable[str] = ()) -> str:
    """`text` with `***` for each secret: the passwords of this run, `known` ones, and whatever has a secret's form."""
    values = {form for value in (*passwords(), *known) if value for form in (value, *_escaped(value))}
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, MASK)
    for form in FORMS:
        text = form.sub(MASK, text)
    return text


def key_words(state: StateDir) -> list[str]:
    """What the lab's private files on this controller hold, word by word: a line of a key alone is a secret, too."""
    from labkit.controller.keys import HOST_KEY  # cryptography takes long to import: only who bundles pays

    files = (state.private_key, state.bootstrap / HOST_KEY, state.kubeconfig)
    words = [word for file in files if file.exists() for word in file.read_text("utf-8", "replace").split()]
    return [word for word in words if len(word) > WORD_LENGTH]


def users(lab: Lab) -> list[str]:
    """The names of the PCs' accounts and of who types `inv`, but for those that are nobody's own."""
    names = [part for host in lab.hosts for part in (host.user, *re.split(r"[\\@]", host.user))]
    return [name for name in dict.fromkeys([*names, account.current()]) if name.strip(".").lower() not in NOBODYS]


def without_users(text: str, names: Iterable[str]) -> str:
    """`text` with USER for each of `names` that stands as a word, and in the paths of people's own folders."""
    text = HOME.sub(rf"\1{SOMEBODY}", text)
    for name in sorted(names, key=len, reverse=True):
        for form in {name, *_escaped(name)}:
            text = re.sub(rf"(?<![A-Za-z0-9_]){re.escape(form)}(?![A-Za-z0-9_])", SOMEBODY, text, flags=re.IGNORECASE)
    return text


def _escaped(value: str) -> tuple[str, str]:
    """How JSON writes it, with and without letters beyond ASCII."""
    return json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
