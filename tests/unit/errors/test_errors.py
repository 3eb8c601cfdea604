"""An error is data until it is shown: problems, hints, and the command that goes on."""

from __future__ import annotations

import pytest

from labkit.errors import ConfigError, LabError, RefusedError, UnreachableError, as_typed, together
from labkit.transport.winrm import DroppedError


def test_it_shows_every_problem_every_hint_once_and_how_to_go_on() -> None:
    error = LabError(["w1 is gone", "w2 is gone"], ["look for it", "look for it", "ask pc1"])
    error.resume = "inv lab.up"
    assert str(error).splitlines() == [
        "error: w1 is gone", "error: w2 is gone", "hint: look for it", "hint: ask pc1", "resume: inv lab.up",
    ]  # fmt: skip
    assert (error.problem, error.hint) == ("w1 is gone; w2 is gone", "look for it; ask pc1")
    assert error.code == 1


def test_every_kind_of_error_has_a_code_of_its_own() -> None:
    kinds = [LabError, *LabError.__subclasses__()]
    codes = [kind.exit_code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert 0 not in codes


def test_one_host_that_refuses_and_one_that_drops_end_with_what_both_are() -> None:
    joint = together([UnreachableError("pc1 refuses the password"), DroppedError("pc2 was lost", "again")])
    assert type(joint) is UnreachableError
    assert joint.code == 3
    assert joint.problems == ("pc1 refuses the password", "pc2 was lost")


def test_errors_that_have_nothing_in_common_end_with_1() -> None:
    assert together([UnreachableError("pc1"), RefusedError("pc2")]).code == 1


def test_one_error_alone_stays_what_it_is() -> None:
    alone = ConfigError("a")
    assert together([alone]) is alone


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "run `inv os.bootstrap`, then `inv k8s.join`",
            "run `inv -f a.yaml os.bootstrap`, then `inv -f a.yaml k8s.join`",
        ),
        ("inv k8s.control-plane asks again", "inv -f a.yaml k8s.control-plane asks again"),
        ("`inv --list` names them all", "`inv -f a.yaml --list` names them all"),
        ("type `inv` there", "type `inv` there"),
        ("repeat `inv -e -f b.yaml lab.up`", "repeat `inv -e -f b.yaml lab.up`"),
        ("an invocation, and 1 inv", "an invocation, and 1 inv"),
    ],
)
def test_a_command_begins_as_this_one_was_typed(text: str, shown: str) -> None:
    assert as_typed(text, "inv -f a.yaml") == shown
    error = LabError("somebody types inv lab.up", text)
    error.inv = "inv -f a.yaml"
    assert str(error) == f"error: somebody types inv lab.up\nhint: {shown}"
