"""A fetched file is believed once its checksums hold, or once two downloads of it are the same."""

from pathlib import Path

import pytest

from koma.backends.comfyui.fetching import DOWNLOADS, fetch, prove_here
from koma.backends.comfyui.shapes import Reply
from koma.pixels.header import UnreadableError
from koma.ports import CollectError
from support.pictures import drawing, save


class Sends:
    """A server that sends these bodies one after the other, the last one again and again."""

    def __init__(self, *bodies: bytes, status: int = 200) -> None:
        self.downloads = 0
        self._bodies = bodies
        self._status = status

    async def download(self, _path: str, _params: object, into: Path) -> Reply:
        into.write_bytes(self._bodies[min(self.downloads, len(self._bodies) - 1)])
        self.downloads += 1
        return Reply(self._status, None, "")


def flip(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.fixture
def png(tmp_path):
    return save(drawing(24, 16), tmp_path / "whole.png").read_bytes()


@pytest.fixture
def jpeg(tmp_path):
    return save(drawing(24, 16), tmp_path / "whole.jpg").read_bytes()


async def fetched(server: Sends, into: Path) -> tuple[bytes, int]:
    await fetch(server, {}, into, prove_here)
    return into.read_bytes(), server.downloads


async def test_a_png_whose_checksums_hold_is_fetched_once(tmp_path, png):
    assert await fetched(Sends(png), tmp_path / "a") == (png, 1)


async def test_a_png_that_was_flipped_on_the_way_is_fetched_again(tmp_path, png):
    assert await fetched(Sends(flip(png, 60), png), tmp_path / "a") == (png, 2)


async def test_a_png_whose_very_first_byte_was_flipped_is_fetched_again(tmp_path, png):
    assert await fetched(Sends(flip(png, 0), png), tmp_path / "a") == (png, 2)


async def test_a_png_that_is_broken_at_the_server_is_refused_after_two_downloads(tmp_path, png):
    server = Sends(flip(png, 60))
    with pytest.raises(UnreadableError):
        await fetched(server, tmp_path / "a")
    assert server.downloads == 2


async def test_a_file_without_checksums_is_fetched_twice(tmp_path, jpeg):
    assert await fetched(Sends(jpeg), tmp_path / "a") == (jpeg, 2)


@pytest.mark.parametrize(("flipped", "downloads"), [(0, 3), (1, 4)], ids=["the first one", "the second one"])
async def test_a_flip_in_one_download_is_seen_and_two_that_agree_decide(tmp_path, jpeg, flipped, downloads):
    bodies = [flip(jpeg, 300) if number == flipped else jpeg for number in range(4)]
    assert await fetched(Sends(*bodies), tmp_path / "a") == (jpeg, downloads)


async def test_downloads_that_all_differ_are_no_file_and_may_be_better_later(tmp_path, jpeg):
    server = Sends(*(flip(jpeg, 300 + number) for number in range(9)))
    with pytest.raises(CollectError, match="each time it was fetched it was another file") as caught:
        await fetched(server, tmp_path / "a")
    assert caught.value.away
    assert server.downloads == DOWNLOADS


@pytest.mark.parametrize(("status", "away"), [(404, False), (403, False), (500, True), (503, True)])
async def test_what_the_server_does_not_give_is_said(tmp_path, png, status, away):
    with pytest.raises(CollectError, match=f"HTTP {status}") as caught:
        await fetched(Sends(png, status=status), tmp_path / "a")
    assert caught.value.away is away
