import socket
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import metrics
from pipelines.protocols import (
    SignatureSet,
    TrialTable,
    check_disjoint,
    cosine_scores,
    k_reference_trials,
    one_reference_trials,
    remembered,
)


def signature_set(counts, prefix="s"):
    """Signers with (genuine, skilled, simple) counts each, rows in shuffled order."""
    rows = [
        (f"{prefix}{i}", kind, f"{prefix}{i}-{kind}-{n}", "" if kind == "genuine" else "f", skill)
        for i, each in enumerate(counts)
        for kind, size, skill in zip(("genuine", "skilled", "simple"), each, (np.nan, 0.7, 0.1), strict=True)
        for n in range(size)
    ]
    order = np.random.default_rng(len(rows)).permutation(len(rows))
    columns = [[rows[i][c] for i in order] for c in range(5)]
    signer, kind, name, forger, skill = columns
    return SignatureSet.of(signer, kind, name=name, forger=forger, skill=skill)


def code_scores(rows, columns):
    """A similarity from which the two places can be read back."""
    return (1000.0 * rows[:, None] + columns[None, :]).astype(np.float32)


def rows_of(table):
    """The trials as comparable tuples."""
    return list(
        zip(
            *(c.tolist() for c in (table.claimed, table.impostor, table.kind, table.reference)),
            table.questioned.tolist(),
            table.score.tolist(),
            strict=True,
        )
    )


counts = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 2)), max_size=6)

# Laws


@given(counts, st.integers(0, 4), st.integers(0, 5))
def test_one_reference_trials_are_counted_out_by_hand(counts, n_random, seed):
    table = one_reference_trials(signature_set(counts), code_scores, part="test", n_random=n_random, seed=seed)
    able = [c for c in counts if c[0] >= 2]
    others = min(n_random, max(len(able) - 1, 0))
    found = Counter(table.kind.tolist())
    assert found["genuine"] == sum(g * (g - 1) // 2 for g, _, _ in able)
    assert found["skilled"] == sum(g * f for g, f, _ in able)
    assert found["simple"] == sum(g * f for g, _, f in able)
    assert found["random"] == sum(g * others for g, _, _ in able)
    assert set(table.left_out) == {f"s{i}" for i, c in enumerate(counts) if sum(c) and c[0] < 2}


@given(counts, st.integers(0, 4), st.integers(1, 3), st.integers(0, 5))
def test_every_trial_is_what_its_columns_say(counts, n_random, k, seed):
    signatures = signature_set(counts)
    place = {name: i for i, name in enumerate(signatures.name.tolist())}
    one = one_reference_trials(signatures, code_scores, part="test", n_random=n_random, seed=seed)
    several = k_reference_trials(signatures, code_scores, part="test", k=k, n_random=n_random, seed=seed)
    for claimed, impostor, kind, reference, questioned, score in rows_of(one) + rows_of(several):
        references = [place[name] for name in reference.split("|")]
        asked = place[questioned]
        assert {str(signatures.signer[r]) for r in references} == {claimed}
        assert {str(signatures.kind[r]) for r in references} == {"genuine"}
        assert asked not in references
        assert signatures.signer[asked] == (impostor or claimed)
        assert signatures.kind[asked] == ("genuine" if kind == "random" else kind)
        assert score == max(1000.0 * r + asked for r in references)
    for table in (one, several):
        keys = [(row[0], row[3], row[4]) for row in rows_of(table)]
        assert len(set(keys)) == len(keys)


@given(st.integers(2, 9), st.integers(1, 12), st.integers(0, 20))
def test_every_signer_serves_as_an_impostor_equally_often(n_signers, n_random, seed):
    table = one_reference_trials(
        signature_set([(3, 0, 0)] * n_signers), code_scores, part="test", n_random=n_random, seed=seed
    )
    served = Counter(table.select(kind="random").impostor.tolist())
    assert set(served.values()) == {3 * min(n_random, n_signers - 1)}
    assert len(served) == n_signers


@given(st.integers(0, 20))
def test_references_for_k_are_among_those_for_k_plus_one(seed):
    signatures = signature_set([(6, 2, 0), (4, 1, 0), (3, 0, 0), (8, 1, 1)])
    chosen = []
    for k in (1, 2, 3, 5):
        table = k_reference_trials(signatures, code_scores, part="test", k=k, seed=seed)
        chosen.append({c: set(r.split("|")) for c, r in zip(table.claimed, table.reference, strict=True)})
    for fewer, more in pairwise(chosen):
        assert more.keys() <= fewer.keys()
        assert all(fewer[c] < more[c] for c in more)


def test_one_seed_gives_one_table_and_another_seed_another():
    signatures = signature_set([(4, 2, 1)] * 6)
    first, again, other = (
        rows_of(one_reference_trials(signatures, code_scores, part="test", n_random=2, seed=s)) for s in (0, 0, 1)
    )
    assert first == again
    assert first != other


# Exact cases


def test_questioned_signatures_do_not_depend_on_k_when_their_number_is_fixed():
    signatures = signature_set([(8, 3, 0)] * 3)
    asked = [
        set(
            k_reference_trials(
                signatures, code_scores, part="test", k=k, n_questioned=3, n_random=0, seed=0
            ).questioned.tolist()
        )
        for k in (1, 3, 5)
    ]
    assert asked[0] == asked[1] == asked[2]
    assert len(asked[0]) == 3 * (3 + 3)


def test_the_mean_fusion_averages_over_references():
    signatures = signature_set([(3, 1, 0), (3, 1, 0)])
    matrix = np.random.default_rng(0).random((len(signatures.name),) * 2, dtype=np.float32)
    place = {name: i for i, name in enumerate(signatures.name.tolist())}
    table = k_reference_trials(signatures, matrix, part="test", k=2, fusion="mean", seed=0)
    for _, _, _, reference, questioned, score in rows_of(table):
        expected = np.mean([matrix[place[r], place[questioned]] for r in reference.split("|")])
        assert score == pytest.approx(expected, rel=1e-6)


def test_a_matrix_and_a_function_give_the_same_trials():
    signatures = signature_set([(4, 2, 1)] * 4)
    vectors = np.random.default_rng(0).normal(size=(signatures.name.size, 16))
    similarity = cosine_scores(vectors)
    everything = np.arange(signatures.name.size)
    matrix = similarity(everything, everything)
    assert matrix.dtype == np.float32
    one, other = (one_reference_trials(signatures, s, part="test", seed=0) for s in (similarity, matrix))
    np.testing.assert_allclose(one.score, other.score, atol=1e-6)
    np.testing.assert_array_equal(one.questioned, other.questioned)


def test_cosines_are_cosines_and_zero_for_a_zero_vector():
    block = cosine_scores([[2.0, 0.0], [3.0, 3.0], [0.0, 0.0]])(np.array([0, 1]), np.array([0, 1, 2]))
    np.testing.assert_allclose(block, [[1, np.sqrt(0.5), 0], [np.sqrt(0.5), 1, 0]], atol=1e-6)


def test_a_single_signer_has_no_random_forgeries():
    signatures = signature_set([(3, 2, 0)])
    one = one_reference_trials(signatures, code_scores, part="test", seed=0)
    several = k_reference_trials(signatures, code_scores, part="test", k=2, seed=0)
    assert len(one.select(kind="random")) == len(several.select(kind="random")) == 0
    assert len(one) == 3 + 6
    assert len(several) == 1 + 2


def test_signers_with_too_few_genuine_are_named_and_play_no_role():
    signatures = signature_set([(1, 4, 0), (5, 1, 0), (5, 1, 0), (2, 1, 0)])
    table = k_reference_trials(signatures, code_scores, part="test", k=3, seed=0)
    assert table.left_out == ("s0", "s3")
    assert set(table.claimed.tolist()) == {"s1", "s2"}
    assert set(table.impostor.tolist()) == {"", "s1", "s2"}


def test_nobody_with_enough_signatures_gives_an_empty_table_not_a_crash(tmp_path):
    table = one_reference_trials(signature_set([(1, 1, 0)]), code_scores, part="test", seed=0)
    assert len(table) == 0
    assert table.left_out == ("s0",)
    table.to_parquet(tmp_path / "trials.parquet")
    assert len(TrialTable.from_parquet(tmp_path / "trials.parquet")) == 0


def test_a_table_survives_parquet(tmp_path):
    signatures = signature_set([(3, 2, 1), (3, 2, 1), (1, 0, 0)])
    table = k_reference_trials(signatures, code_scores, part="development", k=2, seed=0)
    table.to_parquet(tmp_path / "trials.parquet")
    again = TrialTable.from_parquet(tmp_path / "trials.parquet")
    assert rows_of(again) == rows_of(table)
    np.testing.assert_array_equal(again.skill, table.skill)
    assert again.score.dtype == np.float32
    assert (again.part, again.protocol, again.left_out) == ("development", table.protocol, ("s2",))
    assert [path.name for path in tmp_path.iterdir()] == ["trials.parquet"]


def test_trials_feed_the_metrics_and_the_bootstrap():
    signatures = signature_set([(4, 3, 0)] * 8)
    rng = np.random.default_rng(0)
    people = np.unique(signatures.signer, return_inverse=True)[1]
    vectors = (
        rng.normal(size=(8, 16))[people]
        + rng.normal(size=(people.size, 16)) * np.where(signatures.kind == "genuine", 0.3, 0.6)[:, None]
    )
    table = one_reference_trials(signatures, cosine_scores(vectors), part="test", seed=0)
    eers = {
        kind: metrics.bootstrap_over_signers(table, metrics.eer_of(kind), seed=0, n_draws=50)
        for kind in ("random", "skilled")
    }
    assert eers["random"].value < eers["skilled"].value
    assert eers["skilled"].low <= eers["skilled"].value <= eers["skilled"].high


# Refusals


def test_no_signer_is_on_both_sides_in_either_role():
    development = one_reference_trials(signature_set([(3, 1, 0)] * 3, "d"), code_scores, part="development", seed=0)
    test = one_reference_trials(signature_set([(3, 1, 0)] * 3, "t"), code_scores, part="test", seed=0)
    check_disjoint(development, test)
    leaking = replace(test, impostor=np.where(test.kind == "random", "d1", ""))
    with pytest.raises(ValueError, match="1 signers are in development and test: d1"):
        check_disjoint(development, leaking)


def test_unfit_signature_sets_are_refused():
    with pytest.raises(ValueError, match="unknown kind 'random'; use one of: genuine, simple, skilled"):
        SignatureSet.of(["a"], ["random"])
    with pytest.raises(ValueError, match=r"signer: shape \(2,\), but kind has \(1,\)"):
        SignatureSet.of(["a", "b"], ["genuine"])
    with pytest.raises(ValueError, match="a name of its own"):
        SignatureSet.of(["a", "b"], ["genuine"] * 2, name=["n", "n"])
    with pytest.raises(ValueError, match="cannot be in a name"):
        SignatureSet.of(["a"], ["genuine"], name=["n|m"])
    with pytest.raises(ValueError, match="needs a signer"):
        SignatureSet.of([""], ["genuine"])


def test_unfit_tables_are_refused():
    table = one_reference_trials(signature_set([(3, 1, 0)] * 2), code_scores, part="test", seed=0)
    with pytest.raises(ValueError, match="unknown part 'train'"):
        replace(table, part="train")
    with pytest.raises(ValueError, match="random forgeries name their signer"):
        replace(table, impostor=np.full(len(table), ""))
    with pytest.raises(ValueError, match="nobody is an impostor of the own name"):
        replace(table, impostor=np.where(table.kind == "random", table.claimed, ""))
    with pytest.raises(ValueError, match="scores are NaN or infinite"):
        replace(table, score=np.full(len(table), np.nan))
    with pytest.raises(ValueError, match="unknown kind 'forged'"):
        table.select(kind="forged")


def test_unfit_scores_and_choices_are_refused():
    signatures = signature_set([(3, 1, 0)] * 2)
    with pytest.raises(ValueError, match=r"scores: shape \(3, 1\)"):
        one_reference_trials(signatures, lambda rows, columns: rows[:, None], part="test", seed=0)
    with pytest.raises(ValueError, match=r"scores: shape \(9, 9\) for 8 signatures"):
        one_reference_trials(signatures, np.zeros((9, 9)), part="test", seed=0)
    with pytest.raises(ValueError, match="n_random must be 0 or more, got -1"):
        one_reference_trials(signatures, code_scores, part="test", n_random=-1, seed=0)
    with pytest.raises(ValueError, match=r"shape \(n, d\), got shape \(2,\)"):
        cosine_scores([1.0, 2.0])
    for wrong in ({"k": 0}, {"k": 1, "fusion": "best"}, {"k": 1, "n_questioned": 0}):
        with pytest.raises(ValueError, match="need k >= 1, n_questioned >= 1 or None, fusion in max, mean"):
            k_reference_trials(signatures, code_scores, part="test", seed=0, **wrong)


def test_a_foreign_parquet_file_is_refused(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"score": [1.0]}), tmp_path / "other.parquet")
    with pytest.raises(ValueError, match="not a trial table"):
        TrialTable.from_parquet(tmp_path / "other.parquet")


def test_tests_cannot_reach_the_network():
    with (
        socket.socket() as outside,
        pytest.raises(RuntimeError, match="without a network"),
    ):
        outside.connect(("192.0.2.1", 80))  # an address reserved for documentation


def test_scores_are_remembered_unless_their_matrix_would_fill_the_memory():
    asked = []

    def similarity(rows, columns):
        asked.append((rows.size, columns.size))
        return rows[:, None] + 100.0 * columns

    few, many = remembered(similarity, 50), remembered(similarity, 10**6)
    for block in (few, few, many, many):
        rows, columns = np.array([3, 7]), np.array([1, 2, 9])
        np.testing.assert_array_equal(block(rows, columns), rows[:, None] + 100.0 * columns)
    assert len(asked) == 3
