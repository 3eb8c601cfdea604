#!/usr/bin/python3
"""Fetch what the nodes will ask for through this server's own mirror, so that it lies here by then.

Usage: prefetch.py SETTINGS REPORT   (as root; needs nothing but Python 3.9 and dnf)
SETTINGS and REPORT are JSON files; labkit/pxe/prefetch.py writes the one and reads the other. One file is fetched after
the other, as slowly as nginx gives them at this address. What is kept already is not read again. What cannot be fetched
is told and tried once more at the end; it keeps nothing else from being fetched, and ends no run: the nodes ask again.
"""

import hashlib
import http.client
import json
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from functools import partial
from pathlib import Path

SILENT_S = 60
PIECE = 1 << 16
INDEX, MANIFEST = "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json"
LIST, SINGLE = (f"application/vnd.docker.distribution.manifest.{kind}+json" for kind in ("list.v2", "v2"))
KINDS = ", ".join([SINGLE, LIST, MANIFEST, INDEX, "*/*"])  # as containerd asks for a tag
PLATFORM = ("linux", "amd64")
IMAGE = re.compile(r"""^[ -]*image:[ ]*["']?([^\s"'#]+)""", re.MULTILINE)
BAD = (
    OSError,
    http.client.HTTPException,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
)  # no answer, or a strange one
FROM_HERE = ("HIT", "STALE", "UPDATING", "REVALIDATED")


class WrongError(Exception):
    """What came is not what was asked for; the text says how."""


class Report:
    """What is wanted, what is kept by now, and why the rest is not: a file that is whole at any time."""

    def __init__(self, path):
        self.path = Path(path)
        self.rows = {"wanted": [], "kept": [], "failed": {}, "bytes": 0, "ended": False}

    def want(self, names):
        self.rows["wanted"] += [name for name in names if name not in self.rows["wanted"]]
        self.write()

    def attempt(self, name, action):
        """Note what becomes of `action`; return what it gave, or None."""
        try:
            given, size = action()
        except (*BAD, WrongError) as error:
            self.rows["failed"][name] = reason(error)
            given = None
        else:
            self.rows["failed"].pop(name, None)
            self.rows["kept"].append(name)
            self.rows["bytes"] += size
        self.write()
        return given

    def write(self):
        put(self.path, json.dumps(self.rows).encode())


def reason(error):
    if isinstance(error, urllib.error.HTTPError):
        return f"{error.code} {error.reason}"
    return str(getattr(error, "reason", error))


def ask(url, headers=None):
    """An open answer. Addresses are this server's own, a registry's place for tokens, or the source of manifests."""
    if not url.startswith(("http://", "https://")):
        raise WrongError(f"{url} is no address")
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=SILENT_S)  # noqa: S310


def read(url, headers=None, digest=None):
    """All of an answer, which is of that SHA-256."""
    with ask(url, headers) as answer:
        body = answer.read()
        if "/images/v2/" in url and "X-Cache-Status" not in answer.headers:
            raise WrongError("it is passed on and not kept: labkit/pxe/images.py does not name it")
    check(digest, hashlib.sha256(body))
    return body


def drain(url, headers=None, digest=None):
    """Read an answer to its end, which lets nginx keep it, unless nginx has it; return how large it is."""
    with ask(url, headers) as answer:
        if answer.headers.get("X-Cache-Status") in FROM_HERE:
            return int(answer.headers.get("Content-Length") or 0)
        size, seen = 0, hashlib.sha256()
        for piece in iter(lambda: answer.read(PIECE), b""):
            size += len(piece)
            seen.update(piece)
    check(digest, seen)
    return size


def whole(url):
    """A package, or a key."""
    return None, drain(url)


def check(digest, seen):
    if digest and seen.hexdigest() != digest:
        raise WrongError(f"its SHA-256 is {seen.hexdigest()}, not {digest}")


class Image:
    """One image of one registry: `docker.io/library/nginx:1.29`."""

    def __init__(self, mirror, name):
        registry, _, rest = name.partition("/")
        repository, self.tag = rest.rsplit("@" if "@" in rest else ":", 1)
        self.base, self.query = f"{mirror}/images/v2/{repository}", f"?ns={registry}"
        self.token = {}

    def fetch(self):
        """Its index, its manifest for these machines, its configuration and its layers; how large they are."""
        manifest = self.manifest(self.tag, KINDS)
        if "manifests" in manifest:
            ours = [one["digest"] for one in manifest["manifests"] if is_ours(one.get("platform", {}))]
            if not ours:
                raise WrongError(f"it has nothing for {'/'.join(PLATFORM)}")
            manifest = self.manifest(ours[0], f"{MANIFEST}, {SINGLE}")
        digests = [part["digest"] for part in (manifest["config"], *manifest["layers"])]
        return None, sum(self.answer(drain, f"blobs/{digest}", "*/*", sha256(digest)) for digest in digests)

    def manifest(self, reference, kinds):
        body = self.answer(read, f"manifests/{reference}", kinds, sha256(reference))
        if reference == self.tag:  # containerd asks for the tag's digest, and then by that
            digest = hashlib.sha256(body).hexdigest()
            self.answer(read, f"manifests/sha256:{digest}", kinds, digest)
        return json.loads(body)

    def answer(self, how, path, kinds, digest):
        """What `how` makes of an answer; the registry's token is fetched once it is wanted."""
        url = f"{self.base}/{path}{self.query}"
        try:
            return how(url, {"Accept": kinds, **self.token}, digest)
        except urllib.error.HTTPError as error:
            if error.code != 401 or self.token:
                raise
            self.token = {"Authorization": f"Bearer {token(error.headers.get('WWW-Authenticate', ''))}"}
            return how(url, {"Accept": kinds, **self.token}, digest)


def image(mirror, name):
    return Image(mirror, name).fetch()


def sha256(reference):
    return reference[7:] if reference.startswith("sha256:") else None


def is_ours(platform):
    return (platform.get("os"), platform.get("architecture")) == PLATFORM


def token(challenge):
    """What a registry gives to anybody who asks (https://distribution.github.io/distribution/spec/auth/token/)."""
    words = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    if not challenge.lower().startswith("bearer ") or "realm" not in words:
        raise WrongError("the registry wants to know who asks")
    query = urllib.parse.urlencode({key: words[key] for key in ("service", "scope") if key in words})
    given = json.loads(read(f"{words['realm']}?{query}"))
    return given.get("token") or given["access_token"]


def put(path, content):
    """Write a file that is whole at any time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(content)
    new.chmod(0o644)
    new.replace(path)


def manifest_file(settings, path, digest):
    """An add-on's manifest, where its role looks for it; its text."""
    target = Path(settings["manifests_folder"], path)
    if not target.exists():
        url = f"{settings['manifests_url']}/{path}"
        put(target, read(url, digest=digest or read(f"{url}.sha256").split()[0].decode()))
    text = target.read_text(encoding="utf-8")
    return text, len(text)


def package_urls(settings):
    """Where the packages lie that the nodes install, by what their repositories say."""
    named = [name for name in settings["packages"] if " " not in name]
    limited = [name for name in settings["packages"] if " " in name]  # such as `containerd.io < 3`
    with tempfile.TemporaryDirectory() as cache:  # of its own: whoever else runs dnf here waits for nobody
        command = ["dnf", "--quiet", "--disablerepo=*", f"--setopt=cachedir={cache}"]
        command += [f"--repofrompath=lab-ahead-{name},{url}" for name, url in settings["repositories"].items()]
        command += ["repoquery", "--location", "--latest-limit=1", "--arch=x86_64,noarch"]
        return [
            url for words in (named, *(["--whatprovides", each] for each in limited)) for url in found(command, words)
        ], 0


def found(command, words):
    """The lines that a query for packages gives."""
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
    if done.returncode != 0 or not done.stdout:
        said = " ".join(done.stderr.split()[-40:])
        raise WrongError(f"dnf ended with code {done.returncode} for {' '.join(words)}: {said or 'it offers none'}")
    return done.stdout.split()


def main(settings_path, report_path):
    settings = json.loads(Path(settings_path).read_text(encoding="utf-8"))
    report = Report(report_path)
    try:
        fetch(settings, report)
    finally:
        report.rows["ended"] = True
        report.write()


def fetch(settings, report):
    manifests, images = settings["manifests"], settings["images"]
    report.want([*manifests, "packages", *settings["keys"], *images])
    urls = report.attempt("packages", partial(package_urls, settings)) or []
    texts = [report.attempt(path, partial(manifest_file, settings, path, manifests[path])) for path in manifests]
    images = [*images, *(name for text in texts if text for name in IMAGE.findall(text))]
    actions = {url: partial(whole, url) for url in [*settings["keys"], *urls]}
    actions.update({name: partial(image, settings["mirror"], name) for name in images})
    report.want(actions)
    for name, action in actions.items():
        report.attempt(name, action)
    for name in [name for name in actions if name in report.rows["failed"]]:
        report.attempt(name, actions[name])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: prefetch.py SETTINGS REPORT")
    main(*sys.argv[1:])
