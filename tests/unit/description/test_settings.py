"""A user's own settings of the roles, ansible/group_vars/all.yml: what is wrong there ends in a sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from labkit.description import settings
from labkit.description.load import load_lab
from labkit.errors import ConfigError

LAB = Path(__file__).resolve().parents[3] / "labs" / "rehearsal.yaml"
EXAMPLE = settings.FILE.with_name("all.yml.example")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    own = tmp_path / "all.yml"
    monkeypatch.setattr(settings, "FILE", own)
    return own


def test_a_file_with_settings_of_the_roles_is_accepted(file: Path) -> None:
    load_lab(LAB)  # there is none
    file.write_text("packages_extra: [vim-enhanced]\ncni_calico_version: v3.99.0\n", encoding="utf-8")
    load_lab(LAB)
    file.write_text("# all of it is a comment\n", encoding="utf-8")
    load_lab(LAB)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("packages_extra: [vim\n", "all.yml:2: "),
        (
            "packages_extar: [vim]\n",
            "all.yml:1: packages_extar: no role has this setting -> did you mean packages_extra",
        ),
        ("lab_cni: flannel\n", "all.yml:1: lab_cni: no role has this setting -> invoke.yaml says it"),
        ("zzz: 1\n", "all.yml:1: zzz: no role has this setting -> remove it"),
        (
            "packages_extra: [a]\npackages_extra: [b]\n",
            "all.yml:2: packages_extra: the key 'packages_extra' stands twice",
        ),
        ("- packages_extra\n", "all.yml:1: a mapping is expected"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_line_and_fix(file: Path, text: str, said: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_lab(LAB)
    assert said in caught.value.problem


def test_the_example_is_all_comments_and_each_setting_in_it_exists() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert yaml.safe_load(text) is None
    uncommented = re.sub(r"^#(?=[a-z]|  )", "", text, flags=re.MULTILINE)
    found = yaml.safe_load(uncommented)
    assert {"packages_extra", "firewall_extra_ports"} <= set(found) <= settings.known()
