import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from desktop import picture
from desktop.errors import NotAPicture

ROOT = Path(__file__).parents[1]


def file(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def opened(raw: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(picture.prepared(raw, "x")))
    image.load()
    return image


@pytest.mark.parametrize(
    ("kind", "becomes"), [("JPEG", "JPEG"), ("PNG", "PNG"), ("WEBP", "JPEG"), ("GIF", "PNG"), ("BMP", "PNG"), ("AVIF", "JPEG")]
)
def test_every_kind_becomes_one_of_two(kind: str, becomes: str) -> None:
    image = opened(file(Image.new("RGB", (64, 48), "red"), kind))
    assert (image.format, image.size, image.mode) == (becomes, (64, 48), "RGB")
    red, green, blue = image.getpixel((30, 20))
    assert red > 240
    assert green < 15
    assert blue < 15


def test_a_large_picture_is_scaled_and_keeps_its_proportions() -> None:
    image = opened(file(Image.new("RGB", (4000, 3000), "blue"), "JPEG"))
    assert image.width * image.height <= picture.PIXELS
    assert image.width * image.height > picture.PIXELS * 0.98
    assert image.width / image.height == pytest.approx(4 / 3, rel=0.01)


def test_a_small_one_is_not_made_larger_and_a_strip_stays_one() -> None:
    assert opened(file(Image.new("RGB", (9, 7)), "PNG")).size == (9, 7)
    assert opened(file(Image.new("RGB", (1, 3_000_000)), "PNG")).width == 1


def test_a_photograph_from_a_telephone_is_upright() -> None:
    lying = Image.new("RGB", (60, 40), "white")
    lying.paste("red", (0, 0, 60, 10))  # a stripe at the top, of a picture that is to be turned to the right
    exif = Image.Exif()
    exif[0x0112] = 6
    image = opened(file(lying, "JPEG", exif=exif, quality=95))
    assert image.size == (40, 60)
    assert image.getpixel((36, 30))[1] < 100  # now at the right
    assert image.getpixel((4, 30))[1] > 200
    assert not image.getexif()  # neither this nor where it was taken


def test_what_is_transparent_is_white() -> None:
    drawing = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    drawing.putpixel((5, 5), (0, 0, 0, 255))
    image = opened(file(drawing, "PNG"))
    assert image.getpixel((1, 1)) == (255, 255, 255)
    assert image.getpixel((5, 5)) == (0, 0, 0)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "I;16", "RGBA"])
def test_every_way_to_store_colours_is_read(mode: str) -> None:
    image = Image.new(mode, (20, 20))
    width, height, pixels = picture.pixels(file(image, "JPEG" if mode == "CMYK" else "PNG"), "x")
    assert (width, height, len(pixels)) == (20, 20, 1200)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "none of the kinds"),
        (b"%PDF-1.7 and more", "none of the kinds"),
        (file(Image.new("RGB", (64, 64)), "JPEG")[:300], "damaged"),
        (file(Image.effect_noise((64, 64), 90), "PNG")[:300], "damaged"),
        (file(Image.new("1", (20_000, 20_000)), "PNG"), "20000 × 20000 pixels"),  # 50 kB that would become a gigabyte
    ],
)
def test_what_cannot_be_read_is_told_with_its_name(raw: bytes, why: str) -> None:
    with pytest.raises(NotAPicture, match=why) as told:
        picture.prepared(raw, "holiday.jpg")
    assert told.value.facts["path"] == "holiday.jpg"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the peak of a process is counted in other units")
def test_a_photograph_of_50_megapixels_takes_little_memory(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    Image.new("RGB", (8660, 5774), "green").save(photo, "JPEG")
    program = (
        "import resource, sys; from pathlib import Path; from desktop import picture\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "raw, before = Path(sys.argv[1]).read_bytes(), peak()\n"
        "picture.prepared(raw, 'photo'); print(peak() - before)"
    )
    grown = int(subprocess.check_output([sys.executable, "-c", program, photo], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}))
    assert grown * 1024 < 60e6  # its pixels would be 150 MB, twice
