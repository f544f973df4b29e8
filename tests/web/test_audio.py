"""The sound of a sample: ranges, copies, names, and files that are no longer what was analysed."""

import hashlib
import io
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
import soundfile as sf

from config.settings import Settings
from samplemind_worker.pipeline.copies import Copies
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import places, results
from samplemind_worker.store.places import Place
from tests.chain import analyse
from tests.factories import analysis_facts, audio_facts, write_audio
from training import signals

pytestmark = pytest.mark.services


def url(file_id: str) -> str:
    return f"/api/v1/samples/{file_id}/audio"


def content_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sound(answer: httpx.Response) -> tuple[Any, int]:
    assert answer.status_code == 200, answer.text
    return sf.read(io.BytesIO(answer.content), always_2d=True)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    write_audio(folder / "kick.wav", signals.kick())
    write_audio(folder / "kick.aiff", signals.kick())
    return folder


@pytest.fixture
def analysed(workspace: Workspace, library: Path) -> Path:
    analyse(workspace, library)
    return library


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a home of this test alone."""
    return settings.model_copy(update={"home": tmp_path / "home"})


def test_a_wav_is_sent_as_it_is(web: httpx.Client, analysed: Path):
    path = analysed / "kick.wav"
    file_id = content_of(path)

    answer = web.get(url(file_id))

    assert (answer.status_code, answer.content) == (200, path.read_bytes())
    assert {name: answer.headers[name] for name in ("content-type", "etag", "accept-ranges", "cache-control")} == {
        "content-type": "audio/wav",
        "etag": f'"{file_id}"',
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=31536000, immutable",
    }
    assert "content-disposition" not in answer.headers


def test_head_tells_what_get_would_send(web: httpx.Client, analysed: Path):
    for name in ("kick.wav", "kick.aiff"):
        address = url(content_of(analysed / name))
        got, head = web.get(address), web.head(address)
        headers = ("content-type", "content-length", "etag", "accept-ranges", "cache-control")
        assert head.content == b""
        assert {key: head.headers[key] for key in headers} == {key: got.headers[key] for key in headers}
        assert int(head.headers["content-length"]) == len(got.content)


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ("bytes=0-", slice(0, None)),
        ("bytes=0-0", slice(0, 1)),
        ("bytes=100-199", slice(100, 200)),
        ("bytes=100-99999999999", slice(100, None)),
        ("bytes=-50", slice(-50, None)),
        ("bytes=-99999999", slice(0, None)),
    ],
)
def test_a_range_is_sent_alone(web: httpx.Client, analysed: Path, given: str, part: slice):
    whole = (analysed / "kick.wav").read_bytes()

    answer = web.get(url(content_of(analysed / "kick.wav")), headers={"Range": given})

    assert answer.status_code == 206
    assert answer.content == whole[part]
    begin = part.indices(len(whole))[0]
    assert answer.headers["content-range"] == f"bytes {begin}-{begin + len(answer.content) - 1}/{len(whole)}"


@pytest.mark.parametrize(
    "given", ["bytes=0-1,5-6", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "lines=0-5", "bytes=1-2x", "", "bytes=²-"]
)
def test_what_is_no_single_range_gets_the_whole(web: httpx.Client, analysed: Path, given: str):
    answer = web.get(url(content_of(analysed / "kick.wav")), headers={"Range": given.encode("latin-1")})

    assert (answer.status_code, answer.content) == (200, (analysed / "kick.wav").read_bytes())


@pytest.mark.parametrize("given", ["bytes=99999999-", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(web: httpx.Client, analysed: Path, given: str):
    path = analysed / "kick.wav"

    answer = web.get(url(content_of(path)), headers={"Range": given})

    assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
    assert answer.headers["content-range"] == f"bytes */{path.stat().st_size}"


def test_a_range_of_another_version_gets_the_whole(web: httpx.Client, analysed: Path):
    file_id = content_of(analysed / "kick.wav")
    headers = {"Range": "bytes=0-9", "If-Range": f'"{file_id}"'}

    assert len(web.get(url(file_id), headers=headers).content) == 10
    assert web.get(url(file_id), headers={**headers, "If-Range": '"another"'}).status_code == 200


@pytest.mark.parametrize("given", ['"{}"', 'W/"{}"', '"other", "{}"', "*"])
def test_who_has_it_already_gets_304(web: httpx.Client, analysed: Path, given: str):
    file_id = content_of(analysed / "kick.wav")

    answer = web.get(url(file_id), headers={"If-None-Match": given.format(file_id)})

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"].startswith(f'"{file_id}')
    assert web.get(url(file_id), headers={"If-None-Match": '"other"'}).status_code == 200


def test_what_browsers_cannot_play_becomes_a_wav(web: httpx.Client, analysed: Path, settings: Settings):
    path = analysed / "kick.aiff"
    file_id = content_of(path)

    answer = web.get(url(file_id))

    assert (answer.headers["content-type"], answer.headers["etag"]) == ("audio/wav", f'"{file_id}-wav1"')
    (copy, rate), (wanted, _) = sound(answer), sf.read(path, always_2d=True)
    assert rate == 44100
    assert np.array_equal(copy, wanted)
    assert web.get(url(file_id), headers={"Range": "bytes=0-3"}).content == b"RIFF"
    assert web.get(url(file_id), params={"format": "original"}).content == path.read_bytes()
    assert [each.name for each in (settings.home / "audio").iterdir()] == [f"{file_id}.1.wav"]


@pytest.mark.parametrize(
    ("name", "subtype", "is_copy"),
    [
        ("a.wav", "PCM_24", False),
        ("a.wav", "FLOAT", False),
        ("a.wav", "DOUBLE", True),
        ("a.wav", "ULAW", True),
        ("a.wav", "MS_ADPCM", True),
        ("a.flac", "PCM_24", False),
        ("a.mp3", "MPEG_LAYER_III", False),
        ("a.ogg", "VORBIS", False),
        ("a.w64", "PCM_16", True),
        ("a.caf", "PCM_16", True),
        ("a.au", "PCM_16", True),
        ("a.rf64", "PCM_16", True),
    ],
)
def test_each_format_is_playable(
    web: httpx.Client, workspace: Workspace, tmp_path: Path, name: str, subtype: str, *, is_copy: bool
):
    path = tmp_path / "library" / name
    path.parent.mkdir()
    y = np.stack([signals.snare(), signals.snare()[::-1]], axis=1)
    sf.write(path, y, 44100, subtype=subtype)
    if name == "a.rf64":
        path = path.rename(path.with_suffix(".wav"))
    analyse(workspace, path.parent)

    answer = web.get(url(content_of(path)))

    copy, rate = sound(answer)
    assert answer.headers["etag"].endswith('-wav1"') is is_copy
    assert (rate, copy.shape[1]) == (44100, 2)
    assert np.abs(copy[:1000] - y[:1000]).max() < (0.1 if subtype in {"ULAW", "MS_ADPCM", "VORBIS"} else 1.0)
    copied, _ = sound(web.get(url(content_of(path)), params={"format": "wav"}))
    assert len(copied) == pytest.approx(len(y), rel=0.1)


def test_a_wav_in_the_other_byte_order_becomes_one_in_the_usual_order(
    web: httpx.Client, workspace: Workspace, tmp_path: Path
):
    path = tmp_path / "library" / "a.wav"
    path.parent.mkdir()
    sf.write(path, signals.kick(), 44100, subtype="PCM_16", endian="BIG")
    assert path.read_bytes().startswith(b"RIFX")
    analyse(workspace, path.parent)

    assert web.get(url(content_of(path))).content.startswith(b"RIFF")


def test_many_channels_become_one(web: httpx.Client, workspace: Workspace, tmp_path: Path):
    path = tmp_path / "library" / "a.caf"
    path.parent.mkdir()
    sf.write(path, np.tile(signals.kick()[:, None], 6), 44100, subtype="PCM_24")
    analyse(workspace, path.parent)

    copy, _ = sound(web.get(url(content_of(path))))

    assert copy.shape[1] == 1
    assert np.abs(copy[:, 0] - signals.kick()).max() < 1e-4


def test_requests_for_one_copy_wait_for_each_other(web_url: str, analysed: Path, settings: Settings):
    address = web_url + url(content_of(analysed / "kick.aiff"))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: httpx.get(address, timeout=60.0), range(8)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len(list((settings.home / "audio").iterdir())) == 1


def test_copies_stay_within_their_budget(settings: Settings, tmp_path: Path):
    copies = Copies(settings.model_copy(update={"audio_cache_bytes": 3 * 2**20}))
    paths = [write_audio(tmp_path / f"{hz}.aiff", signals.sine(hz, 10.0)) for hz in (100.0, 200.0, 300.0, 400.0)]

    for path in paths:
        with path.open("rb") as file:
            copies.make(content_of(path), file, expected=882_000).close()
    copies.close()

    kept = {path.name.partition(".")[0] for path in copies.folder.iterdir()}
    assert content_of(paths[-1]) in kept
    assert content_of(paths[0]) not in kept
    assert sum(path.stat().st_size for path in copies.folder.iterdir()) <= 3 * 2**20


def test_a_file_that_cannot_be_decoded_any_more_is_refused(web: httpx.Client, workspace: Workspace, tmp_path: Path):
    path = tmp_path / "library" / "a.caf"
    path.parent.mkdir()
    path.write_bytes(b"caff\0\1\0\0" + bytes(1000))
    file_id = content_of(path)
    results.save_analyses([(audio_facts(file_id, format="CAF"), analysis_facts(file_id))])
    status = path.stat()
    place = Place(
        str(path.parent), b"a.caf", file_id, status.st_size, status.st_mtime_ns, status.st_ctime_ns, settled=True
    )
    places.save([place])
    assert workspace.settings.home.name == "home"

    answer = web.get(url(file_id))

    assert (answer.status_code, answer.json()["code"]) == (422, "unreadable")
    assert list((workspace.settings.home / "audio").iterdir()) == []


def test_a_sample_that_is_not_there_is_a_problem(web: httpx.Client):
    assert web.get(url("0" * 64)).status_code == 404
    assert web.head(url("0" * 64)).status_code == 404
    for forged in ("../../etc/passwd", "0" * 63, "A" * 64, "%00", "0" * 64 + "%0a", '{"$gt":""}'):
        assert web.get(f"/api/v1/samples/{forged}/audio").status_code in {404, 422}


def test_a_file_that_is_gone_is_gone_until_it_is_back(web: httpx.Client, analysed: Path, tmp_path: Path):
    path = analysed / "kick.wav"
    file_id = content_of(path)
    path.rename(tmp_path / "away.wav")

    answer = web.get(url(file_id))

    assert (answer.status_code, answer.json()["code"]) == (410, "missing")
    assert answer.headers["cache-control"] == "no-store"
    assert str(analysed) not in answer.text
    (tmp_path / "away.wav").rename(path)
    assert web.get(url(file_id)).status_code == 200


def test_another_place_of_the_content_is_taken(web: httpx.Client, workspace: Workspace, analysed: Path):
    whole = (analysed / "kick.wav").read_bytes()
    shutil.copy(analysed / "kick.wav", analysed / "copy.wav")
    analyse(workspace, analysed)
    (analysed / "kick.wav").write_bytes(b"something else")

    assert web.get(url(hashlib.sha256(whole).hexdigest())).content == whole


def test_changed_bytes_are_refused_and_changed_times_are_not(web: httpx.Client, analysed: Path):
    path = analysed / "kick.wav"
    whole, file_id = path.read_bytes(), content_of(path)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert web.get(url(file_id)).content == whole

    path.write_bytes(whole[:-2] + b"\1\1")

    answer = web.get(url(file_id))
    assert (answer.status_code, answer.json()["code"]) == (410, "missing")
    assert "changed" in answer.json()["detail"]


def test_a_link_that_leads_out_of_the_root_is_refused(web: httpx.Client, analysed: Path, tmp_path: Path):
    path = analysed / "kick.wav"
    file_id = content_of(path)
    # Even with the very bytes of the content.
    path.rename(tmp_path / "outside.wav")
    path.symlink_to(tmp_path / "outside.wav")

    answer = web.get(url(file_id))

    assert (answer.status_code, answer.json()["code"]) == (403, "outside_roots")


def test_a_folder_that_is_exchanged_for_a_link_is_refused(web: httpx.Client, workspace: Workspace, tmp_path: Path):
    folder = tmp_path / "library" / "kit"
    file_id = content_of(write_audio(folder / "kick.wav", signals.kick()))
    analyse(workspace, folder.parent)
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")

    assert web.get(url(file_id)).json()["code"] == "outside_roots"


@pytest.mark.parametrize("path", [b"../secret.wav", b"/etc/passwd", b"a/../../secret.wav", b"a\0.wav"])
def test_no_recorded_path_leads_out_of_its_root(web: httpx.Client, analysed: Path, path: bytes):
    secret = write_audio(analysed.parent / "secret.wav", signals.snare())
    file_id, status = content_of(secret), secret.stat()
    results.save_analyses([(audio_facts(file_id), analysis_facts(file_id))])
    places.save(
        [Place(str(analysed), path, file_id, status.st_size, status.st_mtime_ns, status.st_ctime_ns, settled=True)]
    )

    assert web.get(url(file_id)).json()["code"] == "outside_roots"


@pytest.mark.parametrize(
    ("name", "plain", "shown"),
    [
        ("kick.wav", "kick.wav", "kick.wav"),
        ('a"b;c\\d.wav', "a_b_c_d.wav", "a_b;c_d.wav"),
        ("gnp\u202egpj.wav", "gnpgpj.wav", "gnpgpj.wav"),
        ("caf\u00e9 \U0001f941.wav", "cafe .wav", "caf%C3%A9%20%F0%9F%A5%81.wav"),
        ("a\r\nSet-Cookie: x.wav", "aSet-Cookie_ x.wav", "aSet-Cookie_%20x.wav"),
        ("<script>.wav", "_script_.wav", "_script_.wav"),
        ("\u05e9\u05dc\u05d5\u05dd.wav", "sample.wav", "%D7%A9%D7%9C%D7%95%D7%9D.wav"),
        (os.fsdecode(b"caf\xe9.wav"), "caf_xe9.wav", "caf_xe9.wav"),
    ],
)
def test_a_download_has_a_harmless_name(
    web: httpx.Client, workspace: Workspace, tmp_path: Path, *, name: str, plain: str, shown: str
):
    folder = tmp_path / "library"
    path = write_audio(folder / "a.wav", signals.kick())
    path = path.rename(folder / name)
    analyse(workspace, folder)

    answer = web.get(url(content_of(path)), params={"download": "true"})

    assert answer.headers["content-disposition"] == (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{shown.replace(';', '%3B')}"
    )


def test_a_copy_is_downloaded_as_a_wav(web: httpx.Client, analysed: Path):
    answer = web.get(url(content_of(analysed / "kick.aiff")), params={"download": "true"})

    assert answer.headers["content-disposition"] == "attachment; filename=\"kick.wav\"; filename*=UTF-8''kick.wav"


def test_a_large_file_takes_no_memory_and_a_slow_reader_none(web: httpx.Client, workspace: Workspace, tmp_path: Path):
    path = tmp_path / "library" / "large.wav"
    path.parent.mkdir()
    with sf.SoundFile(path, "w", 96_000, 2, "PCM_24") as file:
        block = np.tile(signals.sine(50.0, 1.0, sr=96_000)[:, None], 2)
        for _ in range(180):
            file.write(block)
    assert path.stat().st_size > 100 * 10**6
    analyse(workspace, path.parent)
    file_id, before = content_of(path), psutil.Process().memory_info().rss

    most, received = 0, 0
    with web.stream("GET", url(file_id)) as slow, web.stream("GET", url(file_id)) as quick:
        first = next(slow.iter_raw(1000))
        for part in quick.iter_raw(2**20):
            received += len(part)
            most = max(most, psutil.Process().memory_info().rss - before)
        assert web.get("/healthz").status_code == 200

    assert first.startswith(b"RIFF")
    assert received == path.stat().st_size
    assert most < 64 * 2**20


def test_a_file_that_shrinks_while_it_is_sent_ends_the_connection(
    web: httpx.Client, workspace: Workspace, tmp_path: Path
):
    path = write_audio(tmp_path / "library" / "a.wav", np.tile(signals.kick(), 400))
    analyse(workspace, path.parent)
    file_id = content_of(path)

    with web.stream("GET", url(file_id)) as answer:
        os.truncate(path, 2**20)
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()
    assert web.get("/healthz").status_code == 200
