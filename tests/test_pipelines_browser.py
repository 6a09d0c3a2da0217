"""The web demo in a real browser, the system's Chromium, used as a person would. Skipped where there is none.

Figures are printed with ``-s``. ``PARAPH_RUN`` names another run than the tiny one made here, ``PARAPH_PICTURES`` a
folder for the screenshots and the README's filmstrip.
"""

import base64
import importlib.util
import io
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipelines.export_forms import NOTICE
from synth import World, forge, render

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MISSING = [name for name in ("gradio", "playwright") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: the page is not tried in a browser"),
    pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} not installed: the page is not tried in a browser"),
]
DESKTOP, PHONE = {"width": 1100, "height": 900}, {"width": 390, "height": 844}
WAIT_MS = 120_000


@pytest.fixture(scope="module")
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of the page, served by a process of its own."""
    run = os.environ.get("PARAPH_RUN") or request.getfixturevalue("finished_run")
    command = [sys.executable, "-u", "-m", "pipelines", "app", "--run", str(run)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        line = next((line for line in served.stdout if "Paraph is at" in line), "")
        try:
            yield re.search(r"http://127\.0\.0\.1:\d+", line)[0]
        finally:
            served.terminate()
            served.wait(30)


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


class Visit:
    """A page that notes what it asked for and what went wrong."""

    def __init__(self, browser, address: str, size: dict[str, int]) -> None:
        self.page = browser.new_page(viewport=size, reduced_motion="reduce")
        self.page.set_default_timeout(WAIT_MS)
        self.asked, self.faults = [], []
        self.page.on("request", lambda r: self.asked.append(r.url))
        self.page.on("pageerror", lambda e: self.faults.append(str(e)))
        self.page.on("console", lambda m: self.faults.append(m.text) if m.type == "error" else None)
        self.page.goto(address)
        self.page.wait_for_selector("#drawn img")

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()

    def picture(self, name: str) -> Image.Image:
        """A screenshot, kept for people if they asked for it."""
        content = self.page.screenshot()
        if folder := os.environ.get("PARAPH_SCREENSHOTS"):
            (Path(folder) / f"{name}.png").write_bytes(content)
        return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_report_opens_offline_and_fits(browser, finished_run: Path, size: dict[str, int]) -> None:
    page, asked, faults = browser.new_page(viewport=size), [], []
    page.on("request", lambda r: asked.append(r.url))
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else None)
    page.goto((finished_run / "report.html").resolve().as_uri())
    assert faults == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert page.locator("h1").count() == 1
    assert page.locator("svg").count() >= 6
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)"), "a picture is broken"
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, "the page is too wide"
    page.close()


@pytest.fixture
def visit(browser, address: str) -> Iterator[Visit]:
    made = Visit(browser, address, DESKTOP)
    yield made
    hosts = {urlsplit(url).netloc for url in made.asked if not url.startswith(("data:", "blob:"))}
    made.page.close()
    assert hosts == {urlsplit(address).netloc}, "the page asked another host"
    assert made.faults == []


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder, signer = tmp_path_factory.mktemp("uploads"), World(11)[5]
    acts = {f"reference_{k}": signer.genuine(4 * k) for k in range(3)} | {"genuine": signer.genuine(12)}
    acts["forged"] = forge(signer, by=World(11)[6], kind="freehand", skill=0.4, act=0)
    for name, act in acts.items():
        cv2.imwrite(str(folder / f"{name}.png"), render(act, dpi=150, capture="scan"))
    whole = (folder / "genuine.png").read_bytes()
    (folder / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.png").write_text("not an image")
    (folder / "page.png").write_bytes(b"%PDF-1.4 and so on")
    cv2.imwrite(str(folder / "blank.png"), np.full((90, 200), 255, np.uint8))
    Image.new("L", (20_000, 9_000), 255).save(folder / "bomb.png")
    (folder / "large.png").write_bytes(whole + bytes(9_000_000))
    cv2.imwrite(str(folder / "noise.png"), np.random.default_rng(0).integers(0, 256, (200, 300), dtype=np.uint8))
    return {path.stem: str(path) for path in folder.iterdir()}


def upload(page, files: dict[str, str], references: list[str], questioned: str) -> str:
    page.set_input_files("#references-input", [files[name] for name in references])
    page.set_input_files("#questioned-input", files[questioned])
    page.wait_for_function(
        "n => document.querySelector('#questioned [role=status]').textContent != n", arg="PNG, JPEG, TIFF or BMP"
    )
    said = "(document.querySelector('#verdict .message') || {}).innerHTML"
    before = page.evaluate(said)
    page.get_by_role("button", name="Compare", exact=True).click()
    page.wait_for_function(f"b => {said} && {said} != b", arg=before)
    page.wait_for_function("() => !/processing|queue/.test(document.querySelector('#verdict').innerText)")
    return page.locator("#verdict").inner_text()


def scribble(rng: np.random.Generator, seconds: float = 1.2) -> np.ndarray:
    """Points of a made-up flourish: x px, y px, t s, shape ``(n, 3)``."""
    t = np.linspace(0, 1, 60)
    waves = [(rng.uniform(15, 45), rng.uniform(2, 7), rng.uniform(0, 6.3)) for _ in range(3)]
    y = sum(size * np.sin(2 * np.pi * turns * t + phase) for size, turns, phase in waves)
    x = 420 * t + sum(0.5 * size * np.cos(2 * np.pi * turns * t + phase) for size, turns, phase in waves)
    return np.column_stack([x, y, seconds * t])


def repeated(rng: np.random.Generator, one: np.ndarray, wobble: float, slow: float) -> np.ndarray:
    """The same flourish again: smoothly displaced by up to some px, stretched and at another pace."""
    t = np.linspace(0, 1, len(one))
    again = one.copy()
    for column in (0, 1):
        again[:, column] *= 1 + 0.004 * wobble * rng.normal()
        for turns in range(1, 6):
            again[:, column] += wobble * rng.normal() / turns**0.5 * np.sin(2 * np.pi * turns * t + rng.uniform(0, 6.3))
    again[:, 2] *= slow
    return again


def sign(page, points: np.ndarray) -> None:
    """Move the mouse over the sheet at the points' own times."""
    canvas = page.locator("#sheet .sheet > canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x = box["x"] + 40 + np.clip(points[:, 0] - points[:, 0].min(), 0, box["width"] - 60)
    y = box["y"] + box["height"] / 2 + np.clip(points[:, 1] - points[:, 1].mean(), -105, 105)
    page.mouse.move(x[0], y[0])
    page.mouse.down()
    begun = time.perf_counter()
    for px, py, t in zip(x, y, points[:, 2], strict=True):
        time.sleep(max(0.0, begun + t - time.perf_counter()))
        page.mouse.move(px, py)
    page.mouse.up()


def scores_of(page) -> list[float]:
    """Compare what is on the sheet; the score by movement and by image."""
    said = "((document.querySelector('#sign-answer') || {}).innerText || '').match(/score -?[0-9.]+/g)?.join()"
    before = page.evaluate(said)
    page.get_by_role("button", name="Compare with references").click()
    page.wait_for_function(f"b => {said} && {said} != b", arg=before)
    text = page.locator("#sign-answer").inner_text()
    scores = [float(value) for value in re.findall(r"score (-?\d+\.\d+)", text)]
    assert scores, text
    return scores


def test_draw_a_signer(visit: Visit) -> None:
    page = visit.page
    assert page.locator("#drawn img").count() == 6
    first = page.locator("#drawn img").first.get_attribute("src")
    page.get_by_role("slider", name="Signer").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("old => document.querySelector('#drawn img').src != old", arg=first)
    ink = page.evaluate(
        "() => { const c = document.querySelector('#player canvas'); const d = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data; let n = 0; for (let i = 0; i < d.length; i += 4) n += d[i] < 100;"
        " return n; }"
    )
    assert ink > 300, "the player shows no movement"
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('#player button').textContent == 'Pause'")
    assert visit.picture("draw").size == (DESKTOP["width"], DESKTOP["height"])


def test_sign_by_mouse_and_be_compared(visit: Visit) -> None:
    page, rng = visit.page, np.random.default_rng(4)
    visit.tab("Sign")
    mine = scribble(rng)
    for _ in range(3):
        sign(page, repeated(rng, mine, 2.0, rng.uniform(0.95, 1.05)))
        page.get_by_role("button", name="Keep as reference").click()
    assert page.locator("#sheet .drawings canvas").count() == 3
    sign(page, repeated(rng, mine, 2.0, 1.0))
    assert len(scores_of(page)) == 2
    text = page.locator("#sign-answer").inner_text()
    for how in ("movement", "image"):
        assert re.search(rf"By {how}: (Match|No match|Inconclusive), (under |over )?\d+ % probable", text), text
    assert "no evidence by itself" in text
    visit.picture("sign")
    page.get_by_role("button", name="Forget everything").click()
    assert page.locator("#sheet .drawings canvas").count() == 0


def test_a_forged_scribble_mostly_scores_lower_than_a_repeated_one(visit: Visit) -> None:
    """Twenty flourishes, each signed twice as reference; then repeated, and copied slowly by an unsteady hand."""
    page, rng, lower = visit.page, np.random.default_rng(20), []
    visit.tab("Sign")
    for _ in range(20):
        mine = scribble(rng, 0.5)
        for _ in range(2):
            sign(page, repeated(rng, mine, 2.0, rng.uniform(0.93, 1.07)))
            page.get_by_role("button", name="Keep as reference").click()
        sign(page, repeated(rng, mine, 2.0, rng.uniform(0.93, 1.07)))
        genuine = scores_of(page)
        page.get_by_role("button", name="Clear sheet").click()
        sign(page, repeated(rng, mine, 7.0, rng.uniform(1.3, 1.8)))
        forged = scores_of(page)
        lower.append([f < g for f, g in zip(forged, genuine, strict=True)])
        page.get_by_role("button", name="Forget everything").click()
    moved, seen = np.sum(lower, axis=0)
    print(f"\nforged scribbles that score lower than repeated ones, of 20: by movement {moved}, by image {seen}")
    assert moved > 10, "no better than chance"


def test_sign_by_keyboard_alone(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("tab", name="Draw").focus()
    page.keyboard.press("Tab")  # the tabs are buttons in a row
    page.keyboard.press("Enter")
    page.wait_for_selector("#sheet .sheet > canvas", state="visible")
    page.locator("#sheet .sheet > canvas").focus()
    for _ in range(2):
        page.keyboard.press("Space")
        for key in ["ArrowRight", "ArrowUp", "ArrowRight", "ArrowDown", "ArrowDown", "ArrowRight"] * 5:
            page.keyboard.press(f"Shift+{key}")
        page.keyboard.press("Space")
        if page.locator("#sheet .drawings canvas").count() == 0:
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.textContent") == "Keep as reference"
            page.keyboard.press("Enter")
            page.locator("#sheet .sheet > canvas").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#sign-answer .verdict")


def test_verify_images_with_a_threshold_and_see_why(visit: Visit, files: dict[str, str]) -> None:
    page = visit.page
    visit.tab("Verify")
    text = upload(page, files, ["reference_0"], "genuine")
    assert re.search(r"(Match|No match|Inconclusive): (under |over )?\d+ % probable at even odds", text)
    assert "no evidence by itself" in text
    page.wait_for_selector("#why img")
    assert page.locator("#why img").count() >= 3
    before = page.locator("#cost").inner_text()
    assert "often copied: 55 %" in before
    page.get_by_role("slider", name="Accept from this probability").focus()
    page.keyboard.press("PageUp")
    page.wait_for_function("old => document.querySelector('#cost').innerText != old", arg=before)
    page.evaluate("window.scrollTo(0, 0)")
    visit.picture("verify")
    assert "at even odds" in upload(page, files, ["reference_0", "reference_1", "reference_2"], "forged")
    assert re.search(r"references\s+3, fusion relative", page.locator("#verdict").inner_text())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("truncated", "truncated|damaged"),
        ("empty", "empty file|Choose a reference"),
        ("text", "not an image"),
        ("page", "PDF file"),
        ("blank", "blank"),
        ("bomb", "too large: 20000 x 9000"),
        ("large", "Choose a reference|larger than 8 MB"),
        ("noise", "photograph"),
    ],
)
def test_a_hostile_upload_is_a_message_and_no_stack_trace(
    visit: Visit, files: dict[str, str], name: str, words: str
) -> None:
    visit.tab("Verify")
    text = upload(visit.page, files, ["reference_0"], name)
    assert re.search(words, text), text
    whole = visit.page.locator("body").inner_text()
    assert "Traceback" not in whole
    assert "line " not in text


def test_learn_moves_the_threshold(visit: Visit) -> None:
    page = visit.page
    visit.tab("Learn")
    before = page.locator("#histogram").inner_text()
    assert "of skilled forgeries get in" in before
    page.get_by_role("slider", name="Threshold, as a probability").focus()
    page.keyboard.press("PageUp")
    page.wait_for_function("old => document.querySelector('#histogram').innerText != old", arg=before)
    visit.picture("learn")


CONTRAST = """() => {
  const light = (c) => {
    const v = c.map((x) => { x /= 255; return x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4; });
    return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };
  const numbers = (text) => { const m = text.match(/[\\d.]+/g); return m ? m.map(Number) : [0, 0, 0, 0]; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = numbers(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > .99) return c.slice(0, 3); } return [255, 255, 255]; };
  const poor = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) { const e = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
    if (!text || !e.offsetParent || e.closest('script, style, svg, [disabled]')) continue;
    const style = getComputedStyle(e); if (style.visibility != 'visible' || style.opacity == 0) continue;
    const [a, b] = [light(numbers(style.color)), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05), big = parseFloat(style.fontSize) >= 24;
    if (ratio < (big ? 3 : 4.5)) poor.push(text.slice(0, 30) + ' ' + ratio.toFixed(2)); }
  return poor; }"""
CONTROLS = "button, input, select, textarea, canvas, svg[role=img], img"
UNNAMED = """(controls) => [...document.querySelectorAll(controls)].filter((e) =>
  e.offsetParent && e.type != 'hidden' && !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.title
  || e.alt || (e.labels && [...e.labels].some((l) => l.textContent.trim())) || e.textContent.trim()
  || e.getAttribute('aria-hidden') == 'true')).map((e) => e.outerHTML.slice(0, 160))"""


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_tab_fits_is_named_and_has_contrast(browser, address: str, size: dict[str, int]) -> None:
    made = Visit(browser, address, size)
    page, poor, unnamed = made.page, {}, {}
    for name in ("Draw", "Sign", "Verify", "Learn"):
        made.tab(name)  # none may hide behind a menu
        page.wait_for_timeout(400)
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, f"{name} is too wide"
        poor[name], unnamed[name] = page.evaluate(CONTRAST), page.evaluate(UNNAMED, CONTROLS)
        made.picture(f"{'phone' if size is PHONE else 'wide'}_{name.lower()}")
    page.close()
    assert not any(poor.values()), poor
    assert not any(unnamed.values()), unnamed


def call(address: str, index: int, values: list[object], name: str) -> str:
    """Ask the page's own question as the browser does; the event that says how it ended."""
    body = json.dumps({"data": values, "fn_index": index, "session_hash": name}).encode()
    headers = {"content-type": "application/json"}
    urllib.request.urlopen(
        urllib.request.Request(f"{address}/gradio_api/queue/join", body, headers), timeout=120
    ).close()
    with urllib.request.urlopen(f"{address}/gradio_api/queue/data?session_hash={name}", timeout=300) as stream:
        for line in stream:
            if b'"process_completed"' in line:
                return line.decode()
    return "the stream ended"


def test_a_score_comes_quickly_and_fifty_at_once_are_answered(address: str, files: dict[str, str]) -> None:
    with urllib.request.urlopen(f"{address}/config", timeout=60) as answer:
        config = json.load(answer)
    button = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "compare")
    index = next(d["id"] for d in config["dependencies"] if [button, "click"] in d["targets"])

    def chosen(name: str) -> str:
        content = base64.b64encode(Path(files[name]).read_bytes()).decode()
        return json.dumps([{"name": f"{name}.png", "content": content}])

    values = [chosen("reference_0"), chosen("genuine"), 57.0, None]
    took = []
    for i in range(12):
        begun = time.perf_counter()
        assert "at even odds" in call(address, index, values, f"one{i}")
        took.append(1000 * (time.perf_counter() - begun))
    print(f"\nupload to score: median {statistics.median(took[2:]):.0f} ms, slowest {max(took[2:]):.0f} ms")
    begun, barrier = time.perf_counter(), threading.Barrier(50)

    def one(i: int) -> str:
        barrier.wait()
        return call(address, index, values, f"many{i}")

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(one, range(50)))
    good = sum('"success":true' in a.replace(" ", "") and "at even odds" in a for a in answers)
    print(f"fifty at once: {good} answered in {time.perf_counter() - begun:.1f} s")
    assert good == 50
    assert statistics.median(took[2:]) < 3000, "far over the goal of 300 ms, even for a busy machine"


def test_a_filmstrip_for_the_readme_is_small(visit: Visit, files: dict[str, str], tmp_path: Path) -> None:
    page, rng, frames = visit.page, np.random.default_rng(4), []
    frames.append(visit.picture("film_draw"))
    visit.tab("Sign")
    mine = scribble(rng)
    for _ in range(3):
        sign(page, repeated(rng, mine, 2.0, 1.0))
        page.get_by_role("button", name="Keep as reference").click()
    sign(page, repeated(rng, mine, 2.0, 1.0))
    scores_of(page)
    page.evaluate("window.scrollTo(0, 0)")
    frames.append(visit.picture("film_sign"))
    visit.tab("Verify")
    upload(page, files, ["reference_0"], "genuine")
    page.wait_for_selector("#why img")
    page.evaluate("window.scrollTo(0, 130)")
    frames.append(visit.picture("film_verify"))
    visit.tab("Learn")
    page.wait_for_timeout(300)
    page.evaluate("window.scrollTo(0, 0)")
    frames.append(visit.picture("film_learn"))
    strip = Image.new("RGB", (1208, 992), "#d1d5db")
    for i, frame in enumerate(frames):
        strip.paste(frame.convert("RGB").resize((600, 491), Image.Resampling.LANCZOS), (604 * (i % 2), 497 * (i // 2)))
    folder = Path(os.environ.get("PARAPH_PICTURES", tmp_path))
    info = PngInfo()
    info.add_text("Source", NOTICE)
    strip.quantize(64, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        folder / "app.png", pnginfo=info, optimize=True
    )
    assert (folder / "app.png").stat().st_size < 120_000
