"""Files to store, and ways to damage them."""

import random
from pathlib import Path


def random_file(path: Path, size: int) -> Path:
    """A file whose every part differs from every other."""
    generator, left = random.Random(size), size
    with path.open("wb") as file:
        while left:
            left -= file.write(generator.randbytes(min(left, 2**20)))
    return path


def flip(path: Path, offset: int) -> None:
    """Change one bit in place."""
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


def truncate(path: Path, count: int = 1) -> None:
    """Cut bytes off the end."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - count)
