"""Container images of a few static programs, written as an OCI archive without a container engine.

The same files give the same bytes, hence the same digest. `import_images` (image_store.py) takes such an archive.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """An image. `files` maps its paths to files of the host (or text), `links` to the targets of symbolic links."""

    name: str
    files: Mapping[str, Path | str]
    links: Mapping[str, str] = field(default_factory=dict)
    folders: Sequence[str] = ()
    entrypoint: Sequence[str] = ()
    user: str = "0"

    @property
    def reference(self) -> str:
        """The image's name with a tag that is the digest of its content."""
        digest = hashlib.sha256()
        for path, source in sorted(self.files.items()):
            digest.update(json.dumps([path, hashlib.sha256(_content(source)).hexdigest()]).encode())
        rest = [sorted(self.links.items()), list(self.folders), list(self.entrypoint), self.user]
        digest.update(json.dumps(rest).encode())
        return f"{self.name}:{digest.hexdigest()[:12]}"


def write(recipe: Recipe, archive: Path) -> None:
    """Write the image's archive. Holds one program in memory at a time."""
    layer = archive.with_suffix(".layer")
    try:
        _write_layer(recipe, layer)
        digest = _sha256(layer)
        config = {
            "architecture": "amd64",
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {"Entrypoint": list(recipe.entrypoint), "User": recipe.user, "Env": ["PATH=/bin:/usr/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [digest]},
        }
        blobs = [_blob("application/vnd.oci.image.config.v1+json", config)]
        media_type = "application/vnd.oci.image.manifest.v1+json"
        manifest = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": blobs[0][0],
            "layers": [
                {
                    "mediaType": "application/vnd.oci.image.layer.v1.tar",
                    "digest": digest,
                    "size": layer.stat().st_size,
                }
            ],
        }
        blobs.append(_blob(media_type, manifest))
        named = {**blobs[1][0], "annotations": {"io.containerd.image.name": recipe.reference}}
        with tarfile.open(archive, "w") as tar:
            _add(tar, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
            _add(tar, "index.json", json.dumps({"schemaVersion": 2, "manifests": [named]}).encode())
            for descriptor, content in blobs:
                _add(tar, f"blobs/sha256/{descriptor['digest'][7:]}", content)
            tar.add(layer, f"blobs/sha256/{digest[7:]}")
    finally:
        layer.unlink(missing_ok=True)


def _write_layer(recipe: Recipe, path: Path) -> None:
    with tarfile.open(path, "w") as tar:
        made: set[str] = set()
        for folder in recipe.folders:
            _add_folders(tar, folder + "/x", made, mode=0o1777)
        for name, source in sorted(recipe.files.items()):
            _add_folders(tar, name, made)
            program = isinstance(source, Path)
            _add(tar, name, _content(source), mode=0o755 if program else 0o644)
        for name, target in sorted(recipe.links.items()):
            _add_folders(tar, name, made)
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)


def _add_folders(tar: tarfile.TarFile, name: str, made: set[str], mode: int = 0o755) -> None:
    parents = [str(parent) for parent in Path(name).parents if str(parent) != "."]
    for parent in reversed(parents):
        if parent not in made:
            made.add(parent)
            folder = tarfile.TarInfo(parent)
            folder.type, folder.mode = tarfile.DIRTYPE, mode if parent == parents[0] else 0o755
            tar.addfile(folder)


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


class _Descriptor(TypedDict):
    """What an image says of one of its parts."""

    mediaType: str
    digest: str
    size: int


def _blob(media_type: str, value: object) -> tuple[_Descriptor, bytes]:
    content = json.dumps(value, sort_keys=True).encode()
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    return _Descriptor(mediaType=media_type, digest=digest, size=len(content)), content


def _content(source: Path | str) -> bytes:
    return source.read_bytes() if isinstance(source, Path) else source.encode()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
