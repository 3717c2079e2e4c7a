"""A picture as a model gets it: upright, without transparency, no larger than is of use. Only home of PIL."""

import io

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from desktop.errors import NotAPicture

# Loaded now and not when the first picture comes: the engine's process may not be allowed to read other files then.
READERS = (AvifImagePlugin, BmpImagePlugin, GifImagePlugin, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, WebPImagePlugin)
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".avif")
# What a model gets: one that cuts a picture as finely as its size asks for makes some 1,100 to 1,500 tokens of so much
PIXELS = 1_200_000
MOST_PIXELS = 100_000_000  # of a file that is opened: the largest phones make 50 to 200 million, and few are set to
Image.MAX_IMAGE_PIXELS = None  # which is checked here

PHOTOS = ("JPEG", "MPO", "WEBP", "AVIF")  # MPO: what some phones put into a .jpg


def prepared(raw: bytes, name: str) -> bytes:
    """The picture in a file of bytes, as a small JPEG (of photos) or PNG (of anything drawn). Raises NotAPicture about `name`."""
    image, is_photo = _read(raw, name)
    out = io.BytesIO()
    if is_photo:
        image.save(out, "JPEG", quality=90)
    else:
        image.save(out, "PNG")
    return out.getvalue()


def pixels(raw: bytes, name: str) -> tuple[int, int, bytes]:
    """Width, height, and red, green and blue of each pixel in turn. Raises NotAPicture about `name`."""
    image, _ = _read(raw, name)
    return image.width, image.height, image.tobytes()


def _read(raw: bytes, name: str) -> tuple[Image.Image, bool]:
    """The picture ready to be used, and whether it is a photograph."""
    try:
        with Image.open(io.BytesIO(raw), formats=FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                why = f"it has {opened.width} × {opened.height} pixels, and Alcove opens at most {MOST_PIXELS // 10**6} million"
                raise NotAPicture(path=name, why=why)
            width, height = _scaled(opened.width, opened.height)
            opened.draft("RGB", (width, height))  # a JPEG is read at about that size: a hundredth of the memory
            image = ImageOps.exif_transpose(opened)
            image.thumbnail(_scaled(image.width, image.height), reducing_gap=3.0)
            return _opaque(image), opened.format in PHOTOS
    except UnidentifiedImageError as error:
        raise NotAPicture(path=name, why="it is none of the kinds that Alcove knows (JPEG, PNG, WebP, GIF, BMP, AVIF)") from error
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:  # what PIL says of a damaged file
        raise NotAPicture(path=name, why="its contents are damaged") from error


def _scaled(width: int, height: int) -> tuple[int, int]:
    """The size with the same proportions and at most PIXELS."""
    share = min(1.0, (PIXELS / max(1, width * height)) ** 0.5)
    return max(1, int(width * share)), max(1, int(height * share))


def _opaque(image: Image.Image) -> Image.Image:
    """On white where it was transparent; a model sees red, green and blue only."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    white = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(white, layer).convert("RGB")
