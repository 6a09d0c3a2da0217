"""`verify`: scores, similarity, chosen thresholds, refusals in one line, and the picture of why."""

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg

from pipelines.alignment import Matches, laid_on, matches, two_inks
from pipelines.calibration import LogisticCalibrator
from pipelines.explain import strokes_words
from pipelines.operating import FILE, Rates, rates_at, read_development, threshold_for
from pipelines.runs import Run, RunError
from pipelines.verify import BadInput, Bench, score_at, similarity_of, verify
from pipelines.verify_page import explanation_figure, lines
from synth import World, forge, render

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, signer = tmp_path_factory.mktemp("images"), World(11)[5]
    drawn = {f"reference_{k}": signer.genuine(4 * k) for k in range(3)}
    drawn["genuine"] = signer.genuine(12)
    drawn["forged"] = forge(signer, by=World(11)[6], kind="freehand", skill=0.4, act=0)
    for name, act in drawn.items():
        cv2.imwrite(str(folder / f"{name}.png"), render(act, dpi=150, capture="scan"))
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.png").write_text("not an image")
    cv2.imwrite(str(folder / "blank.png"), np.full((90, 200), 255, np.uint8))
    return {path.stem: path for path in folder.iterdir()}


def test_an_answer_holds_what_the_verifier_says_and_where_it_comes_from(finished_run: Path, files: dict) -> None:
    bench = Bench(finished_run)
    references, asked = [files[f"reference_{k}"] for k in range(2)], files["genuine"]
    answer = verify(finished_run, references, asked)
    images = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in [*references, asked]]
    decision = bench.verifier.decide(images[:2], images[2:])[0]
    assert answer.score == pytest.approx(decision.score, abs=1e-5)
    assert answer.log10_lr == pytest.approx(decision.log10_lr, abs=1e-3)
    assert answer.verdict == decision.verdict
    odds = 10.0**answer.log10_lr
    assert answer.similarity == pytest.approx(100 * odds / (1 + odds), abs=1e-6)
    assert answer.n_references == 2
    assert answer.rated_on == "development signers"
    errors = dict(lines(answer))["errors at this threshold"]
    assert "(synthetic development signers, the very ones thresholds were chosen on, which flatters)" in errors
    assert (
        "(synthetic test signers)"
        in dict(lines(verify(finished_run, references[:1], asked)))["errors at this threshold"]
    )
    assert "synthetic signatures only" in answer.trained_on
    assert "no evidence by itself" in answer.notice


def test_a_run_on_real_signatures_says_so_in_every_line(finished_run: Path, files: dict, tmp_path: Path) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    record = json.loads((run / "verifier.json").read_text())
    record["provenance"] = {"contains_real_signatures": True, "source": "a clinic"}
    (run / "verifier.json").write_text(json.dumps(record))
    answer = verify(run, [files["reference_0"]], files["genuine"])
    assert "contain real signatures (a clinic)" in answer.notice
    assert lines(answer)[-1] == ("notice", answer.notice)


@given(st.floats(-30, 30))
def test_similarity_is_the_logistic_and_can_be_turned_back(log_lr: float) -> None:
    assert similarity_of(log_lr) == pytest.approx(100 / (1 + np.exp(-log_lr)))
    calibrator = LogisticCalibrator(12.0, -3.0, "skilled", 10**7, 10**7, 5)
    if abs(log_lr) < 15:
        assert calibrator.log_lr(score_at(similarity_of(log_lr), calibrator)) == pytest.approx(log_lr, abs=1e-4)


def test_similarity_by_hand() -> None:
    assert similarity_of(0.0) == 50.0
    assert similarity_of(np.log(3.0)) == pytest.approx(75.0)
    assert similarity_of(-1e9) == pytest.approx(0.0)
    assert similarity_of(1e9) == 100.0
    assert score_at(55.0, LogisticCalibrator(0.0, 0.0, "skilled", 5, 5, 5)) == np.inf


def test_rates_are_shares_at_or_above_the_threshold() -> None:
    scores = {"genuine": np.array([0.2, 0.5, 0.9, 0.9]), "skilled": np.array([0.1, 0.5]), "random": np.array([])}
    assert rates_at(scores, 0.5) == Rates(0.25, 0.5, None)
    assert rates_at({}, 0.5) == Rates(None, None, None)


def test_development_scores_are_those_that_were_frozen_on(finished_run: Path) -> None:
    found, record = read_development(Run(finished_run)), json.loads((finished_run / "verifier.json").read_text())
    assert {"1", "max/2", "mean/2"} <= set(found)
    assert len(found["1"]["genuine"]) == record["calibrator"]["n_genuine"]
    point = record["points"]["eer_skilled"]
    rates = rates_at(found["1"], point["threshold"])
    assert (rates.frr, rates.far_skilled, rates.far_random) == pytest.approx(
        (point["frr"], point["far_skilled"], point["far_random"])
    )


@pytest.fixture
def many_signers(finished_run: Path, tmp_path: Path) -> Run:
    """A copy of the micro run that says it was frozen on 30 development signers."""
    run = Run(shutil.copytree(finished_run, tmp_path / "many"))
    record = run.read("verifier.json")
    record["calibrator"]["n_signers"] = 30
    (run / "verifier.json").write_text(json.dumps(record))
    return run


@pytest.mark.parametrize("n", [1, 2, 9])
def test_a_chosen_far_holds_on_development_signers(many_signers: Run, n: int) -> None:
    found = read_development(many_signers)
    threshold, basis = threshold_for(many_signers, 0.3, fusion="max", n_references=n)
    assert basis == ("1" if n == 1 else "max/2")
    skilled = found[basis]["skilled"]
    assert (skilled >= threshold).mean() <= 0.3
    assert (skilled >= np.nextafter(np.float32(threshold), np.float32(-2))).mean() > 0.3


@pytest.mark.parametrize(("far", "words"), [(0.0, "above 0"), (1.0, "below 1"), (0.001, "cannot be supported")])
def test_a_far_that_cannot_be_promised_is_refused(finished_run: Path, far: float, words: str) -> None:
    with pytest.raises(RunError, match=words):
        threshold_for(Run(finished_run), far, fusion="max", n_references=1)


def test_a_far_needs_three_signers_for_each_one_in_so_many(many_signers: Run) -> None:
    """Thousands of forgeries of thirty people say no more of the next person than thirty people do."""
    threshold_for(many_signers, 0.1, fusion="max", n_references=1)
    with pytest.raises(RunError, match=r"0\.09 cannot be supported by 30 development signers .*; use 0\.1 or more"):
        threshold_for(many_signers, 0.09, fusion="max", n_references=1)


def test_a_run_without_development_scores_says_how_to_get_them(finished_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    (run / FILE).unlink()
    assert read_development(Run(run)) == {}
    with pytest.raises(RunError, match=r"keeps no development scores .*pipelines evaluate --run"):
        threshold_for(Run(run), 0.3, fusion="max", n_references=1)
    (run / FILE).write_bytes(b"PAR1 or not")
    with pytest.raises(RunError, match="cannot be read"):
        read_development(Run(run))


@pytest.mark.parametrize(
    ("references", "questioned", "words"),
    [
        (["reference_0", "text"], "genuine", r"reference .*text\.png cannot be used: not an image"),
        (["reference_0"], "empty", r"questioned image .*empty\.png cannot be used: empty file"),
        (["blank"], "genuine", r"reference .*blank\.png is blank"),
        (["reference_0"], "blank", r"the questioned image is no signature: blank"),
        ([], "genuine", "0 references were given; give from 1 to 50"),
    ],
)
def test_bad_images_are_named(finished_run: Path, files: dict, references: list, questioned: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        verify(finished_run, [files[name] for name in references], files[questioned])
    assert "\n" not in str(caught.value)


def test_the_picture_of_why_is_a_png_that_says_its_limits(finished_run: Path, files: dict, tmp_path: Path) -> None:
    out = tmp_path / "why.png"
    verify(finished_run, [files["reference_0"]], files["genuine"], explain_to=out)
    picture = cv2.imread(str(out))
    assert picture.shape[0] > 500
    assert (np.ptp(picture.astype(int), axis=2) > 60).any()  # in colour
    assert b"no evidence by itself" in out.read_bytes()
    with pytest.raises(BadInput, match="writes a PNG"):
        verify(finished_run, [files["reference_0"]], files["genuine"], explain_to=tmp_path / "why.jpg")
    with pytest.raises(BadInput, match=r"there is no folder .*nowhere"):
        verify(finished_run, [files["reference_0"]], files["genuine"], explain_to=tmp_path / "nowhere" / "why.png")


@pytest.mark.parametrize("share", [0.4, 0.9])
def test_no_words_of_the_picture_of_why_are_cut_off(finished_run: Path, files: dict, share: float) -> None:
    answer = verify(finished_run, [files["reference_0"]], files["genuine"])
    answer = dataclasses.replace(answer, flags=("this looks like a copy of a reference, nobody can say whose",))
    attention = f"Attention: red raised the score, blue did not\n({strokes_words(share)})"
    titles = [
        "Nearest reference (number 1)",
        attention,
        "Both as they are: reference blue, questioned orange",
        attention,
    ]
    page = explanation_figure([(title, np.full((128, 256), 255, np.uint8)) for title in titles], answer)
    renderer = FigureCanvasAgg(page).get_renderer()
    page.draw(renderer)
    words = [ax.title for ax in page.axes] + [page._suptitle, page._supxlabel]
    boxes = [text.get_window_extent(renderer) for text in words]
    for box in boxes:
        assert box.x0 >= 0
        assert box.x1 <= page.bbox.width
    assert not any(one.overlaps(two) for i, one in enumerate(boxes) for two in boxes[:i])


def test_a_shifted_signature_is_laid_back_on_its_original() -> None:
    from models.elastic import ElasticEmbedding

    rng, rows, columns = np.random.default_rng(0), 6, 12
    local = np.zeros((rows, columns, 8), np.float32)
    local[2:4, 4:8] = rng.normal(size=(2, 4, 8))
    layer = ElasticEmbedding()
    layer.build(((None, 4), (None, rows, columns, 8)))

    def vector(cells: np.ndarray) -> np.ndarray:
        return np.asarray(layer((np.ones((1, 4), np.float32), cells[None])))[0]

    class Network:
        layers = (layer,)

    moved = np.roll(local, (1, 2), axis=(0, 1))
    found = matches(Network(), vector(local), vector(moved))
    assert found is not None
    inked = found.weight > 1e-6
    assert (found.shift[inked] == (-1, -2)).all()
    assert found.moved == pytest.approx(np.hypot(1, 2))
    reference, questioned = np.full((96, 192), 255, np.uint8), np.full((96, 192), 255, np.uint8)
    reference[36:60, 80:84], questioned[52:76, 112:116] = 0, 0
    laid = laid_on(reference, questioned, found)
    assert ((laid < 128) & (questioned < 128)).sum() > 0.7 * (questioned < 128).sum()
    assert (laid_on(reference, questioned, None) == reference).all()


def test_a_network_that_compares_rigidly_has_no_matches() -> None:
    class Network:
        layers = (object(),)

    assert matches(Network(), np.zeros(3, np.float32), np.zeros(3, np.float32)) is None
    assert Matches(np.ones((1, 1, 2)), np.ones((1, 1)), np.ones((1, 1))).moved == pytest.approx(2**0.5)


def test_two_inks_are_dark_where_they_agree() -> None:
    one, other = np.full((4, 4), 255, np.uint8), np.full((4, 4), 255, np.uint8)
    one[:, :2], other[:2] = 0, 0
    sheet = two_inks(one, other)
    assert sheet[0, 0].max() < 60
    assert sheet[3, 0, 2] > sheet[3, 0, 0]  # the reference alone is blue
    assert sheet[0, 3, 0] > sheet[0, 3, 2]  # the questioned alone is orange
    assert (sheet[3, 3] == 255).all()


def _command(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "pipelines", "verify", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_prints_json_and_ends_with_0_whatever_the_verdict(
    finished_run: Path, files: dict, tmp_path: Path
) -> None:
    ran = _command(
        "--run",
        finished_run,
        "--reference",
        files["reference_0"],
        "--questioned",
        files["forged"],
        "--json",
        "--far",
        0.5,  # what six development signers support
        "--explain",
        tmp_path / "why.png",
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["verdict"] in ("accept", "reject", "inconclusive")
    assert "50.00%" in found["threshold_basis"]
    assert cv2.imread(str(tmp_path / "why.png")) is not None
    assert "no evidence by itself" in found["notice"]


def test_bad_input_ends_with_2_and_one_line(finished_run: Path, files: dict) -> None:
    ran = _command("--run", finished_run, "--reference", files["text"], "--questioned", files["genuine"])
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr.count("\n") == 1
    assert "not an image" in ran.stderr
