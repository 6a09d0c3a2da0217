"""Members of zip archives of unknown origin, `.npz` and `.keras`: their size is looked at before they are unpacked.

Nothing is unpickled. Whatever is wrong becomes `BrokenArchive`, in a few words and without the archive's name.
"""

import json
import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

MAX_JSON_BYTES = 50_000_000
MAX_ARCHIVE_BYTES = 2_000_000_000


class BrokenArchive(ValueError):
    """An archive, or a member of it, that cannot be read; the message says why."""


def open_archive(path: Path) -> zipfile.ZipFile:
    """Return an archive, open for reading.

    Raises:
        BrokenArchive: If it is none.
    """
    try:
        return zipfile.ZipFile(path)
    except Exception as error:  # fed with damaged bytes, `zipfile` raises almost anything
        raise BrokenArchive(_reason(error)) from error


def check_whole(path: Path) -> None:
    """Read every member of an archive to its end, against the checksum that lies with it.

    Raises:
        BrokenArchive: If it is no archive, or a member is damaged.
    """
    with open_archive(path) as archive:
        for name in archive.namelist():
            with open_member(archive, name) as file:
                while read_member(file, 1 << 20):
                    pass


def open_member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """Return a member, open for reading.

    Raises:
        BrokenArchive: If there is none of the name, or it is packed or encrypted as nothing here reads.
    """
    try:
        return archive.open(name)
    except KeyError:
        raise BrokenArchive(f"it has no {name}") from None
    except Exception as error:
        raise BrokenArchive(_reason(error)) from error


def read_member(file: IO[bytes], count: int) -> bytes:
    """Return the next bytes of a member; at the end fewer than `count`.

    Raises:
        BrokenArchive: If they are damaged.
    """
    try:
        return file.read(count)
    except Exception as error:
        raise BrokenArchive(f"damaged: {_reason(error)}") from error


def read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, whether in Fortran's order, and type of an array, and leave the member at its first value.

    Raises:
        BrokenArchive: If that is no array, or holds objects, which would have to be unpickled.
    """
    try:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except Exception as error:
        raise BrokenArchive(_reason(error)) from error
    if dtype.hasobject:
        raise BrokenArchive("it is pickled, and nothing is unpickled")
    if dtype.kind not in "biufSU":
        raise BrokenArchive(f"values of type {in_short(dtype)}; numbers and text are read")
    if not all(isinstance(side, int) and side >= 0 for side in shape):
        raise BrokenArchive(f"an array cannot have the shape {shape}")
    return shape, bool(fortran), dtype


def load_array(archive: zipfile.ZipFile, name: str, *, most_bytes: int) -> NDArray[Any]:
    """Return an array of an archive, which may not be written to.

    Args:
        archive: The archive.
        name: The array's, without `.npy`.
        most_bytes: It may unpack to.

    Raises:
        BrokenArchive: If it is missing, damaged, pickled or too large.
    """
    with open_member(archive, f"{name}.npy") as file:
        packed_out = archive.getinfo(f"{name}.npy").file_size
        if packed_out > most_bytes:
            raise BrokenArchive(f"{packed_out / 1e6:.0f} MB when unpacked; at most {most_bytes / 1e6:.0f} are read")
        shape, fortran, dtype = read_header(file)
        count = math.prod(shape)
        if count * dtype.itemsize > packed_out:
            raise BrokenArchive("shorter than it says")
        content = read_member(file, count * dtype.itemsize)
    if len(content) < count * dtype.itemsize or not dtype.itemsize:
        raise BrokenArchive("shorter than it says")
    if dtype.kind == "U":
        _check_text(np.frombuffer(content, np.dtype(np.uint32).newbyteorder(dtype.byteorder)))
    return np.frombuffer(content, dtype, count).reshape(shape, order="F" if fortran else "C")


def _check_text(codes: NDArray[np.uint32]) -> None:
    """Raise if numbers are no characters: NumPy takes any for text, and Python then fails when it looks at one."""
    if ((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes < 0xE000))).any():
        raise BrokenArchive("text that is no Unicode")


def read_json(path: Path, name: str) -> dict[str, Any]:
    """Return a member that holds a JSON object.

    Args:
        path: The archive.
        name: The member.

    Raises:
        BrokenArchive: If it is missing, damaged or too large, or holds something else.
    """
    with open_archive(path) as archive, open_member(archive, name) as file:
        if archive.getinfo(name).file_size > MAX_JSON_BYTES:
            raise BrokenArchive(f"its {name} is too large")
        content = read_member(file, MAX_JSON_BYTES)
    return json_object(content, f"its {name}")


def read_members(path: Path, *, most_bytes: int = MAX_ARCHIVE_BYTES) -> dict[str, bytes]:
    """Return every member of an archive by its name.

    Args:
        path: The archive.
        most_bytes: All of them together may unpack to.

    Raises:
        BrokenArchive: If it is none, or a member is damaged, or they are too large.
    """
    with open_archive(path) as archive:
        check_size(archive, most_bytes)
        members = {}
        for info in archive.infolist():
            with open_member(archive, info.filename) as file:
                members[info.filename] = read_member(file, info.file_size)
    return members


def write_members(path: Path, members: dict[str, bytes]) -> None:
    """Write an archive of members that are not packed and carry no date: equal members give equal bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)


def check_size(archive: zipfile.ZipFile, most_bytes: int) -> None:
    """Raise BrokenArchive if the members of an archive would together unpack to more bytes than that."""
    unpacked = sum(info.file_size for info in archive.infolist())
    if unpacked > most_bytes:
        raise BrokenArchive(f"{unpacked / 1e6:.0f} MB when unpacked; at most {most_bytes / 1e6:.0f} are read")


def json_object(content: bytes | str, what: str) -> dict[str, Any]:
    """Return what a text of unknown origin says, if that is a JSON object.

    Args:
        content: The text.
        what: Names it in the error.

    Raises:
        BrokenArchive: If it is not.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BrokenArchive(f"{what} is no JSON: {_reason(error)}") from error
    if not isinstance(found, dict):
        raise BrokenArchive(f"{what} holds no object")
    return found


def in_short(said: object, most: int = 200) -> str:
    """Return what a file says, or an error about it, as one line that is not too long to be shown.

    Example:
        >>> in_short("a    b" + "c" * 9, most=5)
        'a bcc...'
    """
    line = " ".join(str(said).split())
    return line if len(line) <= most else f"{line[:most]}..."


def _reason(error: Exception) -> str:
    return in_short(error) or type(error).__name__
