"""Images of the stand-in: folders below /usr/lib/rehearsal/images, named by the last part of an image's name.

`run` is what a container without a command runs; `rootfs`, when it is there, lies over the machine's own files.
"""

from __future__ import annotations

from pathlib import Path

from .paths import IMAGES, real


class NoSuchImageError(Exception):
    """The image is not one of the stand-in's; the text says so, and which there are."""


def short_name(image: str) -> str:
    """`registry.k8s.io/coredns/coredns:v1.14.2@sha256:..` is coredns."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def folder(image: str) -> Path:
    """The image's folder. Raises NoSuchImageError."""
    place = real(IMAGES) / short_name(image)
    if (place / "run").exists():
        return place
    known = ", ".join(sorted(entry.name for entry in real(IMAGES).iterdir())) if real(IMAGES).is_dir() else "none"
    raise NoSuchImageError(f'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": '
                           f'{short_name(image)} is not among the '
                      f"stand-in's images (there is no registry in the rehearsal): {known}")  # fmt: skip
