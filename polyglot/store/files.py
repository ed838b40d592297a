"""Copying and linking local files: sharing their blocks where the file system can, atomic where others may look."""

import errno
import os
import shutil
import uuid
from pathlib import Path

# what a kernel or file system answers when it cannot copy inside itself
_CANNOT = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF}


def copy_file(source: Path, target: Path) -> None:
    """Copy the bytes of a file into a new or emptied one; copy-on-write file systems share the blocks."""
    copy_range = getattr(os, "copy_file_range", None)  # Linux alone has it
    with source.open("rb") as read, target.open("wb") as write:
        try:
            while copy_range is not None and copy_range(read.fileno(), write.fileno(), 2**30):
                pass
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
        else:
            if os.fstat(write.fileno()).st_size == os.fstat(read.fileno()).st_size:
                return
        read.seek(0)
        write.seek(0)
        write.truncate()
        shutil.copyfileobj(read, write, 2**20)


def link_or_copy(source: Path, target: Path) -> None:
    """Put a hard link of `source` at `target`, else a copy, in one step; what was there is replaced."""
    beside = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
    try:
        try:
            os.link(source, beside)
        except OSError as error:
            # a source that another process replaces at this moment has no links left, and cannot be linked (ENOENT)
            if error.errno not in {*_CANNOT, errno.EMLINK, errno.ENOENT}:
                raise
            copy_file(source, beside)
        beside.replace(target)
    finally:
        # a rename onto another link of the same file does nothing and leaves both
        beside.unlink(missing_ok=True)
