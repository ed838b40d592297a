"""The images of what runs inside the cluster besides polyglot: small, of static programs, made without a registry."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.cluster import image_store, places, programs
from tools.cluster.shell import call
from tools.cluster.tar_image import Recipe, write

_USERS = "root:x:0:0:root:/:/bin/sh\npolyglot:x:10001:10001::/work:/bin/sh\n"


def ensure(*, kueue: bool, nodes: Sequence[Path] = ()) -> dict[str, str]:
    """Have the images in the cache of images, and in running nodes by their sockets; return name -> reference."""
    with tempfile.TemporaryDirectory() as folder, image_store.opened() as socket:
        present = {each: image_store.references(each) for each in (socket, *nodes)}
        made = {}
        for recipe in _recipes(Path(folder), kueue):
            reference = recipe.reference
            made[recipe.name.rpartition("/")[2]] = reference
            lacking = [each for each, references in present.items() if reference not in references]
            if lacking:
                archive = Path(folder) / "image.tar"
                write(recipe, archive)
                image_store.import_archive(lacking, archive)
    return made


def _recipes(folder: Path, kueue: bool) -> list[Recipe]:
    """`busybox` is for tests: a shell, wget (its -T crashes), httpd, nslookup."""
    busybox = Path(shutil.which("busybox") or "/bin/busybox")
    applets = call(busybox, "--list").split()
    recipes = [
        Recipe(name=f"{places.REGISTRY}/pause", files={"pause": _pause(folder)}, entrypoint=["/pause"], user="65535"),
        Recipe(
            name=f"{places.REGISTRY}/busybox",
            files={"bin/busybox": busybox, "etc/passwd": _USERS},
            links={f"bin/{applet}": "busybox" for applet in applets if applet != "busybox"},
            folders=["tmp"],
        ),
        Recipe(
            name=f"{places.REGISTRY}/coredns",
            files={"coredns": programs.coredns()},
            entrypoint=["/coredns"],
        ),
        Recipe(
            name=f"{places.REGISTRY}/store",
            files={"versitygw": programs.store()},
            folders=["tmp"],
            entrypoint=["/versitygw"],
        ),
    ]
    if kueue:
        recipes.append(
            Recipe(
                name=f"{places.REGISTRY}/kueue",
                files={"manager": programs.kueue()},
                folders=["tmp"],
                entrypoint=["/manager"],
                user="65532",
            )
        )
    return recipes


def _pause(folder: Path) -> Path:
    program = folder / "pause"
    call("gcc", "-static", "-Os", "-s", "-o", program, Path(__file__).parent / "pause.c")
    return program
