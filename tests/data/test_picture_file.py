"""Files are told by their content; every encoding of a picture arrives as the picture."""

import contextlib
import io
import struct
import sys
import warnings
import zlib

import numpy as np
import pytest
from pictures import classes, grey, picture
from PIL import Image, ImageCms, ImageOps

from lin_ft.data import load_split, load_splits
from lin_ft.data.convert import convert_array
from lin_ft.data.picture_file import NotUsed, looks_like_a_picture, read_picture
from lin_ft.files.free_memory import free_memory

GREY = grey()
RGB = np.stack([GREY, GREY.T[::-1], 255 - GREY], -1)
GREY3 = np.repeat(GREY[..., None], 3, 2)
ALPHA = np.where(GREY > 120, 255, 0).astype(np.uint8)


def read(path, size=32):
    return convert_array(read_picture(path).pixels, size).astype(int)


@pytest.mark.parametrize(
    ("suffix", "encoding"),
    [
        (".jfif", "JPEG"), (".jpe", "JPEG"), ("", "JPEG"), (".bin", "PNG"), (".txt", "PNG"), (".PNG", "PNG"),
        (".JPEG", "JPEG"), (".avif", "AVIF"), (".jp2", "JPEG2000"), (".tga", "TGA"), (".webp", "WEBP"),
        (".ico", "PNG"), (".jpg", "PNG"), (".png", "GIF"), (".qoi", "QOI"), (".data.1", "BMP"),
    ],
)  # fmt: skip
def test_the_content_tells_and_not_the_suffix(tmp_path, suffix, encoding):
    if encoding not in ("QOI",):
        Image.init()
        if encoding not in Image.SAVE:
            pytest.skip(f"this Pillow does not write {encoding}")
    classes(tmp_path, n=4)
    (tmp_path / "crow").mkdir()
    for i in range(4):
        Image.fromarray(picture(2, i)).save(tmp_path / "crow" / f"{i}{suffix}", encoding)
    data = load_split(tmp_path, "train")
    assert dict(zip(data.class_names, data.counts().tolist(), strict=True)) == {"ant": 4, "bee": 4, "crow": 4}


def test_heic(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    classes(tmp_path, n=4)
    (tmp_path / "crow").mkdir()
    for i in range(4):
        heif.from_pillow(Image.fromarray(picture(2, i, (64, 64)))).save(tmp_path / "crow" / f"{i}.heic", quality=95)
    (tmp_path / "crow" / "3.heic").rename(tmp_path / "crow" / "photo")
    data = load_split(tmp_path, "train", size=64)
    assert data.counts().tolist() == [4, 4, 4]
    blocks = [x.reshape(8, 8, 8, 8, 3).mean((1, 3)) for x in (data.images[8], picture(2, 0, (64, 64)))]
    assert np.abs(blocks[0] - blocks[1]).max() < 12


def test_without_pillow_heif_a_heic_is_named_with_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    from lin_ft.data import picture_file

    without = tuple(name for name in picture_file._formats() if name != "HEIF")
    monkeypatch.setattr(picture_file, "_formats", lambda: without)
    (tmp_path / "photo").write_bytes(struct.pack(">I", 24) + b"ftypheic" + b"\0" * 500)
    assert looks_like_a_picture(tmp_path / "photo")
    with pytest.raises(NotUsed, match=r"HEIC needs `pip install 'lin-ft\[heic\]'`"):
        read_picture(tmp_path / "photo")


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"\0" * 99]
)
def test_what_is_no_picture(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    assert not looks_like_a_picture(tmp_path / "x")
    with pytest.raises(NotUsed) as problem:
        read_picture(tmp_path / "x")
    assert problem.value.reason == "no picture"
    (tmp_path / "x").rename(tmp_path / "x.png")
    assert looks_like_a_picture(tmp_path / "x.png")
    with pytest.raises(NotUsed) as problem:
        read_picture(tmp_path / "x.png")
    assert problem.value.reason == "unreadable"


def test_no_outside_program_draws_a_picture(tmp_path, monkeypatch):
    monkeypatch.setattr("subprocess.Popen", lambda *args, **kwargs: pytest.fail("a program was started"))
    (tmp_path / "x.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    with pytest.raises(NotUsed):
        read_picture(tmp_path / "x.eps")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("stored", [RGB, GREY, GREY.astype(np.uint16) * 257], ids=["colour", "grey", "16 bits"])
def test_orientation(tmp_path, orientation, stored):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "x.png", exif=exif)
    upright = Image.new("RGB", (32, 32))
    upright.putdata([tuple(map(int, pixel)) for pixel in (RGB if stored is RGB else GREY3).reshape(-1, 3)])
    upright.info["exif"] = exif.tobytes()
    upright.getexif()[0x0112] = orientation
    wanted = np.asarray(ImageOps.exif_transpose(upright))
    pixels = read_picture(tmp_path / "x.png").pixels
    if pixels.dtype == np.uint16:
        pixels = np.repeat((pixels // 257).astype(np.uint8)[..., None], 3, 2)
    np.testing.assert_array_equal(pixels, wanted)


def over_white(pixels: np.ndarray) -> np.ndarray:
    return np.where(ALPHA[..., None] > 0, pixels, 255)


def lab() -> Image.Image:
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return ImageCms.profileToProfile(Image.fromarray(RGB), *profiles, outputMode="LAB")


def palette() -> Image.Image:
    return Image.fromarray(GREY).convert("P")


EIGHT_BITS = {
    "rgba.png": (lambda: Image.fromarray(np.dstack([RGB, ALPHA])), {}, over_white(RGB), 0),
    "la.png": (lambda: Image.fromarray(np.dstack([GREY, ALPHA])), {}, over_white(GREY3), 0),
    "palette.png": (palette, {"transparency": bytes([0] * 121 + [255] * 135)}, over_white(GREY3), 0),
    "rgb_with_a_transparent_colour.png": (
        lambda: Image.fromarray(RGB), {"transparency": tuple(map(int, RGB[3, 5]))},
        np.where((RGB[3, 5] == RGB).all(-1, keepdims=True), 255, RGB), 0,
    ),
    "one_bit.png": (lambda: Image.fromarray(GREY > 100), {}, np.where(GREY3 > 100, 255, 0), 0),
    "cmyk.tif": (lambda: Image.fromarray(RGB).convert("CMYK"), {}, RGB, 1),
    "cmyk.jpg": (lambda: Image.fromarray(RGB).convert("CMYK"), {"quality": 98, "subsampling": 0}, RGB, 40),
    "ycbcr.tif": (lambda: Image.fromarray(RGB).convert("YCbCr"), {}, RGB, 6),
    "lab.tif": (lab, {}, RGB, 30),
    "white_is_zero.tif": (lambda: Image.fromarray(GREY), {"tiffinfo": {262: 0}}, GREY3, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", EIGHT_BITS)
def test_eight_bits_in_every_mode(tmp_path, name):
    make, options, wanted, tolerance = EIGHT_BITS[name]
    make().save(tmp_path / name, **options)
    assert np.abs(read(tmp_path / name) - wanted).max() <= tolerance


@pytest.mark.parametrize(("name", "options"), [("x.webp", {"lossless": True}), ("x.png", {}), ("x.tif", {})])
def test_of_several_pictures_in_a_file_the_first_is_used_and_that_is_said(tmp_path, name, options):
    classes(tmp_path, n=4)
    first, second = Image.fromarray(RGB), Image.fromarray(255 - RGB)
    first.save(tmp_path / "ant" / name, save_all=True, append_images=[second], **options)
    np.testing.assert_array_equal(read(tmp_path / "ant" / name), RGB)
    found = load_splits(tmp_path)
    assert found.accounting.notices == ("1 files hold several pictures each, of which the first is used.",)


def png(pixels: np.ndarray, colour: int) -> bytes:
    """A PNG of 16 bits a channel, which Pillow reads and does not write."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


DEEP = RGB.astype(np.uint16) * 257 // 16
DEEP_ALPHA = ALPHA.astype(np.uint16)[..., None] * 16
DEEP_GREY = GREY.astype(np.uint16)[..., None] * 257 // 16


@pytest.mark.parametrize("how", ["png", "raw", "zlib", "big endian", "grey and alpha", "rgba", "rgba tiff"])
def test_sixteen_bits_a_channel_lose_none(tmp_path, how):
    tifffile = pytest.importorskip("tifffile")
    path, wanted = tmp_path / "x", DEEP
    if how == "png":
        path.write_bytes(png(DEEP, 2))
    elif how == "rgba":
        wanted = np.concatenate([DEEP, DEEP_ALPHA], -1)
        path.write_bytes(png(wanted, 6))
    elif how == "grey and alpha":
        wanted = np.concatenate([DEEP_GREY] * 3 + [DEEP_ALPHA], -1)
        path.write_bytes(png(np.concatenate([DEEP_GREY, DEEP_ALPHA], -1), 4))
    elif how == "rgba tiff":
        wanted = np.concatenate([DEEP, DEEP_ALPHA], -1)
        tifffile.imwrite(path, wanted, photometric="rgb", extrasamples=["unassalpha"])
    else:
        options = {"raw": {}, "zlib": {"compression": "zlib"}, "big endian": {"byteorder": ">"}}[how]
        tifffile.imwrite(path, DEEP, photometric="rgb", **options)
    pixels = read_picture(path).pixels
    assert pixels.dtype == np.uint16
    np.testing.assert_array_equal(pixels, wanted)


def test_colour_of_12_bits_in_16_is_not_black(tmp_path):
    for i in range(4):
        path = tmp_path / str(i % 2) / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(png(np.rot90(DEEP, i), 2))
    assert np.abs(load_split(tmp_path, "train").images[0].astype(int) - RGB).max() <= 1


def test_deep_layouts_that_pillow_does_not_give_are_named(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "x", np.moveaxis(DEEP, -1, 0), photometric="rgb", planarconfig="separate")
    with pytest.raises(NotUsed, match="16 bits a channel in planes are not read"):
        read_picture(tmp_path / "x")


def test_white_is_zero_in_more_than_eight_bits(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    for i in range(4):
        path = tmp_path / str(i % 2) / f"{i}.tif"
        path.parent.mkdir(exist_ok=True)
        tifffile.imwrite(path, np.rot90(GREY, i).astype(np.uint16) * 257, photometric="miniswhite")
    assert np.abs(load_split(tmp_path, "train").images[0].astype(int) - (255 - GREY3)).max() <= 1


def test_a_picture_with_nan_is_named(tmp_path):
    classes(tmp_path, n=4)
    pixels = GREY / np.float32(255)
    pixels[3, 4] = np.nan
    Image.fromarray(pixels.astype(np.float32)).save(tmp_path / "ant" / "x.tif")
    found = load_splits(tmp_path)
    assert [str(each) for each in found.accounting.unused] == ["ant/x.tif: 1 of its pixels are NaN or infinite"]


def test_pictures_over_pillows_limit_are_read_where_the_memory_allows(tmp_path, monkeypatch):
    classes(tmp_path, n=4)
    Image.new("1", (20_000, 10_000), 1).save(tmp_path / "ant" / "large.png")
    limit = Image.MAX_IMAGE_PIXELS
    monkeypatch.setattr("lin_ft.data.picture_file.free_memory", lambda: 10**9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = load_splits(tmp_path)
    detail = "20000 x 10000 pixels need 3.2 GB of memory and 1.0 GB are free"
    assert [str(each) for each in found.accounting.unused] == [f"ant/large.png: {detail}"]
    assert [each.reason for each in found.accounting.unused] == ["over the size limit"]
    assert found.parts["train"].skipped == 1
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    monkeypatch.setattr("lin_ft.data.picture_file.free_memory", free_memory)
    Image.fromarray(picture(0, 99)).save(tmp_path / "ant" / "large.png")
    assert load_split(tmp_path, "train").counts().tolist() == [5, 4]
    assert Image.MAX_IMAGE_PIXELS == 100 != limit


def test_free_memory_is_no_more_than_there_is():
    psutil = pytest.importorskip("psutil")
    assert 0 <= free_memory() <= psutil.virtual_memory().total


def test_damaged_files_end_in_a_reason(tmp_path):
    rng = np.random.default_rng(0)
    for encoding in ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP", "PPM", "TGA"):
        stream = io.BytesIO()
        Image.fromarray(picture(0, 0)).save(stream, encoding)
        whole = stream.getvalue()
        for _ in range(40):
            damaged = bytearray(whole[: rng.integers(len(whole))] if rng.random() < 0.5 else whole)
            for _ in range(rng.integers(5)):
                if damaged:
                    damaged[rng.integers(len(damaged))] = rng.integers(256)
            (tmp_path / "x.png").write_bytes(damaged)
            with contextlib.suppress(NotUsed):
                assert read_picture(tmp_path / "x.png").pixels.size
