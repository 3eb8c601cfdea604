"""The upstream manifests that the lab applies: accepted under strict validation, and nothing left for diff."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.tests.integration.kubernetes_api.control_plane import ControlPlane

pytestmark = pytest.mark.network
FOLDER = Path(__file__).parents[3] / "kubernetes/manifests"
MANIFESTS = sorted(path for path in FOLDER.iterdir() if path.suffix in (".yaml", ".yml"))


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.name)
def test_a_manifest_of_the_lab_applies_without_a_warning_and_converges(plane: ControlPlane, manifest: Path) -> None:
    plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(manifest))
    unchanged = plane.try_kubectl("diff", "--server-side", "-f", str(manifest))
    assert unchanged.returncode == 0, unchanged.stdout + unchanged.stderr
    plane.kubectl("delete", "-f", str(manifest), "--ignore-not-found", "--wait=false")
