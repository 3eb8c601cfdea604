"""The tables of stand-in RPMs hang together: what one names, another has."""

import xml.etree.ElementTree as ElementTree

import pytest

from rehearsal.upstream.hidden import HIDDEN, STORE
from rehearsal.upstream.rocky import APP_STREAM, BASE_OS, CONTAINERD, CORE, comps, packages

ALL = {**BASE_OS, **APP_STREAM, **CONTAINERD}


def test_every_hidden_program_is_revealed_by_a_package() -> None:
    assert set(HIDDEN) <= set(ALL)


def test_a_package_links_each_of_its_hidden_programs_from_the_store() -> None:
    nginx = next(package for package in packages(APP_STREAM) if package.name == "nginx")
    assert nginx.links["/usr/sbin/nginx"] == STORE + "/usr/sbin/nginx"


@pytest.mark.parametrize("name", ALL)
def test_requirements_can_be_met(name: str) -> None:
    assert set(ALL[name].requires) <= set(ALL)


def test_every_unit_and_configuration_file_exists() -> None:
    for package in packages(ALL):
        for content in package.files.values():
            assert isinstance(content, bytes) or content.is_file(), content


def test_the_minimal_environment_names_packages_that_exist() -> None:
    root = ElementTree.fromstring(comps())
    assert [node.text for node in root.iter("packagereq")] == list(CORE)
    assert set(CORE) <= set(BASE_OS)
