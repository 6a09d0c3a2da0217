"""Laws of the plans of pairs, triplets, trials and classification batches, of their sources, and of their streams."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.config import RunConfig
from pipelines.grouping import (
    number_signers,
    plan_classification,
    plan_signers,
    plan_trials,
    plan_triplets,
    trial_counts,
)
from pipelines.inputs import Drawing, images_per_step, training_stream, trial_stream
from pipelines.preprocess import to_ink
from pipelines.settings import BatchSettings
from pipelines.sources import MixedSource, StoredSource, WorldSource
from synth import World

WORLD = WorldSource(World(3), range(100, 140))
BATCH = BatchSettings(signers=4, genuine=3, forgeries=2)
NUMBERS = st.integers(0, 2**31)
SHARES = st.tuples(st.floats(0.05, 1), st.floats(0.05, 1), st.floats(0, 1))


def stored(signers: int = 9, genuine: int = 4, forged: int = 2) -> StoredSource:
    """Canvases whose every pixel tells their row; signer s has s forgeries at most."""
    names, kinds = [], []
    for s in range(signers):
        mine = ["genuine"] * genuine + ["skilled"] * min(forged, s)
        names += [f"s{s}"] * len(mine)
        kinds += mine
    canvases = np.arange(len(names), dtype=np.uint8)[:, None, None] * np.ones((1, 4, 6), np.uint8)
    return StoredSource(canvases, np.array(names), np.array(kinds), seed=5, name="a test")


STORED = stored()


def test_a_world_gives_the_batches_it_always_gave() -> None:
    """Pinned for each `ENGINE`: runs go on, and are asked about, with the very batches they met."""
    plan = plan_signers(WORLD, BATCH, 1)
    told = [(a.claimed.index, a.kind, a.by.index, a.number) for a in plan.items]
    assert told[:5] == [
        (127, "genuine", 127, 517276795),
        (127, "genuine", 127, 517276799),
        (127, "genuine", 127, 517276798),
        (127, "freehand", 105, 1276269985),
        (127, "freehand", 117, 230533938),
    ]
    assert told[18] == (108, "freehand", 128, 129482407)
    assert round(plan.items[19].skill, 4) == 0.8628
    assert tuple(map(int, plan.items[0].key)) == (1790742104342574739, 5476077702668630118)


@given(NUMBERS)
@settings(max_examples=20)
def test_numbering_signers_changes_labels_alone(number: int) -> None:
    plan, numbered = plan_signers(WORLD, BATCH, number), number_signers(WORLD, BATCH, number)
    assert [a.key for a in numbered.items] == [a.key for a in plan.items]
    assert numbered.labels[:, 0].tolist() == [a.claimed.index - 100 for a in plan.items]
    np.testing.assert_array_equal(numbered.labels[:, 1], plan.labels[:, 1])


@given(st.integers(2, 200), SHARES)
def test_counts_of_trials_add_up_and_hold_both_answers(n: int, shares: tuple[float, float, float]) -> None:
    counts = trial_counts(n, shares)
    assert sum(counts) == n
    assert min(counts) >= 0
    assert 0 < counts[0] < n
    exact = n * np.array(shares) / sum(shares)
    if 1 <= exact[0] <= n - 1:
        assert np.abs(np.array(counts) - exact).max() < 1


@given(NUMBERS, st.integers(2, 12), st.integers(1, 3))
@settings(max_examples=30)
def test_a_trial_is_genuine_exactly_if_its_claimed_signer_signed_it(number: int, n: int, references: int) -> None:
    plan = plan_trials(WORLD, n, BATCH, number, n_references=references)
    assert plan.labels.shape == (n,)
    assert len(plan.items) == n * (references + 1)
    kinds = []
    for i, label in enumerate(plan.labels):
        *own, questioned = plan.items[i * (references + 1) : (i + 1) * (references + 1)]
        assert {a.kind for a in own} == {"genuine"}
        assert len({a.claimed.index for a in own}) == 1
        assert len({a.number for a in own}) == references
        signed = questioned.kind == "genuine" and questioned.claimed.index == own[0].claimed.index
        assert bool(label) == signed
        assert questioned.key not in [a.key for a in own]
        kinds.append("skilled" if questioned.kind != "genuine" else "genuine" if label else "random")
        if questioned.kind != "genuine":
            assert questioned.claimed.index == own[0].claimed.index != questioned.by.index
    assert tuple(kinds.count(k) for k in ("genuine", "skilled", "random")) == trial_counts(n, (0.5, 0.3, 0.2))


@given(NUMBERS, st.integers(1, 8), st.sampled_from([(1.0, 0.0), (0.0, 1.0), (0.5, 0.5)]))
@settings(max_examples=30)
def test_a_triplet_has_two_genuine_signatures_and_a_forgery(n_: int, n: int, shares: tuple[float, float]) -> None:
    plan = plan_triplets(WORLD, n, BATCH, n_, shares=shares)
    assert plan.labels.tolist() == [[slot, flag] for slot in range(n) for flag in (1, 1, 0)]
    for slot in range(n):
        reference, genuine, negative = plan.items[3 * slot : 3 * slot + 3]
        assert reference.kind == genuine.kind == "genuine"
        assert reference.claimed.index == genuine.claimed.index
        assert reference.number != genuine.number
        if negative.kind == "genuine":
            assert shares[1] > 0
            assert negative.claimed.index != reference.claimed.index
        else:
            assert shares[0] > 0
            assert negative.claimed.index == reference.claimed.index != negative.by.index


@given(NUMBERS, st.integers(1, 30))
@settings(max_examples=30)
def test_classification_names_the_signer_of_genuine_signatures(number: int, n: int) -> None:
    plan = plan_classification(WORLD, n, number)
    assert [a.claimed.index - 100 for a in plan.items] == plan.labels[:, 0].tolist()
    assert {a.kind for a in plan.items} == {"genuine"}
    assert plan.labels[:, 1].tolist() == [1] * n
    rows = plan_classification(STORED, n, number)
    assert rows.labels[:, 0].tolist() == [int(STORED.whose[STORED.rows.tolist().index(r)]) for r in rows.items]


@given(NUMBERS)
@settings(max_examples=30)
def test_stored_signatures_are_never_given_to_another_and_never_made_up(number: int) -> None:
    plan = plan_signers(STORED, BATCH, number)
    places = STORED.choose(
        np.random.default_rng(np.random.SeedSequence(5, spawn_key=(0, number))), 4, number, distinct=True
    )
    assert len(set(places)) == 4
    for item, (slot, genuine) in zip(plan.items, plan.labels, strict=True):
        place = places[slot]
        if genuine:
            assert item in STORED.own[place]
        elif len(STORED.forgeries[place]):
            assert item in STORED.forgeries[place]
        else:
            assert item in STORED.rows
            assert item not in STORED.own[place]
    for slot in range(4):
        own = [i for i, (s, g) in zip(plan.items, plan.labels, strict=True) if s == slot and g]
        assert len(set(own)) == BATCH.genuine
    np.testing.assert_array_equal(STORED.draw(plan.items, height=4, width=6)[:, 0, 0], plan.items)


@given(st.floats(0, 1), st.integers(1, 12), st.integers(1, 60))
@settings(max_examples=60)
def test_the_ratio_of_a_mixture_holds_exactly_in_the_long_run(share: float, n: int, batches: int) -> None:
    mixed = MixedSource(WORLD, stored(signers=12), share)
    rng = np.random.default_rng(0)
    which = [place[0] for number in range(batches) for place in mixed.choose(rng, n, number, distinct=True)]
    assert len(which) == n * batches
    assert abs(sum(which) - share * n * batches) < 1 + 1e-6


def test_a_mixture_draws_each_item_where_it_belongs() -> None:
    mixed = MixedSource(stored(), stored(signers=5), 0.5)
    plan = plan_signers(mixed, BATCH, 3)
    drawn = mixed.draw(plan.items, height=4, width=6)
    np.testing.assert_array_equal(drawn[:, 0, 0], [row for _, row in plan.items])
    classes = {mixed.class_of(place) for place in [(0, i) for i in range(9)] + [(1, i) for i in range(5)]}
    assert classes == set(range(14))


@pytest.mark.parametrize("source", [WORLD, STORED, MixedSource(WORLD, STORED, 0.4)], ids=["world", "stored", "mixed"])
def test_every_plan_depends_on_its_number_alone(source: object) -> None:
    for plan in (
        lambda n: plan_signers(source, BATCH, n),
        lambda n: plan_trials(source, 6, BATCH, n),
        lambda n: plan_triplets(source, 4, BATCH, n),
        lambda n: plan_classification(source, 12, n),
    ):
        once = [repr(plan(n).items) + repr(plan(n).labels.tolist()) for n in range(4)]
        assert [repr(plan(n).items) + repr(plan(n).labels.tolist()) for n in reversed(range(4))][::-1] == once
        assert len(set(once)) == 4


def with_inputs(config: RunConfig, **changes: object) -> RunConfig:
    values = config.to_dict()
    values["inputs"] |= changes
    values["train"] |= {"height": 32, "width": 64, "steps_per_epoch": 2}
    return RunConfig.from_dict(values)


@pytest.mark.parametrize("stream", ["signers", "classification", "pairs", "triplets"])
def test_each_stream_gives_its_plan_in_order_whatever_the_threads_and_the_start(
    micro_config: RunConfig, stream: str
) -> None:
    config = with_inputs(micro_config, stream=stream)
    drawing = Drawing(config)
    expected = [drawing.draw(number) for number in range(3)]
    for first, threads in ((0, 2), (2, 1)):
        seen = list(training_stream(config, first, 3, threads=threads, drawing=drawing).as_numpy_iterator())
        assert len(seen) == 3 - first
        for (ink, labels), (images, flags) in zip(seen, expected[first:], strict=True):
            if stream == "pairs":
                ink = np.stack(ink, axis=1).reshape(-1, 32, 64, 1)
                labels = labels[:, 0]
            assert len(ink) == images_per_step(config)
            np.testing.assert_allclose(ink, to_ink(images), atol=1e-6)
            np.testing.assert_array_equal(labels, flags)


def test_a_stream_of_trials_parts_references_from_what_is_questioned(micro_config: RunConfig) -> None:
    config = with_inputs(micro_config)
    (references, questioned), labels = next(
        iter(trial_stream(config, WORLD, 0, 1, n=3, n_references=2, threads=1).as_numpy_iterator())
    )
    plan = plan_trials(WORLD, 3, config.batch, 0, n_references=2)
    ink = to_ink(WORLD.draw(plan.items, height=32, width=64)).reshape(3, 3, 32, 64, 1)
    np.testing.assert_allclose(references, ink[:, :2], atol=1e-6)
    np.testing.assert_allclose(questioned, ink[:, 2], atol=1e-6)
    np.testing.assert_array_equal(labels, plan.labels)


@pytest.mark.parametrize("cache", ["memory", "disk"])
def test_a_cache_draws_each_batch_of_an_epoch_once_and_outlives_a_process_on_disk(
    micro_config: RunConfig, tmp_path: Path, cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = with_inputs(micro_config, cache=cache)
    drawn: list[int] = []
    plain = Drawing.draw

    def counted(self: Drawing, number: int) -> object:
        drawn.append(number)
        return plain(self, number)

    monkeypatch.setattr(Drawing, "draw", counted)
    drawing = Drawing(config, cache_folder=tmp_path)
    seen = list(training_stream(config, 0, 4, threads=1, drawing=drawing).as_numpy_iterator())
    assert sorted(drawn) == [0, 1]
    for early, late in zip(seen[:2], seen[2:], strict=True):
        np.testing.assert_array_equal(early[0], late[0])
        np.testing.assert_array_equal(early[1], late[1])
    again = Drawing(config, cache_folder=tmp_path)
    np.testing.assert_array_equal(again(np.int64(3))[0], drawing(np.int64(1))[0])
    assert len(drawn) == (2 if cache == "disk" else 3)
    with pytest.raises(ValueError, match=r"no folder was given for it; use 'memory'"):
        Drawing(with_inputs(micro_config, cache="disk"))


def test_a_trajectory_that_is_no_number_is_refused(micro_config: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(acts: list[object], *, samples: int) -> np.ndarray:
        return np.full((len(acts), samples, 7), np.nan, np.float32)

    monkeypatch.setattr("pipelines.inputs.act_features", broken)
    with pytest.raises(ValueError, match="batch 4 holds numbers that are not finite"):
        Drawing(with_inputs(micro_config), sequences=True).draw(4)
