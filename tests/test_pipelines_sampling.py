"""Laws of splits, batches and evaluation sets, and of the tf.data stream around them."""

import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.batches import draw_batch
from pipelines.config import PRESETS, RunConfig, changed
from pipelines.drawing import draw_in_chunks
from pipelines.grouping import plan_signers
from pipelines.inputs import Drawing
from pipelines.preprocess import to_ink
from pipelines.sampling import describe, evaluation_acts, genuine_acts, pick_signers
from pipelines.settings import BatchSettings, EvaluationSettings, WorldSettings
from pipelines.sources import WorldSource
from pipelines.splits import Split, check_disjoint_parts, split_world
from synth import World
from synth.acts import ACTS_PER_SESSION
from synth.forgery import forgery_act

ROOT = Path(__file__).parents[1]
WORLD, SIGNERS = World(3), range(100, 140)
SOURCE = WorldSource(WORLD, SIGNERS)
SETTINGS = BatchSettings(signers=4, genuine=3, forgeries=2)
COUNTS = st.integers(8, 2**40)


@given(COUNTS, COUNTS, COUNTS)
def test_no_signer_is_in_two_parts(train: int, dev: int, test: int) -> None:
    split = split_world(WorldSettings(train_signers=train, dev_signers=dev, test_signers=test))
    assert [len(part) for part in split] == [train, dev, test]
    for a, b in ((split.train, split.dev), (split.train, split.test), (split.dev, split.test)):
        assert a[-1] < b[0] or b[-1] < a[0]


@given(st.integers(1, 50), st.integers(0, 200), st.integers(1, 50))
def test_overlap_is_refused_exactly_when_there_is_one(length: int, start: int, other: int) -> None:
    split = Split(range(0, length), range(start, start + other), range(1000, 1010))
    if set(split.train) & set(split.dev):
        with pytest.raises(ValueError, match="would be in two parts"):
            check_disjoint_parts(split)
    else:
        check_disjoint_parts(split)


def test_a_part_larger_than_its_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        split_world(WorldSettings(train_signers=2**40 + 1))


@given(st.integers(2, 8), st.integers(2, 5), st.integers(0, 4), st.integers(0, 2**31))
@settings(max_examples=40)
def test_a_batch_is_p_signers_times_k_genuine_and_f_forgeries(p: int, k: int, f: int, number: int) -> None:
    geometry = BatchSettings(signers=p, genuine=k, forgeries=f)
    acts, labels, _ = plan_signers(SOURCE, geometry, number)
    assert len(acts) == geometry.images == p * (k + f)
    assert labels.shape == (geometry.images, 2)
    targets = set()
    for slot in range(p):
        own = [act for act, (s, _) in zip(acts, labels, strict=True) if s == slot]
        flags = labels[labels[:, 0] == slot, 1]
        assert [act.kind == "genuine" for act in own] == (flags == 1).tolist()
        assert flags.sum() == k
        assert len({act.claimed.index for act in own}) == 1
        assert len({act.number for act in own if act.kind == "genuine"}) == k
        targets.add(own[0].claimed.index)
    assert len(targets) == p


@given(st.integers(0, 2**31))
@settings(max_examples=40)
def test_forgers_are_others_of_the_same_part(number: int) -> None:
    acts, labels, _ = plan_signers(SOURCE, SETTINGS, number)
    for act, (_, genuine) in zip(acts, labels, strict=True):
        assert act.claimed.index in SIGNERS
        assert act.by.index in SIGNERS
        assert (act.by.index == act.claimed.index) == bool(genuine)
        assert 0.0 <= act.skill <= 1.0 if act.kind == "freehand" else np.isnan(act.skill)


def test_forgeries_are_of_the_kinds_configured_in_their_shares() -> None:
    mixed = BatchSettings(
        signers=8,
        genuine=2,
        forgeries=8,
        simple_share=0.2,
        forger_kinds={"tracer": 3.0, "freehand": 1.0, "careless": 0},
    )
    acts = [act for number in range(12) for act in plan_signers(SOURCE, mixed, number).items]
    found = Counter(act.kind for act in acts if act.kind != "genuine")
    assert set(found) == {"simple", "tracer", "freehand"}
    n = sum(found.values())
    for kind, share in (("simple", 0.2), ("tracer", 0.6), ("freehand", 0.2)):
        assert abs(found[kind] / n - share) < 4 * (share * (1 - share) / n) ** 0.5


def test_one_kind_of_forger_alone_draws_what_it_always_drew() -> None:
    """Runs made before there were kinds to choose draw the same batches."""
    acts = plan_signers(SOURCE, SETTINGS, 5).items
    again = plan_signers(SOURCE, BatchSettings(**{**vars(SETTINGS), "forger_kinds": {"freehand": 7.0}}), 5).items
    assert [act.key for act in acts] == [act.key for act in again]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ('batch.forger_kinds={"tracers":1}', "unknown kind of forger 'tracers'; use some of: freehand, slow_copier"),
        ('batch.forger_kinds={"tracer":0}', "needs weights of 0 or above, one of them above 0"),
        ('batch.forger_kinds={"tracer":-1,"freehand":2}', "needs weights of 0 or above"),
        ("batch.forger_kinds={}", "needs weights of 0 or above"),
        ("world.training=brood", "unknown world 'brood'; did you mean 'broad'"),
    ],
)
def test_unknown_populations_and_kinds_are_refused(change: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        changed(PRESETS["smoke"], [change])


def test_training_signers_are_of_the_population_configured_and_the_judges_are_not(micro_config: RunConfig) -> None:
    config = changed(micro_config, ["world.training=arabic_persian"])
    drawing = Drawing(config)
    try:
        assert {drawing.source.world[i].profile for i in range(20)} == {"arabic_persian"}
    finally:
        drawing.close()
    judged = evaluation_acts(World(config.world.seed), split_world(config.world).dev[:4], config.evaluation)
    assert "arabic_persian" not in {act.claimed.profile for act in judged.acts}


def test_a_batch_depends_on_its_number_alone_in_any_order_and_thread() -> None:
    def draw(number: int) -> bytes:
        batch = draw_batch(WORLD, SIGNERS, SETTINGS, number, height=32, width=64)
        assert batch.images.shape == (SETTINGS.images, 32, 64)
        return batch.images.tobytes() + batch.labels.tobytes()

    forwards = [draw(n) for n in range(6)]
    assert [draw(n) for n in reversed(range(6))][::-1] == forwards
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(draw, range(6))) == forwards
    assert len(set(forwards)) == 6


def test_too_few_signers_are_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match=r"^3 signers are too few to choose 4 different ones; use more of them"):
        plan_signers(WorldSource(WORLD, range(3)), SETTINGS, 0)
    plan_signers(WorldSource(WORLD, range(4)), SETTINGS, 0)


def test_a_stream_of_too_few_signers_is_refused_and_does_not_search_for_ever() -> None:
    source = WorldSource(WORLD, range(4))
    assert sorted(source.choose(np.random.default_rng(0), 4, 0, distinct=True)) == [0, 1, 2, 3]
    for n, but, told in ((5, None, "4 signers are too few to choose 5"), (4, 2, "3 signers are too few to choose 4")):
        with pytest.raises(ValueError, match=told):
            pick_signers(np.random.default_rng(0), range(4), n, but=but)
    assert sorted(pick_signers(np.random.default_rng(0), range(4), 4, but=9)) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        (["batch.signers=13"], 12),
        (["batch.signers=40", "inputs.data=somewhere", "inputs.real_share=0.5"], 24),
        (["batch.signers=40", "inputs.data=somewhere", "inputs.real_share=1"], None),
        (["batch.signers=40", "inputs.stream=triplets"], None),
    ],
)
def test_a_batch_of_more_signers_than_the_world_trains_on_is_refused_with_what_fits(
    changes: list[str], fits: int | None
) -> None:
    wanted = ["world.train_signers=12", *changes]
    if fits is None:
        changed(PRESETS["smoke"], wanted)
        return
    with pytest.raises(ValueError, match=f"world.train_signers is 12; use --set batch.signers={fits} or more signers"):
        changed(PRESETS["smoke"], wanted)
    changed(PRESETS["smoke"], [*wanted, f"batch.signers={fits}"])


def test_who_judges_does_not_depend_on_whom_training_met(micro_config: RunConfig) -> None:
    hard = changed(micro_config, ["batch.skill_shapes=[9,1]", "batch.simple_share=0"])
    judging = changed(micro_config, ["evaluation.skill_shapes=[9,1]"])
    world, signers = World(5), range(8)
    usual, trained, judged = (evaluation_acts(world, signers, c.evaluation) for c in (micro_config, hard, judging))
    assert [act.key for act in usual.acts] == [act.key for act in trained.acts]
    forged = (usual.signatures.kind == "skilled") & ~usual.on_grid
    np.testing.assert_array_equal(usual.signatures.skill[forged], trained.signatures.skill[forged])
    assert (judged.signatures.skill[forged] > usual.signatures.skill[forged]).all()
    drawn = plan_signers(WorldSource(world, signers), hard.batch, 0).items
    assert np.mean([act.skill for act in drawn if act.kind != "genuine"]) > 0.8


def test_an_evaluation_set_marks_the_grid_and_names_everything_once() -> None:
    wanted = EvaluationSettings(genuine=3, forgeries=4, skills=(0.3, 0.8), per_skill=2)
    found = evaluation_acts(WORLD, range(6), wanted)
    own = found.signatures
    assert len(found.acts) == 6 * (3 + 4 + 4) == len(found.on_grid)
    assert len(set(own.name.tolist())) == len(found.acts)
    assert found.on_grid.sum() == 6 * 4
    assert set(own.skill[found.on_grid]) == {0.3, 0.8}
    assert set(own.kind[found.on_grid]) == {"skilled"}
    for signer in range(6):
        mine = own.signer == str(signer)
        assert (own.kind[mine] == "genuine").sum() == 3
        assert (own.forger[mine & (own.kind == "skilled")] != str(signer)).all()
    assert (own.forger[own.kind == "genuine"] == "").all()
    assert {int(f) for f in own.forger[own.forger != ""]} <= set(range(6))
    alone = evaluation_acts(WORLD, range(6), wanted)
    assert [a.key for a in alone.acts] == [a.key for a in found.acts]


@pytest.mark.parametrize("kind", ["random", "disguise"])
def test_what_is_no_signature_of_a_protocol_is_not_taken_for_a_skilled_forgery(kind: str) -> None:
    by = WORLD[0] if kind == "disguise" else WORLD[1]
    act = forgery_act(WORLD[0], by=by, kind=kind, skill=0.5, act=0)
    with pytest.raises(ValueError, match=kind):
        describe([act])


@pytest.mark.parametrize(("n", "most"), [(2, 0.12), (4, 0.06), (8, 0.035)])
def test_two_genuine_acts_of_a_batch_are_seldom_of_one_session(n: int, most: float) -> None:
    rng, shared = np.random.default_rng(0), 0
    for _ in range(1000):
        numbers = [act.number for act in genuine_acts(rng, WORLD[100], n)]
        assert len(set(numbers)) == n
        assert max(numbers) - min(numbers) < 4 * ACTS_PER_SESSION * n
        of_session = Counter(number // ACTS_PER_SESSION for number in numbers)
        shared += sum(k * (k - 1) // 2 for k in of_session.values())
    assert shared / (1000 * n * (n - 1) / 2) < most


def test_genuine_signatures_that_judge_are_each_of_a_session_of_its_own() -> None:
    """Of one session they share half of what varies, and would be found more alike than they are on other days."""
    found = evaluation_acts(WORLD, range(4), EvaluationSettings(genuine=9))
    for signer in range(4):
        own = [act for act in found.acts if act.kind == "genuine" and act.claimed.index == signer]
        assert len({act.number // ACTS_PER_SESSION for act in own}) == len(own) == 9


def test_chunks_do_not_change_what_is_drawn() -> None:
    acts = plan_signers(SOURCE, SETTINGS, 0).items
    told: list[int] = []
    whole = draw_in_chunks(acts, height=32, width=64)
    parts = draw_in_chunks(acts, height=32, width=64, chunk=7, on_chunk=told.append)
    np.testing.assert_array_equal(whole, parts)
    assert sum(told) == len(acts)
    assert len(told) == 3


def test_the_stream_is_draw_batch_in_order_whatever_the_threads_and_the_start(micro_config: RunConfig) -> None:
    from pipelines.inputs import training_stream

    world, signers = World(micro_config.world.seed), split_world(micro_config.world).train
    expected = [draw_batch(world, signers, micro_config.batch, n, height=64, width=128) for n in range(5)]
    for first, threads in ((0, 1), (0, 2), (3, 2)):
        seen = list(training_stream(micro_config, first, 5, threads=threads).as_numpy_iterator())
        assert len(seen) == 5 - first
        for (ink, labels), batch in zip(seen, expected[first:], strict=True):
            np.testing.assert_array_equal(labels, batch.labels)
            np.testing.assert_allclose(ink, to_ink(batch.images), rtol=0, atol=1e-6)


_BROKEN = """
import sys, tempfile, keras, models
from models.layers import L2Normalize
from pipelines import inputs, train
from pipelines.config import RunConfig
from pipelines.settings import BatchSettings, TrainSettings
from pipelines.runs import Run

@models.register("tiny_for_a_test")
def tiny(*, image_shape, embedding_dim, seed):
    x = inner = keras.Input(image_shape)
    x = keras.layers.Conv2D(4, 5, strides=4)(x)
    x = keras.layers.Dense(embedding_dim)(keras.layers.GlobalAveragePooling2D()(x))
    return keras.Model(inner, L2Normalize(dtype="float32")(x))

draw = inputs.Drawing.draw
def broken(drawing, number):
    if number >= int(sys.argv[1]):
        raise ValueError(f"the pen broke at batch {number}")
    return draw(drawing, number)

inputs.Drawing.draw = broken
config = RunConfig(preset="broken", batch=BatchSettings(signers=2, genuine=2, forgeries=1),
    train=TrainSettings(model="tiny_for_a_test", height=32, width=64, embedding_dim=4, steps_per_epoch=4))
run = Run(tempfile.mkdtemp()); run.start(config)
train.train(run, config, say=print)
"""


@pytest.mark.parametrize("broken_batch", [0, 6])
def test_an_error_while_drawing_ends_training_instead_of_hanging(broken_batch: int) -> None:
    command = [sys.executable, "-c", _BROKEN, str(broken_batch)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr[-2000:]
    assert f"the pen broke at batch {broken_batch}" in done.stderr
