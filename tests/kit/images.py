"""The images of polyglot and what is in them: `python -m tests.kit.images [KIND …]`, which is `make images`.

Builds the targets controller, worker and trainer of the Dockerfile with docker, podman or buildah, whichever works here
(BUILDER names one), tags them IMAGE_PREFIX-<kind>:IMAGE_TAG, and writes a CycloneDX bill of materials of each into
out/sbom/, from the lock that its packages were installed from. Build arguments (see the Dockerfile) are taken from the
environment variables of their names and handed on by name, so that no index with a password is seen in a list of
processes, a log, or an image.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("controller", "worker", "trainer")
ARGUMENTS = ("BASE_IMAGE", "PYTHON", "UV_LOCK", "CA_CERTIFICATES", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "SOURCE")
_DEFAULT_BASE = "python:3.12-slim-bookworm"


def main() -> int:
    """Build what was asked for."""
    parser = argparse.ArgumentParser(prog="tests.kit.images")
    parser.add_argument("kinds", nargs="*", choices=(*KINDS, []), help="all of them without any")
    parser.add_argument("--sbom-only", action="store_true", help="bills of materials from the locks; builds nothing")
    options = parser.parse_args()
    kinds = options.kinds or KINDS
    if not options.sbom_only:
        builder = os.environ.get("BUILDER") or find_builder()
        for kind in kinds:
            print(f"{kind}: {image_name(kind)} {build(builder, kind)}")
    for kind in kinds:
        print(f"{kind}: {bill_of_materials(kind).relative_to(ROOT)}")
    return 0


def find_builder() -> str:
    """The first program that builds images and works here."""
    for name in ("docker", "podman", "buildah"):
        check = [name, "version" if name == "buildah" else "info"]
        if shutil.which(name) and subprocess.run(check, capture_output=True, check=False).returncode == 0:
            return name
    raise SystemExit("images: neither docker nor podman nor buildah works here; install one, for example buildah")


def image_name(kind: str) -> str:
    """`<prefix>-<kind>:<tag>`."""
    prefix = os.environ.get("IMAGE_PREFIX") or "localhost/polyglot"
    commit, _, dirty = revision().partition("-")
    return f"{prefix}-{kind}:{os.environ.get('IMAGE_TAG') or commit[:12] + ('-dirty' if dirty else '')}"


def revision() -> str:
    """The commit of the checkout, with `-dirty` when files differ from it."""
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"


def build(builder: str, kind: str) -> str:
    """Build one target and return the image's id."""
    packages = []
    if builder != "docker":  # whose cache knows the layer of packages without reading all of it
        name = _packages_name(builder, kind)
        if subprocess.run([builder, "inspect", "--type", "image", name], capture_output=True, check=False).returncode:
            _build(builder, f"{kind}-packages", name, [])
        packages = [f"{kind.upper()}_PACKAGES={name}"]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return _build(builder, kind, image_name(kind), [*packages, f"VERSION={version}", f"REVISION={revision()}"])


def _build(builder: str, target: str, name: str, arguments: Sequence[str]) -> str:
    identity = ROOT / "out" / "images" / f"{target}.id"
    identity.parent.mkdir(parents=True, exist_ok=True)
    command = [builder, "bud" if builder == "buildah" else "build", "--target", target, "--tag", name]
    command += ["--iidfile", str(identity), "--force-rm", *_conditions(builder)]  # a failed one would keep gigabytes
    for argument in [*(name for name in ARGUMENTS if os.environ.get(name)), *arguments]:
        command += ["--build-arg", argument]
    done = subprocess.run([*command, "."], cwd=ROOT, env={**os.environ, **_index()}, stdout=sys.stderr, check=False)
    if done.returncode:
        raise SystemExit(f"images: {builder} could not build {target}; its last lines say why")
    return identity.read_text(encoding="ascii").strip()


def _conditions(builder: str) -> list[str]:
    """Options of a builder: the host's certificates and its cache of packages, where it can mount them."""
    bundle, cache = os.environ.get("SSL_CERT_FILE"), Path.home() / ".cache" / "uv"
    if builder == "docker":
        if bundle and not os.environ.get("CA_CERTIFICATES"):
            print(
                "images: docker mounts nothing while it builds; it trusts its base image's certificates",
                file=sys.stderr,
            )
        return []
    options = ["--network", "host", "--layers"]
    if builder == "buildah" and os.geteuid() == 0:
        options += ["--isolation", "chroot"]  # works inside of containers and small machines as well
    if bundle:
        folder = Path(bundle).parent
        options += ["--volume", f"{folder}:{folder}:ro", "--build-arg", f"SSL_CERT_FILE={bundle}"]
    if cache.is_dir():
        options += ["--volume", f"{cache}:/var/cache/uv", "--build-arg", "UV_CACHE_DIR=/var/cache/uv"]
    return options


def _index() -> dict[str, str]:
    """The index of packages that pip is configured with here, for pip and uv in the build."""
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    url = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL") or found
    return {name: url for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX") if url}


def _packages_name(builder: str, kind: str) -> str:
    """The image of a kind's packages alone, named by all that goes into it."""
    base = os.environ.get("BASE_IMAGE") or _DEFAULT_BASE
    asked = [
        builder,
        "inspect",
        "--type",
        "image",
        "--format",
        "{{.FromImageID}}" if builder == "buildah" else "{{.Id}}",
        base,
    ]
    known = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    files = ["Dockerfile", "requirements/fetch.sh", "requirements/build.txt", f"requirements/{kind}.txt"]
    files.append(f"requirements/{os.environ.get('UV_LOCK') or 'uv.txt'}")
    content = [
        base,
        known,
        os.environ.get("PYTHON", ""),
        *((ROOT / file).read_text(encoding="utf-8") for file in files),
    ]
    return f"localhost/polyglot-{kind}-packages:{hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]}"


def bill_of_materials(kind: str) -> Path:
    """Write out/sbom/<kind>.cdx.json: equal locks give equal bytes."""
    folder, tool = ROOT / "out" / "sbom", ROOT / "out" / "sbom-tool"
    folder.mkdir(parents=True, exist_ok=True)
    uv = Path(sys.executable).with_name("uv")
    if not (tool / "bin" / "cyclonedx-py").exists():
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, tool], check=True)
    install = [uv, "pip", "sync", "--quiet", "--require-hashes", ROOT / "requirements" / "sbom.txt"]
    subprocess.run(install, env={**os.environ, "VIRTUAL_ENV": str(tool)}, check=True)
    target = folder / f"{kind}.cdx.json"
    command = [
        tool / "bin" / "cyclonedx-py",
        "requirements",
        f"requirements/{kind}.txt",
        "--pyproject",
        "pyproject.toml",
    ]
    command += ["--mc-type", "application", "--output-reproducible", "--output-format", "JSON", "--output-file", target]
    # it finds the lock's graph of dependencies incomplete, which a flat list is
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONWARNINGS": "ignore"}, check=True)
    return target


if __name__ == "__main__":
    sys.exit(main())
