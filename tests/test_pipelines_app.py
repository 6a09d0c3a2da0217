"""The web demo without a browser: every switch that keeps it private, the guard, what is handed in, the answers."""

import asyncio
import base64
import dataclasses
import io
import itertools
import json
import os
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipelines import app_guard
from pipelines.app_guard import MAX_REQUEST_BYTES, POLICY, Guard, is_local, is_needed, launch_options
from pipelines.app_widgets import MAX_FILE_BYTES, MAX_POINTS, facts, message, read_drawings, read_images
from pipelines.verify import BadInput

ROOT = Path(__file__).resolve().parents[1]
needs_gradio = pytest.mark.skipif(
    subprocess.run([sys.executable, "-c", "import gradio"], capture_output=True, check=False).returncode != 0,
    reason="Gradio is not installed: the page itself is not tested (install the `app` extra)",
)


# ---- the guard ------------------------------------------------------------------------------------------------------


def request(
    path: str, method: str = "GET", *, host: str = "127.0.0.1:7860", body: bytes = b"", **headers: str
) -> tuple:
    """What the guard, or the application behind it, answers: status, headers, body, parts seen behind."""
    sent, seen = [], []
    parts = [body[i : i + 10**7] for i in range(0, len(body), 10**7)] or [b""]

    async def inner(scope: dict, receive: object, send: object) -> None:
        more = True
        while more:
            part = await receive()
            seen.append(part)
            more = part.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"public")]})
        await send({"type": "http.response.body", "body": b"behind"})

    async def receive() -> dict:
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(part: dict) -> None:
        sent.append(part)

    named = [(k.replace("_", "-").encode(), v.encode()) for k, v in ({"host": host} | headers).items()]
    scope = {"type": "http", "path": path, "method": method, "headers": named}
    asyncio.run(Guard(inner)(scope, receive, send))
    found = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
    return sent[0]["status"], found, sent[1]["body"], seen


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:7860", "localhost", "LOCALHOST:80", "[::1]:7860", "::1", "127.8.9.1"]
)
def test_names_of_this_machine_are_answered(host: str) -> None:
    assert is_local(host)
    assert request("/", host=host)[0] == 200


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "0.0.0.0", "192.168.0.4", "[::2]"],
)
def test_other_names_are_refused(host: str) -> None:
    assert not is_local(host)
    assert request("/", host=host)[0] == 403


def test_pages_of_other_sites_may_not_post() -> None:
    path = "/gradio_api/queue/join"
    assert request(path, "POST", origin="http://evil.example")[0] == 403
    assert request(path, "POST", origin="null")[0] == 403
    assert request(path, "POST", origin="http://127.0.0.1:7860")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/upload",
        "/gradio_api/upload_progress",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file/etc/passwd",
        "/gradio_api/proxy=https://evil.example/",
        "/gradio_api/runs",
        "/gradio_api/run-history/connect",
        "/gradio_api/deep_link",
        "/gradio_api/component_server",
        "/gradio_api/mcp/sse",
        "/gradio_api/info",
        "/monitoring",
        "/login",
        "/docs",
        "/openapi.json",
        "/assets/../../etc/passwd",
    ],
)
def test_nothing_that_the_page_does_not_need_is_answered(path: str) -> None:
    assert not is_needed(path, "GET")
    assert request(path)[0] == 404
    assert request(path, "POST")[0] == 404


def test_a_request_has_a_limit_whether_it_says_its_length_or_not() -> None:
    path = "/gradio_api/queue/join"
    assert request(path, "POST", content_length=str(MAX_REQUEST_BYTES + 1))[0] == 413
    assert request(path, "POST", content_length="many")[0] == 413
    seen = request(path, "POST", body=bytes(MAX_REQUEST_BYTES + 10**7))[3]
    assert seen[-1] == {"type": "http.disconnect"}
    assert sum(len(part.get("body", b"")) for part in seen) <= MAX_REQUEST_BYTES


def test_the_browser_is_told_to_talk_to_nobody_else_and_to_keep_nothing() -> None:
    for answer in (request("/"), request("/login")):
        assert answer[1]["content-security-policy"] == POLICY
        assert answer[1]["cache-control"] == "no-store"
        assert answer[1]["referrer-policy"] == "no-referrer"
    assert "http" not in POLICY
    assert "*" not in POLICY


# ---- the switches ---------------------------------------------------------------------------------------------------


@needs_gradio
def test_every_switch_that_keeps_the_page_private_is_set() -> None:
    options = launch_options(None)
    assert options["share"] is False  # None makes a public link on hosted notebooks
    assert options["server_name"] == "127.0.0.1"
    for name in ("run_history", "enable_monitoring", "ssr_mode", "mcp_server", "pwa", "show_error", "inbrowser"):
        assert options[name] is False, name
    assert options["allowed_paths"] == []
    assert options["footer_links"] == []
    assert options["max_file_size"] == "1kb"
    assert options["strict_cors"] is True
    assert options["app_kwargs"]["middleware"][0].cls is Guard


@needs_gradio
def test_the_page_carries_the_switches_and_no_way_to_share_or_save(tmp_path: Path) -> None:
    """In a process of its own, as the variables must be set before Gradio is imported."""
    code = """
import json, os, socket, sys
from pathlib import Path
calls = []
plain = socket.socket.connect
def connect(self, address):
    calls.append(str(address[0])) if self.family in (socket.AF_INET, socket.AF_INET6) else None
    return plain(self, address)
socket.socket.connect = connect
from pipelines.app import start
page, address = start(sys.argv[1], block=False)
folder = os.environ["GRADIO_TEMP_DIR"]
blocks = list(page.blocks.values())
print(json.dumps({
    "address": address, "share": page.share, "share_url": page.share_url, "analytics": page.analytics_enabled,
    "history": page.run_history, "monitoring": page.enable_monitoring, "cache": page.delete_cache,
    "file_size": page.max_file_size, "ssr": page.ssr_mode, "hosts": sorted(set(calls)), "folder": folder,
    "mode": oct(os.stat(folder).st_mode & 0o777),
    "left": sorted(str(p) for p in Path(folder).rglob("*") if p.is_file()),
    "kinds": sorted({block.get_block_name() for block in blocks}),
    "offer": [block.elem_id for block in blocks if getattr(block, "elem_id", None) in ("offer", "train")],
    "public": [str(fn.api_name) for fn in page.fns.values() if fn.api_visibility != "private"],
    "buttons": [b for block in blocks for b in (getattr(block, "buttons", None) or []) if b in ("share", "download")],
    "flagging": [type(block).__name__ for block in blocks if "Interface" in type(block).__name__],
    "variables": {k: os.environ.get(k) for k in ("GRADIO_ANALYTICS_ENABLED", "HF_HUB_OFFLINE", "GRADIO_SHARE")},
}))
page.close()
"""
    environment = os.environ | {"GRADIO_SHARE": "True", "GRADIO_ALLOWED_PATHS": "/"}
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "no run")],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    found = json.loads(next(line for line in ran.stdout.splitlines() if line.startswith("{")))
    assert found["address"].startswith("http://127.0.0.1:")
    assert (found["share"], found["share_url"], found["analytics"]) == (False, None, False)
    assert (found["history"], found["monitoring"], found["ssr"]) == (False, False, False)
    assert found["file_size"] == 1024
    assert found["cache"] == [60, 60]
    assert set(found["hosts"]) <= {"127.0.0.1"}, "the server reached out"
    assert found["mode"] == "0o700"
    assert found["left"] == [], "something was written to disk"
    assert found["offer"] == ["offer", "train"], "without a run the page offers to train one"
    assert not Path(found["folder"]).exists(), "the private folder outlived the page"
    # a Gradio image or file would be written to disk; those of this page are text in memory
    assert not set(found["kinds"]) & {"image", "file", "uploadbutton", "sketchpad", "imageeditor", "gallery", "plot"}
    assert found["public"] == found["buttons"] == found["flagging"] == []
    assert found["variables"] == {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "GRADIO_SHARE": "False"}


def test_a_private_folder_is_for_its_owner_alone_and_can_be_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", "/elsewhere")
    folder = app_guard.private_folder()
    (folder / "upload").write_text("a signature")
    assert os.environ["GRADIO_TEMP_DIR"] == str(folder)
    assert folder.stat().st_mode & 0o077 == 0
    app_guard.forget_folder(folder)
    assert not folder.exists()


def test_no_file_of_the_page_names_another_host() -> None:
    for path in (ROOT / "pipelines" / "web").iterdir():
        text = path.read_text("utf-8")
        assert "//" not in "\n".join(line for line in text.splitlines() if not line.startswith("//")), path.name
        assert "@import" not in text
        assert "url(" not in text


# ---- what is handed in ----------------------------------------------------------------------------------------------


def chosen(*contents: bytes) -> str:
    return json.dumps([{"name": f"{i}.png", "content": base64.b64encode(c).decode()} for i, c in enumerate(contents)])


def png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def bomb() -> bytes:
    """A small PNG whose header claims 30,000 x 30,000 pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10**6))) + chunk(b"IEND", b"")
    )


def test_an_image_arrives_as_it_was_sent() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8)
    found = read_images(chosen(png(image), png(image.T)), role="reference")
    assert (found[0] == image).all()
    assert (found[1] == image.T).all()
    assert read_images("", role="reference") == read_images(None, role="reference") == []


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (chosen(b""), "empty file"),
        (chosen(b"hello"), "not an image"),
        (chosen(png(np.zeros((50, 50), np.uint8))[:60]), "truncated|damaged"),
        (chosen(bomb()), "too large: 30000 x 30000 pixels"),
        (chosen(b"%PDF-1.4"), "PDF file; only PNG"),
        (json.dumps([{"name": "a", "content": "!!!"}]), "damaged on the way"),
        (json.dumps([{"name": "a", "content": "A" * (MAX_FILE_BYTES * 4 // 3 + 8)}]), "larger than 8 MB"),
        (json.dumps([{"name": "a"}]), "no image"),
        (json.dumps([3]), "no image"),
        (json.dumps({"a": 1}), "choose from 1 to 5"),
        (chosen(*[b"x"] * 6), "choose from 1 to 5"),
        ("{", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
    ],
)  # fmt: skip
def test_what_is_no_image_is_one_line(value: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        read_images(value, role="reference")
    assert "\n" not in str(caught.value)


def sheet_value(n: int = 1, questioned: object = None) -> str:
    stroke = [[10 * i, 5 * (i % 7), 12 * i, 0.5] for i in range(30)]
    return json.dumps({"references": [[stroke]] * n, "questioned": [stroke] if questioned is None else questioned})


def test_a_drawing_is_turned_upright_timed_in_seconds_and_lifted_between_strokes() -> None:
    stroke = [[10 * i, i, 20 * i, 0.5] for i in range(10)]
    later = [[x + 200, y, t + 1000, 2.0] for x, y, t, _ in stroke]
    _, found = read_drawings(sheet_value(questioned=[stroke, later]))
    assert found.shape == (21, 4)
    assert found[9].tolist() == [90.0, -9.0, 0.18, 0.5]
    assert found[10].tolist() == [90.0, -9.0, 0.18, 0.0]
    assert found[11].tolist() == [200.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "sign at least one reference"),
        (json.dumps({"references": []}), "0 references were kept"),
        (sheet_value(6), "6 references were kept"),
        (sheet_value(questioned=[[[1, 1, 1, 0.5]] * 20]), "too short or too small"),
        (sheet_value(questioned=[]), "too short or too small"),
        (sheet_value(questioned=[[1, 2]]), "no drawing"),
        (sheet_value(questioned=7), "no drawing"),
        (sheet_value(questioned=[[[1, 2, "x", 1]]]), "no drawing"),
        (sheet_value(questioned=[[[i, i, -i, 1] for i in range(30)]]), "impossible numbers"),
        (sheet_value(questioned=[[[1e9 * i, i, i, 1] for i in range(30)]]), "impossible numbers"),
        (sheet_value(questioned=[[[float("nan"), i, i, 1] for i in range(30)]]), "impossible numbers"),
        (sheet_value(questioned=[[[i, i, i, 1] for i in range(MAX_POINTS + 1)]]), "more than 6,000 points"),
    ],
)
def test_what_is_no_drawing_is_one_line(value: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        read_drawings(value)
    assert "\n" not in str(caught.value)


def test_what_people_wrote_is_escaped() -> None:
    assert "<script>" not in message("<script>") + facts([("<script>", "<script>")])


# ---- what the tabs answer -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk(finished_run: Path):
    from pipelines.app_desk import Desk

    found = Desk(finished_run)
    assert found.open()
    return found


@pytest.fixture(scope="module")
def pictures() -> dict[str, str]:
    from synth import World, render

    acts = {"reference": World(3)[1].genuine(0), "questioned": World(3)[1].genuine(4)}
    return {name: chosen(png(render(act, dpi=120))) for name, act in acts.items()}


def test_verify_says_probability_verdict_cost_and_limits(desk, pictures: dict[str, str]) -> None:
    from pipelines.app_verify import attention, compare, frozen_similarity, slider_place
    from pipelines.verify_page import probability

    frozen = slider_place(frozen_similarity(desk))
    said, cost, memory, _ = compare(desk, pictures["reference"], pictures["questioned"], frozen, None)
    assert any(word in said for word in ("Match", "No match", "Inconclusive"))
    assert f"{probability(memory['similarity'])} probable at even odds" in said
    assert "no evidence by itself" in said
    assert "often copied: 55 %" in cost
    assert set(memory) == {"similarity", "n"}, "only numbers may be remembered"
    why = attention(desk, pictures["reference"], pictures["questioned"], memory)[0]
    assert why.count("data:image/png;base64,") >= 3
    accept = compare(desk, pictures["reference"], pictures["questioned"], 1.0, None)[0]
    reject = compare(desk, pictures["reference"], pictures["questioned"], 99.0, None)[0]
    assert "No match" not in accept or "No match" in reject
    nothing = compare(desk, "", pictures["questioned"], 50.0, None)
    assert "Choose a reference" in nothing[0]
    assert nothing[2] is None


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_threshold_on_the_page_is_the_one_that_decides(desk, n: int) -> None:
    from pipelines.app_verify import compare, frozen_similarity, slider_place
    from pipelines.verify_page import percent
    from synth import World, render

    drawn = [render(World(3)[1].genuine(4 * k), dpi=120) for k in range(n + 1)]
    known, asked = chosen(*map(png, drawn[:n])), chosen(png(drawn[n]))
    answer = desk.answer(drawn[:n], drawn[n])
    assert answer.threshold_similarity == pytest.approx(frozen_similarity(desk, n))
    said, cost, memory, place = compare(desk, known, asked, slider_place(frozen_similarity(desk)), None)
    assert memory["similarity"] == pytest.approx(answer.similarity)
    assert place == slider_place(frozen_similarity(desk, n)), "the slider follows the number of references"
    assert f"this threshold: {place:.0f} %" in cost
    assert f"frozen: {place:.0f} %" in cost
    assert ("which flatters" in cost) == ("which flatters" in said) == (n > 1)
    assert cost.count(f"FRR {percent(answer.rates.frr)}") >= 2
    assert f"FRR {percent(answer.rates.frr)}" in said
    assert "frozen on development signers" in said
    assert compare(desk, known, asked, place, memory)[3] == place
    assert compare(desk, known, "", place, memory)[3] == slider_place(frozen_similarity(desk))
    by_hand = compare(desk, known, asked, 87.0, memory)
    assert by_hand[3] == 87.0
    assert "this threshold: 87 %" in by_hand[1]
    assert "frozen on development signers" not in by_hand[0]


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_the_frozen_threshold_costs_what_was_counted_at_it(desk, n: int) -> None:
    from pipelines.app_verify import cost_at, frozen_point, frozen_similarity, slider_place

    threshold = frozen_point(desk, n).threshold
    counted = desk.bench.rates(threshold, n_references=n)
    for place in (frozen_similarity(desk, n), slider_place(frozen_similarity(desk, n))):
        assert cost_at(desk, place, n) == (threshold, counted)


def test_a_bad_upload_is_a_message(desk, pictures: dict[str, str]) -> None:
    from pipelines.app_verify import compare

    for content, words in ((b"", "empty file"), (b"text", "not an image"), (bomb(), "too large")):
        said, _, memory, _ = compare(desk, pictures["reference"], chosen(content), 50.0, None)
        assert words in said
        assert "Traceback" not in said
        assert memory is None
    blank = chosen(png(np.full((60, 90), 255, np.uint8)))
    assert "blank" in compare(desk, pictures["reference"], blank, 50.0, None)[0]
    assert "is blank" in compare(desk, blank, pictures["questioned"], 50.0, None)[0]


def test_a_higher_threshold_never_lets_more_in(desk) -> None:
    from pipelines.app_verify import cost_at

    rates = [cost_at(desk, place, 1)[1] for place in (1.0, 20.0, 55.0, 80.0, 99.0)]
    assert all(a.far_skilled >= b.far_skilled and a.frr <= b.frr for a, b in itertools.pairwise(rates))


def test_learn_shows_heaps_and_rates_and_without_a_run_says_so(desk) -> None:
    from pipelines.app_desk import Desk
    from pipelines.app_learn import explained
    from pipelines.app_verify import compare

    shown = explained(desk, 60.0)
    assert shown.count("<rect") > 45
    assert "score: higher = more likely genuine" in shown
    assert "genuine ones are sent away" in shown
    bare = Desk("no such run")
    assert not bare.open()
    assert "no trained run" in explained(bare, 60.0)
    assert "no trained run" in compare(bare, chosen(png(np.zeros((9, 9), np.uint8))), chosen(b"x"), 50.0, None)[1]


@pytest.mark.parametrize(("low", "high", "most"), [(-0.3, 1.0, 0.2), (0.70, 0.75, 0.9), (-18.0, 9.5, 0.07), (3, 4, 1)])
def test_the_axes_have_round_ticks_where_they_belong(low: float, high: float, most: float) -> None:
    from pipelines.app_learn import _BASE, _WIDTH, axes_of

    placed = re.findall(rf'<text x="(-?[\d.]+)" y="{_BASE + 22:.1f}"[^>]*>(-?[\d.]+)<', axes_of(low, high, most))
    assert 3 <= len(placed) <= 8
    assert len({value for _, value in placed}) == len(placed), "two ticks say the same"
    for x, value in placed:
        assert low + (high - low) * float(x) / _WIDTH == pytest.approx(float(value), abs=(high - low) / 1000)
    assert 2 <= axes_of(low, high, most).count(" %<") <= 6


def test_draw_shows_six_pictures_and_two_movements_and_refuses_nonsense() -> None:
    from pipelines.app_draw import drawn, show

    images, plays = drawn(7, 5, "latin_cursive", "gel", "freehand", 0.5, "clean")
    assert len(images) == 6
    assert [len(play["rows"][0]) for play in json.loads(plays)] == [4, 4]
    again, _ = drawn(7, 5, "latin_cursive", "gel", "freehand", 0.5, "clean")
    assert all((a[1] == b[1]).all() for a, b in zip(images, again, strict=True))
    for change in ({"script": "klingon"}, {"seed": -1}, {"index": -1}, {"skill": 2.0}, {"seed": None}):
        values = {"seed": 7, "index": 5, "script": "latin_cursive", "pen": "gel", "kind": "freehand", "skill": 0.5}
        assert show(*(values | change).values(), "clean")[0].startswith('<p class="message')


@pytest.mark.parametrize("verdict", ["accept", "reject", "inconclusive"])
@pytest.mark.parametrize("log10_lr", [-1.2, -0.31, -0.2, 0.0, 0.2, 0.31, 1.2])
def test_a_verdict_is_never_shown_over_words_that_do_not_support_it(verdict: str, log10_lr: float) -> None:
    from pipelines.app_sign import _box
    from pipelines.calibration import words_for
    from pipelines.pen_bench import PenAnswer

    words = words_for(log10_lr, "skilled")
    box = _box("movement", PenAnswer(verdict, 58.2, 0.0, log10_lr, words, 0.0))
    assert "58 % probable at even odds" in box
    assert words in box
    if ": Match" in box or "message fine" in box:
        assert verdict == "accept"
        assert "support for genuine over" in words
    if "No match" in box:
        assert verdict == "reject"
        assert "support for skilled forgery over" in words
    if verdict != "inconclusive" and "Inconclusive" in box:
        assert "message unsure" in box
        assert f"the threshold alone would {verdict}" in box


# ---- movements ------------------------------------------------------------------------------------------------------


def test_resampling_keeps_form_time_and_lifts() -> None:
    from pipelines.pen_bench import resampled

    t = np.array([0.0, 0.013, 0.05, 0.05, 0.09, 0.2])
    drawing = np.column_stack([100 * t, -50 * t, t, [0.5, 0.5, 0.5, 0.0, 0.5, 0.5]])
    made = resampled(drawing)
    np.testing.assert_allclose(np.diff(made[:, 2]), 0.01)
    np.testing.assert_allclose(made[:, 0], 100 * made[:, 2])
    assert (made[5:9, 3] == 0).all()
    assert made[9, 3] == made[0, 3] == 0.5


@pytest.mark.parametrize("n", [1, 3])
def test_movements_of_one_signer_score_higher_than_forgeries(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines import pen_bench
    from synth import World, forge

    monkeypatch.setattr(pen_bench, "SIGNERS", 12)
    bench, world = pen_bench.PenBench(), World(99)
    better, forged = [], []
    for i in range(12):
        known = [world[i].genuine(4 * k).trajectory for k in range(n)]
        copy = forge(world[i], by=world[500 + i], kind="freehand", skill=0.4, act=0)
        forged.append(bench.answer(known, copy.trajectory))
        better.append(bench.answer(known, world[i].genuine(40).trajectory).score > forged[-1].score)
    assert np.mean(better) > 0.7
    assert bench.fitted.keys() == {n}
    answer = dataclasses.asdict(forged[0])
    assert 0 <= answer["similarity"] <= 100
    assert answer["verdict"] in ("accept", "reject", "inconclusive")


def test_size_and_place_of_a_movement_do_not_count() -> None:
    from pipelines.pen_bench import pen_score
    from synth import World

    known, asked = World(1)[0].genuine(0).trajectory, World(1)[0].genuine(4).trajectory
    larger = asked * [7.0, 7.0, 1.0, 1.0] + [300.0, -20.0, 0.0, 0.0]
    assert pen_score([known], larger) == pytest.approx(pen_score([known], asked), abs=1e-6)


def test_a_drawing_becomes_dark_ink_on_light_paper_of_fixed_size() -> None:
    from pipelines.app_sign import ink_image

    t = np.linspace(0, 1, 40)
    drawing = np.column_stack([300 * t, 40 * np.sin(9 * t), t, np.where(np.arange(40) == 20, 0.0, 0.5)])
    image = ink_image(drawing)
    assert image.dtype == np.uint8
    assert 440 < image.shape[1] < 460
    assert (image[:10] == 255).all()
    assert 0.005 < (image < 128).mean() < 0.2
    larger = ink_image(drawing * [3.0, 3.0, 1.0, 1.0])
    assert np.abs(larger.astype(int) - image).mean() < 1


def test_signing_compares_movement_and_image_and_forgets(desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines import pen_bench
    from pipelines.app_sign import compared

    monkeypatch.setattr(pen_bench, "SIGNERS", 8)
    said, pictures, left = compared(desk, sheet_value(2))
    assert "By movement: " in said
    assert "By image: " in said
    assert "no evidence by itself" in said
    assert pictures.count("<img") == 3
    assert left == ""
    assert "too short" in compared(desk, sheet_value(questioned=[]))[0]


def test_training_from_the_page_says_how_it_goes_and_why_it_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.app_desk import Desk
    from pipelines.runs import RunError

    python = tmp_path / "python"
    python.write_text(
        '#!/bin/sh\necho "$@"\necho "epoch 1 of $@" >&2\necho >&2\necho "error: no room" >&2\nexit $ENDS\n'
    )
    python.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(python))
    monkeypatch.setenv("ENDS", "2")
    desk = Desk(tmp_path / "run")
    lines = desk.train()
    assert next(lines) == f"epoch 1 of -m pipelines demo --preset smoke --run {tmp_path / 'run'}"
    assert next(lines) == "error: no room"
    with pytest.raises(RunError, match="training failed: error: no room"):
        next(lines)
    monkeypatch.setenv("ENDS", "0")
    assert len(list(desk.train())) == 2


@pytest.mark.parametrize("port", [0, 65536, -1])
def test_a_port_that_is_none_is_one_line(port: int, tmp_path: Path) -> None:
    from pipelines import app
    from pipelines.runs import RunError

    with pytest.raises(RunError, match=f"--port is {port}; use a number from 1 to 65535, or leave it out"):
        app.start(tmp_path / "none", port=port)


def test_the_page_says_how_to_install_gradio(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from pipelines import app
    from pipelines.runs import RunError

    monkeypatch.setitem(sys.modules, "gradio", None)
    for name in (*app_guard.ENVIRONMENT, "GRADIO_TEMP_DIR", "NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    with pytest.raises(RunError, match=r"needs Gradio; install it with .*\[cpu,app\]"):
        app.start(tmp_path / "none", block=False)


def test_pictures_in_colour_keep_their_colours() -> None:
    from PIL import Image

    from pipelines.app_widgets import gallery

    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 200
    content = gallery([("x", red)]).split("base64,")[1].split('"')[0]
    pixel = Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB").getpixel((0, 0))
    assert pixel == (200, 0, 0)
