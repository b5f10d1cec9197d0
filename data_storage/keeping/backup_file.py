"""Files of backups: packed by zstd or plain, named once they are whole, with their SHA-256 in a file that `sha256sum -c` reads."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gcg_quant.errors import StorageError

if TYPE_CHECKING:
    from _typeshed import SupportsRead, SupportsWrite

__all__ = ["digest_file", "finish_file", "packed", "remove_file", "sync_folder", "unpack", "verify_digest"]

_CHUNK = 1 << 20
_PACKED = ".zst"


def packed(path: Path) -> bool:
    """Return whether a file of this name is packed."""
    return path.suffix == _PACKED


def digest_file(path: Path) -> Path:
    """Return where the SHA-256 of a backup is written."""
    return path.with_name(path.name + ".sha256")


def finish_file(plain: Path, path: Path) -> int:
    """Give a whole database file its name `path`, packed if the name says so; return its size in bytes.

    Killed in between, there is no file of that name. `plain` is gone afterwards.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    part = path.with_name(path.name + ".part")
    if packed(path):
        import pyarrow as pa

        with open(plain, "rb") as source, pa.CompressedOutputStream(pa.OSFile(str(part), "wb"), "zstd") as target:
            _copy(source, target)
        plain.unlink()
    elif plain != part:
        plain.replace(part)
    with open(part, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    _write_whole(digest_file(path), f"{digest}  {path.name}\n")
    size = part.stat().st_size
    part.replace(path)
    sync_folder(path.parent)
    return size


def unpack(path: Path, plain: Path) -> None:
    """Copy a backup to the database file `plain`, unpacked.

    Raises:
        OSError: the file cannot be read, is no zstd file, or the disk is full.
    """
    with open(plain, "wb") as target:
        if packed(path):
            import pyarrow as pa

            with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as source:
                _copy(source, target)
        else:
            with open(path, "rb") as source:
                _copy(source, target)
        target.flush()
        os.fsync(target.fileno())


def verify_digest(path: Path) -> bool:
    """Return whether the file of a backup's SHA-256 is there; the backup fits it.

    Raises:
        StorageError: the backup has other bytes than those that were written.
    """
    with contextlib.suppress(FileNotFoundError):
        wanted = digest_file(path).read_text(errors="replace").split()[:1]
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if wanted != [found]:
            raise StorageError(f"The backup {path} is damaged: its SHA-256 is not that of {digest_file(path).name}.", path=str(path))
        return True
    return False


def remove_file(path: Path) -> None:
    """Remove a backup, and its SHA-256 behind it."""
    path.unlink(missing_ok=True)
    digest_file(path).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_whole(path: Path, text: str) -> None:
    beside = path.with_name(path.name + ".part")
    beside.write_text(text)
    beside.replace(path)


def _copy(source: SupportsRead[Any], target: SupportsWrite[Any]) -> None:
    for chunk in _chunks(source):
        target.write(chunk)


def _chunks(source: SupportsRead[Any]) -> Iterator[Any]:
    while chunk := source.read(_CHUNK):
        yield chunk
