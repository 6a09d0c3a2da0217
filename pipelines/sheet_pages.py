"""Pages of sheets from files: pictures and PDF to grey pixels, and whether a page itself says that it is synthetic."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .adapters.folders import natural_key
from .export_forms import NOTICE
from .images import MAX_PIXELS, MAX_SIDE, UnreadableImage, decode_image, read_bytes

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".pdf")
MAX_PAGES = 500
_CHUNK = 65_536


class SheetError(ValueError):
    """Pages cannot be read or cut as asked; the message is one line."""


@dataclass(frozen=True, eq=False)
class Picture:
    """One page as it was scanned or photographed.

    Attributes:
        name: Of its file, with the page's number if that holds several.
        image: uint8, shape ``(height, width)``; or why there is none.
        synthetic: Whether the page itself says that its signatures are synthetic.
    """

    name: str
    image: NDArray[np.uint8] | UnreadableImage
    synthetic: bool


def page_files(paths: Sequence[str | Path]) -> list[Path]:
    """Return the files of pages, those of a folder in natural order.

    Raises:
        SheetError: If a path does not exist, or no file is left.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise SheetError(f"no file or folder {str(path)!r}")
        inside = [path]
        if path.is_dir():
            inside = [
                file for file in path.iterdir() if file.suffix.lower() in ENDINGS and not file.name.startswith(".")
            ]
        files += sorted(inside, key=lambda file: natural_key(file.name))
    if not files:
        raise SheetError(f"no page in {', '.join(map(str, paths))}; pages end in {', '.join(ENDINGS)}")
    return files


def read_pages(file: Path, *, dpi: int = 200) -> Iterator[Picture]:
    """Yield the pages of a file; one that cannot be read holds the reason instead of pixels.

    Args:
        file: PNG, JPEG, TIFF, BMP or PDF; its first bytes say which.
        dpi: At which the pages of a PDF are drawn.

    Raises:
        SheetError: If it is a PDF and nothing here can read that.
    """
    try:
        content = read_bytes(file)
    except UnreadableImage as error:
        yield Picture(file.name, error, False)
        return
    if content[:5] == b"%PDF-":
        yield from _read_pdf(file.name, content, dpi)
        return
    image: NDArray[np.uint8] | UnreadableImage
    try:
        image = decode_image(content)
    except UnreadableImage as error:
        image = error
    yield Picture(file.name, image, png_source(content) == NOTICE)


def png_source(content: bytes) -> str | None:
    """Return the text `Source` that stands before the pixels of a PNG, or None."""
    at = 8
    while content[:4] == b"\x89PNG" and at + 12 <= len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        if kind == b"IDAT":
            return None
        if kind == b"tEXt" and length < _CHUNK and content[at + 8 : at + 15] == b"Source\0":
            return content[at + 15 : at + 8 + length].decode("latin-1")
        at += 12 + length
    return None


def _read_pdf(name: str, content: bytes, dpi: int) -> Iterator[Picture]:
    pdfium = _pdfium()
    try:
        document = pdfium.PdfDocument(content)
    except pdfium.PdfiumError as error:
        yield Picture(name, UnreadableImage(f"a PDF that cannot be opened ({error})"), False)
        return
    try:
        synthetic = document.get_metadata_dict().get("Subject") == NOTICE
        if len(document) > MAX_PAGES:
            yield Picture(name, UnreadableImage(f"too many pages: {len(document)}; at most {MAX_PAGES}"), False)
            return
        for i in range(len(document)):
            yield Picture(f"{name} page {i + 1}", _draw(pdfium, document, i, dpi / 72.0), synthetic)
    finally:
        document.close()


def _draw(pdfium: Any, document: Any, index: int, scale: float) -> NDArray[np.uint8] | UnreadableImage:
    """Return a page of a PDF in grey, or why there is none; nothing is drawn that would be too large."""
    try:
        page = document[index]
        try:
            width, height = (side * scale for side in page.get_size())
            if not (1.0 <= min(width, height) and max(width, height) <= MAX_SIDE and width * height <= MAX_PIXELS):
                return UnreadableImage(f"a page of {width:.0f} x {height:.0f} pixels; use another --dpi")
            pixels = page.render(scale=scale, grayscale=True).to_numpy()
            return np.array(pixels, dtype=np.uint8).reshape(pixels.shape[:2])
        finally:
            page.close()
    except pdfium.PdfiumError as error:
        return UnreadableImage(f"a page that cannot be drawn ({error})")


def _pdfium() -> Any:
    try:
        import pypdfium2
    except ImportError:
        raise SheetError("reading PDF needs pypdfium2: pip install -e '.[pdf]', or give the pages as PNG") from None
    return pypdfium2
