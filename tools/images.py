"""The images of polyglot and what is in them: `python -m tools.images [KIND …]`, which is `make images`.

Builds the targets controller, worker and trainer of the Dockerfile (vllm where it is named) with docker, podman or
buildah, whichever works here (BUILDER names one), tags them IMAGE_PREFIX-<kind>:IMAGE_TAG, and writes a CycloneDX bill
of materials of each into out/sbom/, from the lock that its packages were installed from. Build arguments (see the
Dockerfile) are taken from the environment variables of their names.
"""

import argparse
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

from tools.builder import KINDS, NAMED_ONLY, Builder, BuildError, packages_name

ROOT = Path(__file__).resolve().parents[1]
_DEFAULT_BASE = "python:3.12-slim-bookworm"


def main() -> int:
    """Build what was asked for."""
    parser = argparse.ArgumentParser(prog="tools.images")
    parser.add_argument("kinds", nargs="*", choices=(*KINDS, *NAMED_ONLY, []), help="the first three without any")
    parser.add_argument("--sbom-only", action="store_true", help="bills of materials from the locks; builds nothing")
    options = parser.parse_args()
    kinds = options.kinds or KINDS
    if not options.sbom_only:
        try:
            builder = Builder.find()
            for kind in kinds:
                print(f"{kind}: {image_name(kind)} {build(builder, kind)}")
        except BuildError as error:
            raise SystemExit(f"images: {error}") from error
    for kind in kinds:
        print(f"{kind}: {bill_of_materials(kind).relative_to(ROOT)}")
    return 0


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


def build(builder: Builder, kind: str) -> str:
    """Build one target and return the image's id."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    arguments = {"VERSION": project["version"], "REVISION": revision()}
    if builder.program != "docker":  # whose cache knows the layer of packages without reading all of it
        base = os.environ.get("BASE_IMAGE") or _DEFAULT_BASE
        exactly = json.dumps([base, builder.identity(base), os.environ.get("PYTHON", "")])
        name = packages_name(ROOT, kind, exactly, uv_lock=os.environ.get("UV_LOCK") or "uv.txt")
        builder.ensure_packages(ROOT, kind, name, {})
        arguments[f"{kind.upper()}_PACKAGES"] = name
    return builder.build(ROOT, kind, image_name(kind), arguments)


def bill_of_materials(kind: str) -> Path:
    """Write out/sbom/<kind>.cdx.json: equal locks give equal bytes."""
    folder, tool = ROOT / "out" / "sbom", ROOT / "out" / "sbom-tool"
    folder.mkdir(parents=True, exist_ok=True)
    uv = Path(sys.executable).with_name("uv")
    if not (tool / "bin" / "cyclonedx-py").exists():
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, tool], check=True)
    install: list[str | Path] = [uv, "pip", "sync", "--quiet", "--require-hashes", ROOT / "requirements" / "sbom.txt"]
    subprocess.run(install, env={**os.environ, "VIRTUAL_ENV": str(tool)}, check=True)
    target = folder / f"{kind}.cdx.json"
    command: list[str | Path] = [
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
