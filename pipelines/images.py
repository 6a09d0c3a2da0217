"""The one place where an image file of unknown origin becomes pixels.

Everything is checked before the decoder runs: where the file lies, how many bytes it has, what its first
bytes say it is (the extension is ignored) and what size its header claims. Whatever goes wrong becomes
``UnreadableImage``. What the pixels mean (background, crop, scale) is ``preprocess.py``'s affair.
"""

import io
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from stat import S_ISREG

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

MAX_PIXELS = 40_000_000
MAX_SIDE = 8_192
MAX_BYTES = 50_000_000

# The four classes are called directly: ``Image.open`` would try every format Pillow knows, and would judge
# the size by a limit of its own before ours can name it.
_READERS: dict[bytes, Callable[[io.BytesIO], ImageFile]] = {
    b"\x89PNG\r\n\x1a\n": PngImageFile,
    b"\xff\xd8\xff": JpegImageFile,
    b"II*\x00": TiffImageFile,
    b"MM\x00*": TiffImageFile,
    b"BM": BmpImageFile,
}
_OTHER_FORMATS = {
    b"GIF8": "GIF",
    b"%PDF": "PDF",
    b"RIFF": "WebP",
    b"PK\x03\x04": "zip",
    b"II+\x00": "BigTIFF",
}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "I;16", "I;16B", "I;16L"}
_ORIENTATION = 274  # in EXIF; the other numbers are TIFF tags
_BITS, _PHOTOMETRIC, _PLANES, _TILE_WIDTH, _TILE_LENGTH = 258, 262, 284, 322, 323
# ``warnings.catch_warnings`` changes state that all threads share.
_ONE_DECODER = threading.Lock()


class UnreadableImage(ValueError):
    """An image file that was refused, with a short ``reason`` such as ``"empty file"``.

    Args:
        reason: What is wrong, in a few words and without the file's name.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_image(path: str | Path, *, root: str | Path | None = None) -> NDArray[np.uint8]:
    """Return the grey pixels of a PNG, JPEG, TIFF or BMP file as a viewer would show them on white paper.

    Colour becomes grey, alpha lies on white, 16 bits are scaled to 8 and the EXIF orientation is applied.
    Light ink on dark paper is *not* turned round. A file of several pages or frames is refused; the extra
    pictures that phones hide behind the first one of a JPEG are ignored.

    Args:
        path: The file, absolute or relative to the working directory.
        root: If given, the folder that the file must lie in once links and ``..`` are followed.

    Returns:
        Pixels, shape ``(height, width)``, 0 black to 255 white.

    Raises:
        UnreadableImage: Whatever is wrong with the file; ``reason`` says what.
    """
    content = read_bytes(Path(path), None if root is None else Path(root))
    return decode_image(content)


def decode_image(content: bytes) -> NDArray[np.uint8]:
    """Return the grey pixels of an encoded image held in memory, by the rules of ``read_image``.

    Args:
        content: The bytes of a PNG, JPEG, TIFF or BMP file.

    Returns:
        Pixels, shape ``(height, width)``, 0 black to 255 white.

    Raises:
        UnreadableImage: Whatever is wrong with the bytes; ``reason`` says what.
    """
    _check_bytes(len(content))
    reader = _reader_for(content[:16])
    try:
        with _ONE_DECODER, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with reader(io.BytesIO(content)) as image:
                _check_header(image)
                return _to_grey(image)
    except UnreadableImage:
        raise
    except Exception as error:  # a decoder fed with damaged bytes raises almost anything
        raise UnreadableImage(_reason(error)) from error


def read_bytes(path: Path, root: Path | None = None) -> bytes:
    """Return a file's bytes if it is a regular file of a sane size, and lies in `root` if that is given.

    Args:
        path: The file.
        root: If given, the folder that it must lie in once links and ``..`` are followed.

    Raises:
        UnreadableImage: If not; ``reason`` says what is wrong.
    """
    try:
        real = path.resolve(strict=True)
        if root is not None and not real.is_relative_to(root.resolve(strict=True)):
            raise UnreadableImage("outside its folder")
        status = real.stat()
        if not S_ISREG(status.st_mode):
            raise UnreadableImage("not a file")
        _check_bytes(status.st_size)
        with real.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except UnreadableImage:
        raise
    except FileNotFoundError:
        raise UnreadableImage("missing file") from None
    except PermissionError:
        raise UnreadableImage("no permission to read it") from None
    except (OSError, ValueError, RuntimeError) as error:  # a loop of links, a NUL in the name, a bad disk
        raise UnreadableImage(f"cannot be opened ({type(error).__name__})") from error


def _check_bytes(size: int) -> None:
    if size == 0:
        raise UnreadableImage("empty file")
    if size > MAX_BYTES:
        raise UnreadableImage(f"too large: {size / 1e6:.0f} MB")


def _reader_for(start: bytes) -> Callable[[io.BytesIO], ImageFile]:
    for magic, reader in _READERS.items():
        if start.startswith(magic):
            return reader
    names = [name for magic, name in _OTHER_FORMATS.items() if start.startswith(magic)]
    if start[4:8] == b"ftyp":
        names = ["HEIC or video"]
    if names:
        raise UnreadableImage(f"{names[0]} file; only PNG, JPEG, TIFF and BMP are read")
    raise UnreadableImage("not an image")


def _check_header(image: ImageFile) -> None:
    _check_size(image.width, image.height)
    if isinstance(image, TiffImageFile):  # the decoder reserves a whole tile, whatever the picture's size
        _check_size(image.tag_v2.get(_TILE_WIDTH, 1), image.tag_v2.get(_TILE_LENGTH, 1))
        if image.tag_v2.get(_PLANES) == 2 and max(image.tag_v2.get(_BITS, (1,))) > 8:
            raise UnreadableImage("16-bit colour in separate planes")  # Pillow would return wrong pixels
    if getattr(image, "is_animated", False):
        raise UnreadableImage("several pages or frames")
    if image.mode in ("I", "F"):
        raise UnreadableImage("more than 16 bits, or signed numbers")
    if image.mode not in _MODES:
        raise UnreadableImage(f"unsupported kind of pixels ({image.mode})")


def _check_size(width: int, height: int) -> None:
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise UnreadableImage(f"too large: {width} x {height} pixels")


def _to_grey(image: ImageFile) -> NDArray[np.uint8]:
    image.load()
    orientation = image.getexif().get(_ORIENTATION, 1)
    if image.mode.startswith("I;16"):
        flat = Image.fromarray(_from_sixteen_bits(image))
    elif image.has_transparency_data:
        layer = image.convert("RGBA")
        flat = Image.new("L", image.size, 255)
        flat.paste(layer.convert("L"), mask=layer.getchannel("A"))
    else:
        flat = image.convert("L")
    if orientation in _TURNS:
        flat = flat.transpose(_TURNS[orientation])
    return np.array(flat, dtype=np.uint8)


def _from_sixteen_bits(image: ImageFile) -> NDArray[np.uint8]:
    """Scale to 8 bits, which Pillow's own conversion would clip; a 12-bit TIFF has 4095 as its white."""
    values = np.array(image).astype(np.uint32)
    white, inverted = 65_535, False
    if isinstance(image, TiffImageFile):
        bits = image.tag_v2.get(_BITS, (16,))
        white = 2 ** min(int(bits[0]), 16) - 1
        inverted = image.tag_v2.get(_PHOTOMETRIC) == 0
    grey = np.minimum((values * 255 + white // 2) // white, 255).astype(np.uint8)
    grey = 255 - grey if inverted else grey
    transparent = image.info.get("transparency")
    return np.where(values == transparent, np.uint8(255), grey) if isinstance(transparent, int) else grey


def _reason(error: Exception) -> str:
    if isinstance(error, EOFError) or "truncated" in str(error).lower():
        return "truncated"
    if isinstance(error, MemoryError):
        return "too large for the memory"
    return "damaged header" if isinstance(error, SyntaxError) else "damaged pixels"
