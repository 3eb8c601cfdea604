"""Container registries for tests, on loopback: `registry.py 8097` is the registry, 8096 the store that it sends to.

What they are like goes by the repository's first part, as the public ones differ:
    library   wants a token, and sends for blobs to the store, which refuses who brings one (docker.io)
    coredns   sends twice, with a long signature, the second time to a path without a host (registry.k8s.io)
    kube-proxy  sends for blobs to the store
    others    answer themselves
Each repository has an image of one layer for amd64, under any tag but v1: there the manifest is the Accept header that
was sent. A file /tmp/store/FIRST-PART (or /tmp/store/all) says what is done instead:
    429     what was asked for too often
    silent  nothing comes
    halves  half of a blob comes, the rest when /tmp/store/go is there; manifests are refused with 429
Each request is a line of /tmp/store/asked: METHOD PORT PATH.
"""

import hashlib
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

FOLDER = Path("/tmp/store")
INDEX, MANIFEST = (f"application/vnd.oci.image.{kind}.v1+json" for kind in ("index", "manifest"))
STORE = "http://127.0.0.1:8096"
LONG = "signature=" + "s" * 6000
CHALLENGE = 'Bearer realm="http://127.0.0.1:8097/token",scope="pull"'
SILENCE_S = 40.0


def mood(kind: str) -> str:
    files = [file for file in (FOLDER / "all", FOLDER / kind) if kind and file.is_file()]
    return files[-1].read_text().strip() if files else ""


def image(repository: str) -> dict[str, bytes]:
    """A repository's contents by their digests: configuration, layer, manifest, index."""
    config, layer = json.dumps({"os": "linux", "of": repository}).encode(), f"layer of {repository}".encode()
    manifest = json.dumps(
        {"schemaVersion": 2, "mediaType": MANIFEST, "config": described(config, "config.v1+json"),
         "layers": [described(layer, "layer.v1.tar")]}
    ).encode()  # fmt: skip
    listed = [
        described(content, "manifest.v1+json") | {"platform": {"os": "linux", "architecture": machine}}
        for machine, content in (("arm64", b"none"), ("amd64", manifest))
    ]
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}).encode()
    return {digest(part): part for part in (config, layer, manifest, index)}


def described(content: bytes, kind: str) -> dict[str, Any]:
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": digest(content), "size": len(content)}


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Registry(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        FOLDER.mkdir(exist_ok=True)
        with (FOLDER / "asked").open("a") as asked:
            asked.write(f"{self.command} {self.connection.getsockname()[1]} {self.path.partition('?')[0]}\n")
        kind = self.path.split("/", 3)[2] if self.path.startswith("/v2/") else ""
        does = mood(kind)
        if does == "silent":
            time.sleep(SILENCE_S)
        elif does == "429" or (does == "halves" and "/manifests/" in self.path):
            self.answer(429, b"too many requests", {})
        elif self.path.startswith("/token?scope="):
            self.answer(200, b'{"token": "pass"}', {})
        else:
            self.serve(kind)

    do_HEAD = do_POST = do_DELETE = do_GET  # noqa: N815

    def serve(self, kind: str) -> None:
        if kind == "library" and not self.headers.get("Authorization", "").startswith(("Bearer pass", "Basic ")):
            self.answer(401, b"", {"WWW-Authenticate": CHALLENGE})
        elif kind == "coredns":
            self.answer(307, b"", {"Location": f"{STORE}{self.path}?{LONG}"})
        elif "/blobs/" in self.path and kind in ("library", "kube-proxy"):
            self.answer(307, b"", {"Location": f"{STORE}{self.path}?signature=s"})
        else:
            self.content()

    def content(self) -> None:
        body, kind = self.body(), "application/octet-stream"
        if "/manifests/" in self.path:
            kind = INDEX if b'"manifests"' in body else MANIFEST
        self.answer(200, body, {"Content-Type": kind, "Docker-Content-Digest": digest(body)})

    def body(self) -> bytes:
        before, _, reference = self.path.partition("?")[0].rpartition("/")
        contents = image(before.removeprefix("/v2/").removeprefix("second/").rpartition("/")[0])
        if reference.startswith("sha256:"):
            return contents.get(reference, b"layer")
        return self.headers.get("Accept", "").encode() if reference == "v1" else list(contents.values())[-1]

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Store(Registry):
    def serve(self, kind: str) -> None:
        if "Authorization" in self.headers or "signature=s" not in self.path:
            self.answer(400, b"", {})
        elif kind == "coredns":
            self.answer(302, b"", {"Location": self.path.replace("/v2/", "/v2/second/")})
        elif mood(kind) == "halves":
            self.in_two_halves(self.body())
        else:
            self.content()

    def in_two_halves(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:2])
        while not (FOLDER / "go").exists():
            time.sleep(0.05)
        self.wfile.write(body[2:])


if __name__ == "__main__":
    ThreadingHTTPServer.daemon_threads = True
    for port, handler in ((8096, Store), (int(sys.argv[1]), Registry)):
        Thread(target=ThreadingHTTPServer(("127.0.0.1", port), handler).serve_forever).start()
