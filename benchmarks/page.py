"""The page at size: how fast it is there, scrolls and sounds, with a library of 100,000 samples.

The entries are those of `benchmarks.many`; some real sounds are analysed besides, and heard. A headless Chromium draws
on the processor, as browsers do where there is no GPU (a GPU that software emulates, which the map's tests need for
WebGL, stalls for seconds while an empty list is scrolled). It, the server and the services share this machine.
"""

import argparse
import random
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks import many
from config.settings import Settings
from samplemind_worker.demo import library, plan
from samplemind_worker.local_services import ensure_running, stop
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import mongo
from tests.chain import analyse
from tests.load.servers import free_port, serve
from tests.page.chromium import ARGUMENTS, find_chromium

_WATCH = """
window.seen = {row: 0, busy: 0};
new MutationObserver((_, self) => {
  if (!document.querySelector("[role=row][data-index]")) return;
  seen.row = performance.now();
  self.disconnect();
}).observe(document, {childList: true, subtree: true});
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) seen.busy = task.startTime + task.duration;
}).observe({type: "longtask", buffered: true});
addEventListener("keydown", (event) => { window.pressed = event.timeStamp; }, true);
"""
_SCROLL = """([seconds, pixels]) => new Promise((resolve) => {
  const grid = document.querySelector("[role=grid]"), frames = [], begun = performance.now();
  let before = begun;
  requestAnimationFrame(function next(now) {
    if (now > before) frames.push(now - before);
    before = now;
    if (now - begun > 1000 * seconds) return resolve(frames.slice(1));
    grid.scrollTop += pixels;
    requestAnimationFrame(next);
  });
})"""
_JUMP = """(part) => new Promise((resolve) => {
  const grid = document.querySelector("[role=grid]"), begun = performance.now(), frames = [];
  grid.scrollTop = part * (grid.scrollHeight - grid.clientHeight);
  let before = begun;
  requestAnimationFrame(function next(now) {
    if (now > before) frames.push(now - before);
    before = now;
    const box = grid.getBoundingClientRect();
    const shown = document.elementFromPoint(box.left + 200, box.top + box.height / 2)?.closest("[role=row]");
    if (shown?.dataset.index !== undefined || now - begun > 30000) return resolve([now - begun, Math.max(...frames)]);
    requestAnimationFrame(next);
  });
})"""
_HEARD = """() => {
  const heard = performance.getEntriesByName("play").at(-1);
  return heard && heard.startTime >= window.pressed - 1 ? heard.startTime + heard.duration - window.pressed : null;
}"""


def _row(what: str, values: list[float]) -> None:
    cuts = statistics.quantiles(values, n=20, method="inclusive") if len(values) > 1 else values * 19
    print(f"{what:44} {len(values):6} {statistics.median(values):9.1f} {cuts[18]:9.1f} {max(values):9.1f}")


def _measure(page: Page, url: str, *, starts: int, seconds: float) -> None:
    print(f"{'':44} {'number':>6} {'median':>9} {'p95':>9} {'most':>9}  (ms)")
    rows, ready = [], []
    for _ in range(starts):
        page.goto(url)
        page.locator("[role=row][data-index]").first.wait_for(timeout=60_000)
        page.wait_for_timeout(1500)
        seen: dict[str, float] = page.evaluate("seen")
        rows.append(seen["row"])
        ready.append(max(seen["row"], seen["busy"]))
    _row("from the address to the first row", rows)
    _row("... to the last task above 50 ms", ready)
    for name, pixels in (("read (4 px per frame)", 4), ("scrolled (40)", 40), ("flung (400)", 400)):
        _row(f"frames while it is {name}", page.evaluate(_SCROLL, [seconds, pixels]))
    rng = random.Random(1)  # noqa: S311 -- places in a list
    jumps: list[list[float]] = [page.evaluate(_JUMP, part) for part in (1.0, *(rng.random() for _ in range(15)))]
    _row("a jump to where nothing is loaded: its rows", [took for took, _ in jumps])
    _row("... and its longest frame", [longest for _, longest in jumps])


def _hear(page: Page, url: str, *, sounds: int) -> None:
    page.goto(url)
    page.locator("[role=row][data-index]").first.click()
    page.wait_for_timeout(3000)
    heard: list[float] = []
    for _ in range(sounds):
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(400)
        latency: Any = page.evaluate(_HEARD)
        if latency is not None:
            heard.append(latency)
    _row("from the key to the sound", heard or [float("nan")])


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        sounds = Path(folder) / "sounds"
        library.write(sounds, plan.items())
        own = Settings(home=Path(folder) / "home", roots={"sounds": sounds})
        settings = ensure_running(own, workers=False)
        assert settings.mongodb_url is not None
        server = None
        try:
            mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database)
            many.write(given.entries, many.bases(Settings(home=own.home)), record=True)
            workspace = Workspace(settings)
            real = analyse(workspace, sounds, ai=False)["completed"]
            workspace.close()
            port = free_port()
            server = serve(settings, port)
            url = f"http://127.0.0.1:{port}/"
            print(f"{given.entries:,} samples, and {real} real sounds")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=find_chromium(), args=[*ARGUMENTS, "--disable-gpu"]
                )
                page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
                page.add_init_script(_WATCH)
                _measure(page, url, starts=given.starts, seconds=given.seconds)
                _hear(page, f"{url}?batch=last", sounds=min(real - 1, 30))
                browser.close()
        finally:
            if server is not None:
                server.terminate()
                server.wait(timeout=30)
            mongo.close()
            stop(own)


if __name__ == "__main__":
    main()
