"""The writer-dependent protocol and the dissimilarity space, on features drawn from a fixed stream."""

import dataclasses

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from pipelines.dissimilarity import Dissimilarity, dissimilarity_pairs, dissimilarity_trials, fit_dissimilarity
from pipelines.embedding_file import Embedded, head_features
from pipelines.metrics import eer
from pipelines.protocol_runs import (
    dissimilarity,
    halves,
    published_sizes,
    wanted_negatives,
    wanted_protocols,
    writer_dependent,
)
from pipelines.support_vectors import GAMMA, fit_support_vectors
from pipelines.trials import SignatureSet
from pipelines.writer_dependent import WriterDependent, writer_dependent_trials

SMALL = WriterDependent(references=4, questioned=3, per_negative_signer=5, repeats=2)


def people(n_signers, *, genuine=8, forged=4, d=24, prefix="s", seed=0, spread=0.5):
    """Embedded signers in a cloud each; forgeries lie half way between the forger and the target."""
    rng = np.random.Generator(np.random.Philox(seed))
    centres = rng.normal(size=(n_signers, d))
    rows, vectors = [], []
    for i, centre in enumerate(centres):
        other = centres[(i + 1) % n_signers]
        for n in range(genuine + forged):
            real = n < genuine
            middle = centre if real else 0.6 * centre + 0.4 * other
            rows.append((f"{prefix}{i}", "genuine" if real else "skilled", f"{prefix}{i}-{n}"))
            vectors.append(middle + spread * rng.normal(size=d))
    signer, kind, name = (list(column) for column in zip(*rows, strict=True))
    features = np.array(vectors, dtype=np.float32)
    return Embedded(SignatureSet.of(signer, kind, name=name), features, features)


def scores_of(table):
    return table.score.astype(np.float64)


# Laws


def test_the_classifier_is_the_published_pipeline_up_to_rounding():
    rng = np.random.default_rng(3)
    positive, negative, asked = rng.normal(size=(12, 40)) + 0.6, rng.normal(size=(90, 40)), rng.normal(size=(50, 40))
    ours = fit_support_vectors(positive, negative, skew=True).decide(asked)
    pipeline = make_pipeline(
        StandardScaler(with_mean=False), SVC(C=1.0, gamma=2.0**-11, class_weight={1: len(negative) / len(positive)})
    )
    pipeline.fit(np.concatenate([positive, negative]), np.repeat([1, -1], [12, 90]))
    np.testing.assert_allclose(ours, pipeline.decision_function(asked), atol=2e-3)  # the solvers stop at 1e-3
    assert np.corrcoef(ours, pipeline.decision_function(asked))[0, 1] > 0.99999
    assert GAMMA == 2.0**-11


def test_every_writer_dependent_trial_is_what_its_columns_say():
    enrolled, negatives = people(5), people(4, prefix="d", seed=1)
    table = writer_dependent_trials(enrolled, part="test", settings=SMALL, negatives=negatives)
    signatures = enrolled.signatures
    place = {name: i for i, name in enumerate(signatures.name.tolist())}
    places = np.array([place[name] for name in table.questioned.tolist()])
    own = table.impostor == ""
    np.testing.assert_array_equal(signatures.signer[places][own], table.claimed[own])
    np.testing.assert_array_equal(signatures.signer[places][~own], table.impostor[~own])
    assert set(signatures.kind[places][table.kind == "random"]) == {"genuine"}
    counts = {kind: int((table.kind == kind).sum()) for kind in ("genuine", "skilled", "random")}
    assert counts == {"genuine": 2 * 5 * 3, "skilled": 2 * 5 * 4, "random": 2 * 5 * 4 * 3}
    assert set(table.repeat.tolist()) == {0, 1}
    for repeat in (0, 1):
        keys = list(zip(table.claimed[table.repeat == repeat], table.questioned[table.repeat == repeat], strict=True))
        assert len(set(keys)) == len(keys)


def test_the_questioned_do_not_depend_on_the_number_of_references():
    enrolled, negatives = people(4), people(4, prefix="d", seed=1)
    asked = []
    for references in (1, 3, 5):
        settings = dataclasses.replace(SMALL, references=references)
        table = writer_dependent_trials(enrolled, part="test", settings=settings, negatives=negatives)
        asked.append(set(zip(table.claimed.tolist(), table.questioned.tolist(), table.repeat.tolist(), strict=True)))
    assert asked[0] == asked[1] == asked[2]


def test_one_seed_gives_equal_scores_to_the_last_digit_and_repeats_differ():
    enrolled, negatives = people(4), people(4, prefix="d", seed=1)
    one, again = (writer_dependent_trials(enrolled, part="test", settings=SMALL, negatives=negatives) for _ in range(2))
    assert one.score.tobytes() == again.score.tobytes()
    other = writer_dependent_trials(
        enrolled, part="test", settings=dataclasses.replace(SMALL, seed=5), negatives=negatives
    )
    assert one.score.tobytes() != other.score.tobytes()
    first, second = (set(one.questioned[(one.repeat == r) & (one.kind == "genuine")].tolist()) for r in (0, 1))
    assert first != second


def test_the_scores_of_stored_features_are_what_they_were():
    # Written down once; a change of any digit shown is a change of the protocol.
    enrolled, negatives = people(3, d=16), people(4, prefix="d", d=16, seed=1)
    settings = dataclasses.replace(SMALL, repeats=1)
    table = writer_dependent_trials(enrolled, part="test", settings=settings, negatives=negatives)
    found = {kind: round(float(scores_of(table.select(kind=kind)).mean()), 5) for kind in ("genuine", "skilled")}
    assert found == STORED


def test_fixed_references_leave_only_the_negatives_to_chance():
    enrolled, negatives = people(4), people(6, prefix="d", seed=1)
    settings = dataclasses.replace(SMALL, fixed_references=True, per_negative_signer=2)
    table = writer_dependent_trials(enrolled, part="test", settings=settings, negatives=negatives)
    first, second = (table.repeat == 0), (table.repeat == 1)
    np.testing.assert_array_equal(table.questioned[first], table.questioned[second])
    assert not np.array_equal(table.score[first], table.score[second])


@pytest.mark.parametrize("negatives", [None, people(6, prefix="d", seed=1)])
def test_both_sources_of_negatives_tell_people_apart(negatives):
    table = writer_dependent_trials(people(6), part="test", settings=SMALL, negatives=negatives)
    genuine, random, skilled = (scores_of(table.select(kind=kind)) for kind in ("genuine", "random", "skilled"))
    assert eer(genuine, random).rate < 0.05
    assert eer(genuine, random).rate <= eer(genuine, skilled).rate < 0.5


def test_dissimilarity_pairs_are_balanced_and_say_what_they_are():
    training = people(8, genuine=12, forged=3)
    within, between = dissimilarity_pairs(training, 12, rng=np.random.default_rng(0))
    assert within.shape == between.shape == (8 * 66, 2)
    signer, kind = training.signatures.signer, training.signatures.kind
    assert (signer[within[:, 0]] == signer[within[:, 1]]).all()
    assert (signer[between[:, 0]] != signer[between[:, 1]]).all()
    assert set(kind[np.concatenate([within, between])].ravel().tolist()) == {"genuine"}
    assert (within[:, 0] != within[:, 1]).all()


def test_dissimilarity_scores_are_symmetric_and_reproducible():
    training, enrolled = people(6, prefix="d", seed=1), people(4)
    settings = Dissimilarity(per_signer=6, references=3, questioned=2, n_random=2, repeats=2)
    model, again = (fit_dissimilarity(training, settings) for _ in range(2))
    a, b = enrolled.features[0], enrolled.features[9]
    assert model.decide(np.abs(a - b)[None]) == model.decide(np.abs(b - a)[None])
    assert model.weights.tobytes() == again.weights.tobytes()
    one, other = (dissimilarity_trials(enrolled, training, part="test", settings=settings)[3, "max"] for _ in range(2))
    assert one.score.tobytes() == other.score.tobytes()


def test_fusions_of_dissimilarities_are_ordered_and_far_rises_with_any_match():
    training, enrolled = people(8, prefix="d", seed=1), people(5)
    settings = Dissimilarity(per_signer=6, references=4, questioned=3, n_random=3, repeats=1)
    curve = tuple((k, fusion) for k in (1, 4) for fusion in ("max", "mean", "min", "median"))
    tables = dissimilarity_trials(enrolled, training, part="test", settings=settings, curve=curve)
    assert (tables[4, "max"].score >= tables[4, "mean"].score - 1e-6).all()
    assert (tables[4, "mean"].score >= tables[4, "min"].score - 1e-6).all()
    np.testing.assert_array_equal(tables[1, "max"].score, tables[1, "min"].score)
    np.testing.assert_array_equal(tables[1, "max"].questioned, tables[4, "max"].questioned)
    accepted = [np.mean(tables[k, "max"].select(kind="random").score >= 0.0) for k in (1, 4)]
    assert accepted[0] <= accepted[1]


def test_the_protocols_freeze_on_development_signers_and_say_so():
    test, development = people(6), people(8, prefix="d", seed=1)
    for found in (
        writer_dependent(test, development, settings=SMALL, draws=100),
        dissimilarity(
            test,
            development,
            settings=Dissimilarity(per_signer=6, references=4, questioned=3, n_random=3, repeats=2),
            draws=100,
        ),
    ):
        entry, tables = found.metrics, found.tables
        trials, chosen = tables[entry["table"]], tables[entry["development_table"]]
        assert (trials.part, chosen.part) == ("test", "development")
        genuine = trials.score[trials.kind == "genuine"]
        assert entry["rates"]["frr_frozen"]["value"] == np.mean(genuine < entry["threshold"])
        assert entry["at_threshold_0"]["frr"] == np.mean(genuine < 0)
        assert set(chosen.claimed.tolist()) == {f"d{i}" for i in range(4, 8)}
        assert entry["repeats"]["n"] == len(entry["repeats"]["eer_skilled"]["values"]) == 2


@pytest.mark.parametrize(
    ("genuine", "sizes"), [(24, (12, 10)), (22, (12, 10)), (15, (10, 5)), (5, (3, 2)), (3, (2, 1)), (2, (1, 1))]
)
def test_sizes_follow_the_literature_where_there_is_enough(genuine, sizes):
    assert published_sizes(people(4, genuine=genuine, forged=1, d=2)) == sizes


def test_embeddings_survive_their_file(tmp_path):
    made = people(3)
    made.save(tmp_path / "e.npz")
    again = Embedded.load(tmp_path / "e.npz")
    np.testing.assert_array_equal(again.vectors, made.vectors)
    np.testing.assert_array_equal(again.signatures.name, made.signatures.name)
    settings = dataclasses.replace(SMALL, repeats=1)
    one, other = (writer_dependent_trials(e, part="test", settings=settings) for e in (made, again))
    assert one.score.tobytes() == other.score.tobytes()
    assert head_features(made.vectors, None) is made.vectors


# Refusals


def test_too_few_signatures_or_signers_are_refused():
    with pytest.raises(ValueError, match="no signer has 12 \\+ 10 genuine signatures"):
        writer_dependent_trials(people(3), part="test", settings=WriterDependent())
    with pytest.raises(ValueError, match="one enrolled signer alone has no negatives"):
        writer_dependent_trials(people(1), part="test", settings=SMALL)
    with pytest.raises(ValueError, match="references is 0; at least 1"):
        WriterDependent(references=0)
    with pytest.raises(ValueError, match="needs two signers with two genuine signatures, got 1"):
        dissimilarity_pairs(people(1), 4, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="3 development signers cannot be parted"):
        halves(people(3))
    with pytest.raises(ValueError, match="fusion in max, mean, min, median; got 12, 12, 10, 5, 'sum'"):
        Dissimilarity(fusion="sum")


def test_nobody_teaches_and_is_judged():
    with pytest.raises(ValueError, match="3 signers are enrolled and negatives: s0, s1, s2"):
        writer_dependent_trials(people(5), part="test", settings=SMALL, negatives=people(3))
    with pytest.raises(ValueError, match="2 signers are in training and enrolled: s0, s1"):
        dissimilarity_trials(
            people(5), people(2), part="test", settings=Dissimilarity(references=3, questioned=2, repeats=1)
        )


def test_unfit_features_and_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match="a classifier needs both classes, got 0 positive, 2 negative"):
        fit_support_vectors(np.zeros((0, 2)), np.ones((2, 2)), skew=True)
    with pytest.raises(ValueError, match="features: some are NaN"):
        fit_support_vectors(np.full((2, 2), np.nan), np.ones((2, 2)), skew=True)
    made = people(2)
    with pytest.raises(ValueError, match="vectors: need finite values"):
        Embedded(made.signatures, made.vectors * np.float32("nan"), made.features)
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 not an archive")
    with pytest.raises(ValueError, match="not a file of embeddings"):
        Embedded.load(tmp_path / "x.npz")


def test_unknown_protocols_are_refused_by_name():
    assert wanted_protocols("all") == ("pairs", "wd", "dissimilarity")
    assert wanted_protocols("wd") == ("pairs", "wd")
    with pytest.raises(ValueError, match="unknown protocol 'svm'; use one of: pairs, wd, dissimilarity, all"):
        wanted_protocols("svm")
    assert wanted_negatives(None, own=True) == "enrolled"
    with pytest.raises(ValueError, match="unknown negatives 'nobody'"):
        wanted_negatives("nobody", own=False)


STORED = {"genuine": 0.17031, "skilled": 0.07741}
