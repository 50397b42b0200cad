"""Files that are damaged, tiny, huge or of another kind: each metric says one honest thing about each, and nothing crashes."""

import math
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from koma.core.gate import Measurement
from koma.core.media import Media
from koma.core.metrics import METRICS
from koma.core.profiles import OF_CLIPS
from koma.measures import measure as measuring
from koma.measures.measure import FileMeasure
from koma.measures.registry import METERS
from koma.pixels.clip import Clip
from koma.pixels.picture import Pixels
from support.pictures import drawing, flat, save, save_clip

SIZE = (64, 48)
PAN = [drawing(*SIZE, shift=3 * number) for number in range(12)]


def measured(file: Path, media: Media = Media.IMAGE) -> dict[str, Measurement]:
    """Every metric without weights; each has said one thing, and an honest one."""
    found = FileMeasure().measure(file, media, list(METERS))
    assert [one.metric for one in found] == list(METERS)
    assert [one for one in found if one.failed] == []
    assert [one for one in found if (one.value is None) is not bool(one.why) and one.metric != "decodes"] == []
    assert all(one.value is None or math.isfinite(one.value) for one in found)
    return {one.metric: one for one in found}


def values(file: Path, media: Media = Media.IMAGE) -> dict[str, float | None]:
    return {metric: one.value for metric, one in measured(file, media).items()}


def decoding(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], frames: Iterator[Pixels]) -> None:
    """Let any clip decode to these frames: no codec makes all of them."""

    @contextmanager
    def opened(_file: Path) -> Iterator[Clip]:
        yield Clip(*size, Fraction(24), frames)

    monkeypatch.setattr(measuring, "open_clip", opened)


# -- files that can't be used ---------------------------------------------------------------------------------------------


def cut_png(file: Path) -> Path:
    file.write_bytes(save(drawing(*SIZE), file.with_suffix(".png")).read_bytes()[:-200])
    return file


def cut_mp4(file: Path) -> Path:
    file.write_bytes(save_clip(file.with_suffix(".mp4"), PAN, codec="libx264").read_bytes()[:-500])
    return file


def torn_png(file: Path) -> Path:
    """All there by its length, with a piece of zeros in the middle."""
    data = bytearray(save(np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8), file.with_suffix(".png")).read_bytes())
    data[4000:5000] = bytes(1000)
    file.write_bytes(data)
    return file


def nothing(file: Path) -> Path:
    file.touch()
    return file


def sound_only(file: Path) -> Path:
    named = file.with_suffix(".mp4")
    with av.open(str(named), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
        frame.rate = 48000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return named


def growing(file: Path) -> Path:
    """A WebM whose frames become larger after the fourth."""
    with av.open(str(file), "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=12)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for start, (width, height) in ((0, SIZE), (4, (96, 64))):
            for packet in vp8([drawing(width, height, shift) for shift in range(4)], start):
                packet.stream = stream
                container.mux(packet)
    return file


def vp8(frames: Sequence[Pixels], start: int) -> Iterator[av.Packet]:
    context = av.CodecContext.create("libvpx", "w")
    context.height, context.width, _ = frames[0].shape
    context.pix_fmt, context.time_base, context.framerate = "yuv420p", Fraction(1, 12), Fraction(12)
    for number, pixels in enumerate(frames, start):
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, 12)
        yield from context.encode(frame)
    yield from context.encode(None)


def bitmap(file: Path) -> Path:
    return save(drawing(*SIZE), file.with_suffix(".bmp"))


@pytest.mark.parametrize(
    ("make", "media", "why"),
    [
        pytest.param(cut_png, Media.IMAGE, "cut short", id="a PNG that was cut short"),
        pytest.param(torn_png, Media.IMAGE, "not a readable picture", id="a PNG with a hole"),
        pytest.param(cut_mp4, Media.VIDEO, "cut short", id="an MP4 that was cut short"),
        pytest.param(nothing, Media.IMAGE, "it is empty", id="an empty file as a picture"),
        pytest.param(nothing, Media.VIDEO, "it is empty", id="an empty file as a clip"),
        pytest.param(sound_only, Media.VIDEO, "it holds no video", id="a clip with sound only"),
        pytest.param(growing, Media.VIDEO, "frame 4 is 96 x 64 px, those before it are 64 x 48", id="a video that changes its size"),
        pytest.param(bitmap, Media.VIDEO, "it is a BMP; an MP4, MOV, Matroska or WebM is wanted", id="a picture of an unknown kind"),
    ],
)
def test_a_file_that_can_not_be_used_has_no_values_and_says_why(tmp_path, make: Callable[[Path], Path], media, why):
    found = measured(make(tmp_path / "a"), media)
    assert found["decodes"].value == 0
    assert why in found["decodes"].why
    others = [one for metric, one in found.items() if metric != "decodes"]
    assert {one.value for one in others} == {None}
    assert all("does not decode" in one.why and why in one.why for one in others)


# -- pictures of other kinds ----------------------------------------------------------------------------------------------


def deep(file: Path) -> Path:
    """16 bits a channel, whose low bytes say something else."""
    cv2.imwrite(str(file), drawing(*SIZE)[:, :, ::-1].astype(np.uint16) * 256 + 200)
    return file


def deep_grey(file: Path) -> Path:
    return save(drawing(*SIZE)[:, :, 0].astype(np.uint16) * 256 + 200, file)


def grey_samples() -> Pixels:
    return np.repeat(drawing(*SIZE)[:, :, :1], 3, axis=2)


def deep_alpha(file: Path) -> Path:
    solid = np.dstack([drawing(*SIZE)[:, :, ::-1].astype(np.uint16) * 256, np.full(SIZE[::-1], 65535, np.uint16)])
    cv2.imwrite(str(file), solid)
    return file


def transparent(file: Path) -> Path:
    """A drawing with nothing beneath where it is transparent, and white meant to be there."""
    pixels = np.dstack([drawing(*SIZE), np.full(SIZE[::-1], 255, np.uint8)])
    pixels[:, SIZE[0] // 2 :] = 0
    return save(pixels, file)


def over_white() -> Pixels:
    pixels = drawing(*SIZE)
    pixels[:, SIZE[0] // 2 :] = 255
    return pixels


@pytest.mark.parametrize(
    ("make", "means"),
    [
        pytest.param(deep, drawing(*SIZE), id="16 bits a channel"),
        pytest.param(deep_grey, grey_samples(), id="16 bits of grey"),
        pytest.param(deep_alpha, drawing(*SIZE), id="16 bits a channel with alpha"),
        pytest.param(transparent, over_white(), id="transparent parts"),
    ],
)
def test_a_picture_of_another_depth_measures_as_what_it_shows(tmp_path, make, means):
    assert values(make(tmp_path / "a.png")) == values(save(means, tmp_path / "b.png"))


def test_a_cmyk_picture_measures_nearly_as_the_same_in_rgb(tmp_path):
    grey = Image.fromarray(grey_samples())
    grey.convert("CMYK").save(tmp_path / "a.jpg", quality=95, subsampling=0)
    grey.save(tmp_path / "b.jpg", quality=95, subsampling=0)
    inks, same = values(tmp_path / "a.jpg"), values(tmp_path / "b.jpg")
    assert inks["sharpness"] == pytest.approx(same["sharpness"], rel=0.02)
    assert (inks["blank"], inks["black"], inks["width"]) == (0, 0, SIZE[0])


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 700), (700, 1), (3, 5), (9, 9)], ids=lambda size: f"{size[0]} x {size[1]} px")
@pytest.mark.parametrize("frames", [1, 2, 3, 12], ids=lambda frames: f"{frames} frames")
def test_very_small_pictures_and_clips_are_measured_as_far_as_they_go(tmp_path, monkeypatch, size, frames):
    still = values(save(drawing(*size), tmp_path / "a.png"))
    assert (still["decodes"], still["width"], still["height"]) == (1, *size)
    decoding(monkeypatch, size, (drawing(*size, shift=number) for number in range(frames)))
    clip = values(Path("made up"), Media.VIDEO)
    assert (clip["decodes"], clip["width"], clip["height"], clip["frame-count"]) == (1, *size, frames)


def test_what_takes_a_clip_has_no_value_of_a_picture(tmp_path):
    found = values(save(PAN[0], tmp_path / "a.png"))
    alone = {metric for metric, spec in METRICS.items() if metric in METERS and not spec.reads}
    assert {metric for metric in alone if found[metric] is None} == OF_CLIPS & METERS.keys()


def test_a_picture_of_one_pixel_is_blank(tmp_path):
    assert values(save(flat(200, 1, 1), tmp_path / "a.png"))["blank"] == 1


@pytest.mark.parametrize("kind", ["webp", "png"])
def test_an_animated_picture_has_as_many_frames_as_it_has(tmp_path, kind):
    first, *others = [Image.fromarray(pixels) for pixels in PAN]
    first.save(tmp_path / f"a.{kind}", save_all=True, append_images=others, duration=80, lossless=True)
    found = values(tmp_path / f"a.{kind}")
    assert (found["decodes"], found["frame-count"], found["frozen"]) == (1, len(PAN), 0)
    assert (found["frame-rate"], found["duration"]) == (None, None)


def test_a_photograph_with_a_depth_map_beside_it_is_one_picture(tmp_path):
    photograph, depth = Image.fromarray(drawing(*SIZE)), Image.fromarray(flat(90, *SIZE))
    photograph.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[depth], quality=95)
    photograph.save(tmp_path / "b.jpg", quality=95)
    assert values(tmp_path / "a.jpg") == values(tmp_path / "b.jpg")


# -- clips ----------------------------------------------------------------------------------------------------------------


def test_a_clip_of_ten_thousand_frames_has_a_value_for_each(tmp_path):
    shown = [drawing(16, 16, shift) for shift in range(16)]
    with_all = measured(save_clip(tmp_path / "a.mkv", [shown[number % 16] for number in range(10_000)], rate=24), Media.VIDEO)
    assert with_all["frame-count"].value == 10_000
    assert len(with_all["sharpness"].details["per_frame"]) == 10_000
    assert with_all["frozen"].value == 0


def test_a_clip_is_never_held_as_a_whole(monkeypatch):
    alive: weakref.WeakSet[Held] = weakref.WeakSet()
    most = 0

    def frames() -> Iterator[Pixels]:
        nonlocal most
        for number in range(200):
            pixels = drawing(*SIZE, shift=number).view(Held)
            alive.add(pixels)
            most = max(most, len(alive))
            yield pixels
            del pixels

    decoding(monkeypatch, SIZE, frames())
    assert values(Path("made up"), Media.VIDEO)["frame-count"] == 200
    assert most < 10


class Held(np.ndarray):
    """Samples of which it can be told whether somebody still has them."""

    __hash__ = object.__hash__


def test_a_bad_file_takes_no_other_along(tmp_path):
    one = FileMeasure()
    before = one.measure(save(drawing(*SIZE), tmp_path / "a.png"), Media.IMAGE, list(METERS))
    assert one.measure(cut_png(tmp_path / "cut"), Media.IMAGE, ["decodes"])[0].value == 0
    assert one.measure(tmp_path / "a.png", Media.IMAGE, list(METERS)) == before
