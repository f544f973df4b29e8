"""How the built page is served. `make page` builds it."""

import httpx
import pytest

from samplemind_web.page_files import BUILT

pytestmark = pytest.mark.services


def test_every_address_shows_the_page(web: httpx.Client):
    index = (BUILT / "index.html").read_text()

    for path in ("/", "/sample/abc", "/batches/x?state=failed", f"/{'long' * 500}", "/%00"):
        answer = web.get(path)
        assert (answer.status_code, answer.text) == (200, index), path
        assert answer.headers["cache-control"] == "no-cache"


def test_files_with_a_hash_in_their_name_are_kept_and_sent_compressed(web: httpx.Client):
    script = next(
        file for file in (BUILT / "assets").iterdir() if file.name.startswith("index-") and file.suffix == ".js"
    )

    packed = web.get(f"/assets/{script.name}", headers={"Accept-Encoding": "gzip"})
    plain = web.get(f"/assets/{script.name}", headers={"Accept-Encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert packed.content == plain.content == script.read_bytes()
    for answer in (packed, plain):
        assert "javascript" in answer.headers["content-type"]
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", ["/assets/none.js", "/assets/../../app.py", "/assets/%2e%2e/%2e%2e/page_files.py"])
def test_nothing_else_is_served(web: httpx.Client, path: str):
    answer = web.get(path)

    assert "def " not in answer.text
    assert answer.status_code in {200, 404}
