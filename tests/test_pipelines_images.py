"""Laws of the image reader: what is read is read rightly, and everything else is one kind of error."""

import io
import os
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipelines.images import MAX_BYTES, UnreadableImage, decode_image, read_image

EXTENSIONS = {"PNG": "png", "JPEG": "jpg", "TIFF": "tif", "BMP": "bmp"}
LOSSLESS = ("PNG", "TIFF", "BMP")


def scribble(height: int = 40, width: int = 90) -> Image.Image:
    picture = Image.new("L", (width, height), 255)
    pen = ImageDraw.Draw(picture)
    pen.line([(5, height - 5), (width // 3, 5), (width // 2, height - 8), (width - 6, 9)], fill=0, width=3)
    return picture


def encode(picture: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_claiming(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(100)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def reason_of(call: Callable[[], object]) -> str:
    with pytest.raises(UnreadableImage) as caught:
        call()
    return caught.value.reason


def outcome(content: bytes) -> NDArray[np.uint8] | str:
    try:
        return decode_image(content)
    except UnreadableImage as error:
        return error.reason


def sensible(result: NDArray[np.uint8] | str) -> bool:
    if isinstance(result, str):
        return 0 < len(result) < 80 and "\n" not in result
    return result.dtype == np.uint8 and result.ndim == 2 and result.size > 0


VALID = {name: encode(scribble(12, 16), name) for name in EXTENSIONS}
VALID["TIFF lzw"] = encode(scribble(12, 16), "TIFF", compression="tiff_lzw")
VALID["TIFF fax"] = encode(scribble(12, 16).convert("1"), "TIFF", compression="group4")
VALID["PNG alpha"] = encode(scribble(12, 16).convert("RGBA"), "PNG")


# Properties


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", *(content[:8] for content in VALID.values())]))
def test_random_bytes_never_raise_anything_but_an_unreadable_image(noise: bytes, start: bytes) -> None:
    assert sensible(outcome(start + noise))


@settings(max_examples=400, deadline=None)
@given(st.data(), st.sampled_from(sorted(VALID)))
def test_damaged_images_never_raise_anything_but_an_unreadable_image(data: st.DataObject, name: str) -> None:
    content = bytearray(VALID[name])
    places = st.integers(0, len(content) - 1)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=6)):
        content[place] = value
    cut = data.draw(st.one_of(st.none(), places))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sensible(outcome(bytes(content[:cut])))


# What is read, is read rightly


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
@pytest.mark.parametrize("file_format", LOSSLESS)
def test_every_lossless_format_and_mode_gives_the_same_pixels(file_format: str, mode: str, tmp_path: Path) -> None:
    path = tmp_path / f"s.{EXTENSIONS[file_format]}"
    path.write_bytes(encode(scribble().convert(mode), file_format))
    expected = np.asarray(scribble().convert("1").convert("L") if mode == "1" else scribble())
    np.testing.assert_array_equal(read_image(path), expected)


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_lzw", "packbits", "tiff_adobe_deflate"])
def test_a_one_bit_tiff_is_dark_on_light_whatever_its_compression(compression: str) -> None:
    picture = scribble().convert("1")
    pixels = decode_image(encode(picture, "TIFF", compression=compression))
    np.testing.assert_array_equal(pixels, np.asarray(picture.convert("L")))


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK", "YCbCr"])
def test_a_jpeg_of_any_mode_comes_close(mode: str) -> None:
    pixels = decode_image(encode(scribble().convert("RGB").convert(mode), "JPEG", quality=95))
    assert pixels.shape == (40, 90)
    assert np.mean(np.abs(pixels.astype(int) - np.asarray(scribble()))) < 8


@pytest.mark.parametrize("options", [{}, {"compression": "tiff_lzw"}])
@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_and_not_clipped(file_format: str, options: dict[str, str]) -> None:
    ramp = np.tile(np.arange(0, 65_536, 257, dtype=np.uint16), (4, 1))
    options = options if file_format == "TIFF" else {}
    pixels = decode_image(encode(Image.fromarray(ramp), file_format, **options))
    np.testing.assert_array_equal(pixels, np.tile(np.arange(256), (4, 1)))


def tiff_by_hand(
    values: NDArray[np.uint16],
    *,
    photometric: int = 1,
    byte_order: str = "<",
    more: tuple[tuple[int, int], ...] = (),
) -> bytes:
    height, width = values.shape
    tags = [(256, width), (257, height), (258, 16), (259, 1), (262, photometric), (273, 200), (277, 1)]
    tags += [(278, height), (279, values.nbytes), *more]
    start = (b"II*\0" if byte_order == "<" else b"MM\0*") + struct.pack(byte_order + "IH", 8, len(tags))
    entries = b"".join(struct.pack(byte_order + "HHIHH", tag, 3, 1, value, 0) for tag, value in tags)
    return (start + entries + bytes(4)).ljust(200, b"\0") + values.astype(byte_order + "u2").tobytes()


@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_sixteen_bit_tiffs_of_both_byte_orders_agree(byte_order: str) -> None:
    values = np.array([[0, 257, 65_535]], dtype=np.uint16)
    assert decode_image(tiff_by_hand(values, photometric=1, byte_order=byte_order)).tolist() == [[0, 1, 255]]


def test_a_sixteen_bit_tiff_in_which_zero_is_white_is_turned_round() -> None:
    values = np.array([[0, 257, 65_535]], dtype=np.uint16)
    assert decode_image(tiff_by_hand(values, photometric=0, byte_order="<")).tolist() == [[255, 254, 0]]


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_lies_on_white(mode: str, file_format: str) -> None:
    layer = Image.new("RGBA", (3, 1), (0, 0, 0, 0))  # black ink, and none of it to be seen
    layer.putpixel((1, 0), (0, 0, 0, 255))
    layer.putpixel((2, 0), (0, 0, 0, 128))
    assert decode_image(encode(layer.convert(mode), file_format)).tolist() == [[255, 0, 127]]


def test_a_transparent_palette_entry_is_white() -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([0, 0, 0, 40, 40, 40])
    picture.putpixel((1, 0), 1)
    assert decode_image(encode(picture, "PNG", transparency=0)).tolist() == [[255, 40]]
    assert decode_image(encode(picture, "PNG", transparency=b"\x00\xff")).tolist() == [[255, 40]]


def test_a_transparent_grey_level_is_white_in_eight_and_sixteen_bits() -> None:
    assert decode_image(encode(Image.new("L", (1, 1), 7), "PNG", transparency=7)).tolist() == [[255]]
    deep = Image.fromarray(np.array([[7, 514]], dtype=np.uint16))
    assert decode_image(encode(deep, "PNG", transparency=7)).tolist() == [[255, 2]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF"])
def test_the_orientation_is_applied_once(file_format: str, orientation: int) -> None:
    upright = np.asarray(scribble(16, 32))
    stored = {  # how a camera held that way stores what is upright
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    options = {"quality": 100} if file_format == "JPEG" else {}
    picture = Image.fromarray(np.ascontiguousarray(stored))
    pixels = decode_image(encode(picture, file_format, exif=exif, **options))
    np.testing.assert_allclose(pixels.astype(int), upright, atol=8)


def test_the_extension_does_not_matter(tmp_path: Path) -> None:
    for name, file_format in (("a.PNG", "PNG"), ("b.png", "JPEG"), ("c", "TIFF"), ("d.TIFF", "BMP")):
        (tmp_path / name).write_bytes(VALID[file_format])
        assert read_image(tmp_path / name).shape == (12, 16)


def test_the_result_may_be_written_to_and_the_file_is_closed(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(VALID["PNG"])
    read_image(tmp_path / "a.png")[:] = 0
    (tmp_path / "a.png").unlink()


# Refusals


def test_each_bad_file_has_its_reason(tmp_path: Path) -> None:
    gif, phone = encode(scribble(), "GIF"), b"\0\0\0\x18ftypheic" + bytes(90)
    cases = {
        "empty.png": (b"", "empty file"),
        "text.png": (b"hello, this is not a picture\n" * 9, "not an image"),
        "cut.png": (encode(scribble(), "PNG")[:-60], "truncated"),
        "cut.jpg": (encode(scribble(), "JPEG")[:-60], "truncated"),
        "cut.bmp": (encode(scribble(), "BMP")[:-60], "truncated"),
        "cut.tif": (encode(scribble(), "TIFF")[:-60], "truncated"),
        "header.png": (VALID["PNG"][:8] + bytes(40), "damaged header"),
        "gif.png": (gif, "GIF file; only PNG, JPEG, TIFF and BMP are read"),
        "heic.jpg": (phone, "HEIC or video file; only PNG, JPEG, TIFF and BMP are read"),
        "float.tif": (encode(Image.new("F", (4, 4)), "TIFF"), "more than 16 bits, or signed numbers"),
    }
    for name, (content, reason) in cases.items():
        (tmp_path / name).write_bytes(content)
        assert reason_of(lambda name=name: read_image(tmp_path / name)) == reason, name


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (9_000, 10), (10, 8_193), (8_192, 8_192)])
def test_a_header_that_claims_too_much_is_refused_before_decoding(width: int, height: int) -> None:
    reason = reason_of(lambda: decode_image(png_claiming(width, height)))
    assert reason == f"too large: {width} x {height} pixels"


def test_a_tiff_with_an_enormous_tile_is_refused() -> None:
    content = tiff_by_hand(np.zeros((2, 2), dtype=np.uint16), more=((322, 60_000), (323, 60_000)))
    assert reason_of(lambda: decode_image(content)) == "too large: 60000 x 60000 pixels"


def test_sixteen_bit_colour_in_planes_is_refused_rather_than_misread() -> None:
    content = tiff_by_hand(np.zeros((2, 2), dtype=np.uint16), more=((284, 2),))
    assert reason_of(lambda: decode_image(content)) == "16-bit colour in separate planes"


def test_a_file_of_too_many_bytes_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "big.bmp").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert reason_of(lambda: read_image(tmp_path / "big.bmp")) == "too large: 50 MB"


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_several_frames_are_refused(file_format: str) -> None:
    pages = [scribble(), scribble().transpose(Image.Transpose.ROTATE_180)]
    content = encode(pages[0], file_format, save_all=True, append_images=pages[1:])
    assert reason_of(lambda: decode_image(content)) == "several pages or frames"


def test_an_oddity_the_decoder_warns_about_is_read_without_a_warning() -> None:
    start, rest = VALID["PNG"][:33], VALID["PNG"][33:]  # behind the signature and the header
    content = start + chunk(b"acTL", bytes(8)) + rest  # an animation of no frames
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(decode_image(content), decode_image(VALID["PNG"]))


def test_bytes_in_memory_obey_the_same_limits() -> None:
    assert reason_of(lambda: decode_image(b"")) == "empty file"
    assert reason_of(lambda: decode_image(bytes(MAX_BYTES + 1))) == "too large: 50 MB"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert reason_of(lambda: read_image(tmp_path)) == "not a file"
    assert reason_of(lambda: read_image(tmp_path / "none.png")) == "missing file"
    assert reason_of(lambda: read_image("a\0b.png")).startswith("cannot be opened")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert reason_of(lambda: read_image(tmp_path / "pipe.png")) == "not a file"


def test_links_and_dots_must_not_leave_the_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for folder in (tmp_path, root):
        (folder / "a.png").write_bytes(VALID["PNG"])
    assert reason_of(lambda: read_image(root / ".." / "a.png", root=root)) == "outside its folder"
    assert read_image(root / "a.png", root=root).shape == (12, 16)
    (root / "out.png").symlink_to(tmp_path / "a.png")
    (root / "in.png").symlink_to(root / "a.png")
    (root / "loop.png").symlink_to(root / "loop.png")
    assert reason_of(lambda: read_image(root / "out.png", root=root)) == "outside its folder"
    assert read_image(root / "in.png", root=root).shape == (12, 16)
    assert reason_of(lambda: read_image(root / "loop.png", root=root))
