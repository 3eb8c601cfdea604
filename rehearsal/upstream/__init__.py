"""The Internet of the rehearsal: package repositories, install tree, manifests and wheels, over HTTP on EXTERNAL."""

from rehearsal.upstream.server import serve
from rehearsal.upstream.tree import build

__all__ = ["build", "serve"]
