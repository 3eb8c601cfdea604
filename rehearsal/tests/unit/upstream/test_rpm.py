"""The spec file decides what dnf will see."""

from pathlib import Path

from rehearsal.upstream.rpm import Package, spec_text


def test_spec_names_every_file_and_link_and_requirement() -> None:
    package = Package("a", "1.2", "Stand-in for a", {"/usr/bin/a": b""}, links={"/usr/bin/b": "a"}, requires=("c",))
    lines = spec_text(package, Path("/payload")).splitlines()
    assert {"Name: a", "Version: 1.2", "Requires: c", '"/usr/bin/a"', '"/usr/bin/b"'} <= set(lines)


def test_spec_has_a_script_only_where_the_package_has_one() -> None:
    assert "%post" not in spec_text(Package("a", "1", "x"), Path("/p"))
    assert "%post\nuseradd a" in spec_text(Package("a", "1", "x", post="useradd a"), Path("/p"))
