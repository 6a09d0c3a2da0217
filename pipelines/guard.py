"""What may not enter the repository: pictures, weights, archives, arrays, notebooks that were run.

Only the standard library is used, so that a Git hook can run it anywhere: ``python3 -m pipelines.guard`` looks at
what is staged, ``--all`` at every tracked file. A real signature in the history of a repository cannot be taken back.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

MAGIC = {
    b"\x89PNG": "a PNG image", b"\xff\xd8\xff": "a JPEG image", b"GIF8": "a GIF image", b"II*\0": "a TIFF image",
    b"MM\0*": "a TIFF image", b"BM": "a BMP image", b"%PDF": "a PDF", b"PK\x03\x04": "a ZIP, .keras or .npz file",
    b"\x89HDF": "an HDF5 file", b"\x1f\x8b": "a gzip archive", b"7z\xbc\xaf": "a 7z archive", b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive", b"\x93NUMPY": "a NumPy array", b"PAR1": "a Parquet file", b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle", b"\x80\x04": "a pickle", b"\x80\x05": "a pickle", b"Rar!": "a RAR archive",
    b"(\xb5/\xfd": "a Zstandard archive",
}  # fmt: skip
MAX_BYTES = 400_000
PICTURES = PurePosixPath("notebooks/pictures")
SYNTHETIC = b"tEXtSource\0Paraph synthetic signatures"
_EMBEDDED = re.compile(rb"data:image/(?!svg)[a-z+]+;base64,[A-Za-z0-9+/=]{600}")


def content(head: bytes) -> str | None:
    """Return what the first bytes of a file say it is, or None if it is no image, archive, array or pickle.

    Args:
        head: At least 16 bytes, if the file has as many.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a WebP image"
    if head[4:8] == b"ftyp":
        return "a HEIC image or a video"
    return next((what for magic, what in MAGIC.items() if head.startswith(magic)), None)


def refusal(path: str, blob: bytes) -> str:
    """Return why a file may not be in the repository, or an empty string.

    Args:
        path: Relative to the repository, with forward slashes.
        blob: Its content.
    """
    what = content(blob[:16])
    if PurePosixPath(path).parent == PICTURES and what == "a PNG image":
        return "" if SYNTHETIC in blob[:4096] else "a picture without the mark that it is synthetic"
    if what is not None:
        return what
    if path.endswith(".ipynb"):
        return _notebook_fault(blob)
    if _EMBEDDED.search(blob):
        return "text with an image inside"
    return f"{len(blob):,} bytes; at most {MAX_BYTES:,} are allowed" if len(blob) > MAX_BYTES else ""


def _notebook_fault(blob: bytes) -> str:
    try:
        cells = json.loads(blob)["cells"]
    except (ValueError, KeyError, TypeError):
        return "a notebook that cannot be read"
    for cell in cells:
        if cell.get("outputs") or cell.get("execution_count") is not None:
            return "a notebook with outputs; clear them"
        if cell.get("attachments"):
            return "a notebook with pictures inside"
    return ""


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], capture_output=True, check=True).stdout


def staged() -> Iterator[tuple[str, bytes]]:
    """Yield the path and content of every file of the commit that is being made."""
    for name in _git("diff", "--cached", "--name-only", "--diff-filter=ACMRT", "-z").split(b"\0"):
        if name:
            path = name.decode("utf-8", "backslashreplace")
            yield path, _git("cat-file", "blob", f":{name.decode('utf-8', 'surrogateescape')}")


def tracked() -> Iterator[tuple[str, bytes]]:
    """Yield the path and content, as they lie on disk, of every tracked file."""
    top = Path(_git("rev-parse", "--show-toplevel").decode().rstrip("\n"))
    for name in _git("-C", str(top), "ls-files", "-z").split(b"\0"):
        path = top / name.decode("utf-8", "surrogateescape")
        if name and path.is_file():
            yield name.decode("utf-8", "backslashreplace"), path.read_bytes()


def main(arguments: list[str]) -> int:
    """Print every file that may not enter; return 1 if there is one."""
    files = tracked() if "--all" in arguments else staged()
    found = [f"{path}: {reason}" for path, blob in files if (reason := refusal(path, blob))]
    for line in found:
        print(f"refused: {line}", file=sys.stderr)
    if found:
        print(
            "Pictures, weights, archives and outputs stay out of Git; see Responsible use in README.md", file=sys.stderr
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
