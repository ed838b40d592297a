"""A program that builds images here: docker, podman or buildah, and what each needs to fetch packages in a build.

Values that may hold a password (an index of packages) are handed on by name, through the builder's environment, so that
they are in no list of processes, log or image. buildah and podman read a layer of gigabytes again when it is copied, so
the packages of a kind are an image of their own, named by all that goes into it; the program is laid on that.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

KINDS = ("controller", "worker", "trainer")
NAMED_ONLY = ("vllm",)  # built where it is asked for: another 10 GB
BUILD_SECONDS = 3600
# what a site may set, as build arguments of these names (see the Dockerfile)
_ARGUMENTS = (
    *("BASE_IMAGE", "PYTHON", "UV_LOCK", "CA_CERTIFICATES", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "SOURCE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
)
_UV_CACHE = "/var/cache/uv"
_SCRATCH = "/var/tmp"  # noqa: S108 - where builders write layers: /tmp may be in memory
_DISK = {"trainer": 36_000_000_000}  # bytes, while the packages of a kind are built; vllm's were not measured


class BuildError(Exception):
    """An image could not be built. One line; the builder's last words follow where nobody has seen them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """`options` are those of every command, such as a storage of one's own. `quiet`: nothing is shown of a build."""

    program: str
    options: tuple[str, ...] = ()
    quiet: bool = False

    @classmethod
    def find(cls) -> "Builder":
        """The program that BUILDER names, else the first that is here and works. Raises BuildError."""
        if named := os.environ.get("BUILDER"):
            return cls(program=named)
        for name in ("docker", "podman", "buildah"):
            check = [name, "version" if name == "buildah" else "info"]
            if shutil.which(name) and subprocess.run(check, capture_output=True, check=False).returncode == 0:
                return cls(program=name)
        raise BuildError("neither docker nor podman nor buildah works here; install one, for example buildah")

    def command(self, *words: str) -> list[str]:
        """The words of one of its commands."""
        return [self.program, *self.options, *words]

    def identity(self, name: str) -> str:
        """The id of an image that is here; "" for none."""
        field = "{{.FromImageID}}" if self.program == "buildah" else "{{.Id}}"
        command = self.command("inspect", "--type", "image", "--format", field, name)
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    def has(self, name: str) -> bool:
        """True when an image of that name is here."""
        command = self.command("inspect", "--type", "image", name)
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def build(self, source: Path, target: str, name: str, arguments: Mapping[str, str], *, layers: bool = True) -> str:
        """Build a target of a folder's Dockerfile and return the image's id. Raises BuildError.

        Without `layers`, no step but the last is kept: gigabytes less on the disk while it builds.
        """
        with tempfile.TemporaryDirectory(
            dir="/var/tmp"
        ) as folder:  # theirs as well: a build that fails leaves gigabytes
            identity = Path(folder) / "id"
            words = ["bud" if self.program == "buildah" else "build", "--target", target, "--tag", name]
            words += [
                "--iidfile",
                str(identity),
                "--force-rm",
                *self._conditions(layers=layers),
            ]  # a failed one keeps gigabytes
            words += ["--quiet"] if self.quiet else []
            environment = {"TMPDIR": folder, **os.environ, **_index()}
            for each in [each for each in _ARGUMENTS if environment.get(each) and each not in arguments]:
                words += ["--build-arg", each]
            for key, value in arguments.items():
                words += ["--build-arg", f"{key}={value}"]
            done = subprocess.run(
                self.command(*words, "."),
                cwd=source,
                env=environment,
                stdout=subprocess.PIPE if self.quiet else sys.stderr,
                stderr=subprocess.STDOUT if self.quiet else None,
                timeout=BUILD_SECONDS,
                check=False,
                preexec_fn=lambda: os.nice(10),  # noqa: PLW1509 - no threads of ours hold locks here
            )
            if done.returncode:
                said = (done.stdout or b"").decode(errors="replace")[-3000:]
                raise BuildError(f"{self.program} could not build {target}; its last lines say why\n{said}".strip())
            return identity.read_text(encoding="ascii").strip()

    def ensure_packages(self, source: Path, kind: str, name: str, arguments: Mapping[str, str]) -> bool:
        """Build the image of a kind's packages unless it is here; True when it was built."""
        if self.has(name):
            return False
        print(f"building the {kind}'s packages, once (minutes)", file=sys.stderr, flush=True)
        free, wanted = shutil.disk_usage(_SCRATCH).free, _DISK.get(kind, 0)
        if free < wanted:
            short = f"it takes up to {wanted / 1e9:.0f} GB of disk, and {_SCRATCH} has {free / 1e9:.0f} GB free"
            print(f"  {short}: it may end with a full disk", file=sys.stderr, flush=True)
        self.build(source, f"{kind}-packages", name, arguments, layers=False)
        return True

    def _conditions(self, *, layers: bool) -> list[str]:
        """The host's network, certificates and cache of packages, where the builder can have them."""
        bundle, cache = os.environ.get("SSL_CERT_FILE"), os.environ.get("UV_CACHE_DIR")
        if self.program == "docker":
            if bundle and not os.environ.get("CA_CERTIFICATES"):
                said = "images: docker mounts nothing while it builds; it trusts its base image's certificates"
                print(said, file=sys.stderr)
            return []
        options = ["--network", "host", f"--layers={'true' if layers else 'false'}"]
        if self.program == "buildah" and os.geteuid() == 0:
            options += ["--isolation", "chroot"]  # works inside of containers and small machines as well
        if bundle:
            folder = Path(bundle).parent
            options += ["--volume", f"{folder}:{folder}:ro", "--build-arg", f"SSL_CERT_FILE={bundle}"]
        folder = Path(cache) if cache else Path.home() / ".cache" / "uv"
        folder.mkdir(parents=True, exist_ok=True)
        return [*options, "--volume", f"{folder}:{_UV_CACHE}", "--build-arg", f"UV_CACHE_DIR={_UV_CACHE}"]


def packages_name(source: Path, kind: str, base: str, *, uv_lock: str = "uv.txt") -> str:
    """The image of a kind's packages, named by what goes into it; `base` says exactly which base image that is."""
    digest = hashlib.sha256(base.encode())
    digest.update(_stages((source / "Dockerfile").read_text(encoding="utf-8"), f"{kind}-packages").encode())
    wanted = (kind, Path(uv_lock).stem, "build", "fetch")
    for path in sorted((source / "requirements").iterdir()):
        if path.stem in wanted:
            digest.update(path.read_bytes())
    return f"localhost/polyglot-{kind}-packages:{digest.hexdigest()[:12]}"


def _stages(dockerfile: str, target: str) -> str:
    """The lines of a target and of the stages that it is built on or copies from: the others' may change."""
    lines = "".join(line for line in dockerfile.splitlines(keepends=True) if not line.startswith("#"))
    parts = re.split(r"^(?=FROM )", lines, flags=re.MULTILINE)
    of_name = {found[1]: part for part in parts if (found := re.match(r"FROM \S+ AS (\S+)", part))}
    wanted, waiting = set[str](), [target]
    while waiting:
        name = waiting.pop()
        if name in of_name and name not in wanted:
            wanted.add(name)
            waiting += re.findall(r"(?:^FROM |--from=)(\S+)", of_name[name], flags=re.MULTILINE)
    return "".join(part for name, part in of_name.items() if name in wanted)


def _index() -> dict[str, str]:
    """The index of packages that pip is configured with here, for pip and uv in the build."""
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    url = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL") or found
    return {name: url for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX") if url}
