"""Several hosts: what each draws, what is refused, and two processes on loopback that train as one host would."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from pipelines.cli import main
from pipelines.config import RunConfig, changed
from pipelines.export import export
from pipelines.export_plan import ExportSpec
from pipelines.hosts import Hosts, check_hosts, hosts_of, parse_hosts, share_of
from pipelines.inputs import Drawing, images_per_step, planner
from pipelines.rendezvous import meet
from pipelines.runs import RunError
from pipelines.settings import BatchSettings, InputSettings, TrainSettings, WorldSettings
from pipelines.sources import MixedSource, StoredSource, WorldSource
from synth import World
from synth.acts import Act

ROOT = Path(__file__).parents[1]
STREAMS = ("signers", "pairs", "triplets", "classification")


def config_of(stream: str = "signers", **more: object) -> RunConfig:
    return RunConfig(
        preset="hosts",
        world=WorldSettings(train_signers=40),
        batch=BatchSettings(signers=6, genuine=2, forgeries=2),
        inputs=InputSettings(stream=stream),
        train=TrainSettings(height=32, width=64, **more),
    )


def stored(signers: int = 9, each: int = 4) -> StoredSource:
    n = signers * each
    canvases = np.arange(n, dtype=np.uint8)[:, None, None] * np.ones((1, 32, 64), np.uint8)
    kinds = np.array((["genuine"] * 3 + ["skilled"]) * signers)
    return StoredSource(canvases, np.repeat([f"s{i}" for i in range(signers)], each), kinds, seed=5, name="folder")


def named(item: Any) -> Any:
    """Return what tells one item of a plan from another; acts of two plans are different objects."""
    if isinstance(item, Act):
        return (
            item.kind,
            item.claimed.index,
            item.by.index,
            item.number,
            repr(item.skill),
        )  # no number for a genuine act
    return (item[0], named(item[1])) if isinstance(item, tuple) else item


def hosts(n: int, index: int = 0) -> Hosts:
    return Hosts(tuple(f"h{i}:9000" for i in range(n)), index)


@pytest.mark.parametrize("stream", STREAMS)
@settings(max_examples=6)
@given(n=st.sampled_from([2, 3]), number=st.integers(0, 2**40), where=st.sampled_from(["world", "folder", "both"]))
def test_the_shares_of_all_hosts_are_the_batch_of_one_host(stream: str, n: int, number: int, where: str) -> None:
    config, world = config_of(stream), WorldSource(World(5), range(100, 140))
    n = 2 if stream == "triplets" else n
    check_hosts(config, hosts(n))
    source = {"world": world, "folder": stored(), "both": MixedSource(world, stored(), 0.5)}[where]
    whole = planner(config, source)(number)
    parts = [share_of(planner(config, source)(number), hosts(n, i)) for i in range(n)]
    assert [named(item) for part in parts for item in part.items] == [named(item) for item in whole.items]
    assert np.array_equal(np.concatenate([part.labels for part in parts]), whole.labels)
    assert np.array_equal(np.concatenate([part.groups for part in parts]), whole.groups)
    assert len({len(part.items) for part in parts}) == 1
    assert all(len(part.items) * n == images_per_step(config) for part in parts)
    groups = [set(part.groups.tolist()) for part in parts]  # who may be augmented alike is never parted
    assert not set.intersection(*groups)


def test_hosts_draw_their_rows_of_a_folder_and_augment_each_in_its_own_way() -> None:
    config, source = config_of(), stored()
    whole, labels = Drawing(config, source=source).draw(3)
    for i in range(2):
        half = Drawing(
            config, source=source, plan=lambda number, i=i: share_of(planner(config, source)(number), hosts(2, i))
        )
        images, own = half.draw(3)
        assert np.array_equal(images, whole[12 * i : 12 * (i + 1)])
        assert np.array_equal(own, labels[12 * i : 12 * (i + 1)])
    seen: list[int] = []
    drawing = Drawing(config, source=source, augment_as=lambda number: number * 2 + 1)
    plain, source.draw = source.draw, lambda items, *, number, **how: seen.append(number) or plain(items, **how)  # type: ignore[method-assign]
    drawing.draw(7)
    assert seen == [15]


def test_hosts_are_read_from_words_and_from_tf_config() -> None:
    assert parse_hosts("a:1, [::1]:65535", 1) == Hosts(("a:1", "[::1]:65535"), 1)
    cluster = {"chief": ["a:1"], "worker": ["b:2", "c:3"]}
    named = {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 1}})}
    assert hosts_of(named) == Hosts(("a:1", "b:2", "c:3"), 2)
    assert hosts_of({}) is None


@pytest.mark.parametrize(
    ("text", "index", "message"),
    [
        ("a,b:1", 0, "'a' is no host; write NAME:PORT"),
        ("a:1,b:70000", 0, "'b:70000' is no host"),
        ("a:1,a:1", 0, "'a:1' is there twice"),
        ("a:1", 0, "names 1 host; name two or more"),
        ("a:1,b:1", 2, "--host is 2; say which of the 2 hosts this one is, 0 to 1"),
        ("a:1,b:1", None, "--host is None"),
    ],
)
def test_hosts_that_make_no_sense_are_refused(text: str, index: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_hosts(text, index)


@pytest.mark.parametrize("text", ["no json", "[]", '{"cluster": {"worker": ["a:1"]}}', '{"cluster": 3, "task": {}}'])
def test_a_broken_tf_config_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="needs a cluster and a task"):
        hosts_of({"TF_CONFIG": text})


def test_a_run_that_hosts_cannot_share_is_refused() -> None:
    with pytest.raises(
        ValueError,
        match=re.escape("4 hosts cannot share a batch of 6 signers evenly; change it, such as --set batch.signers=8"),
    ):
        check_hosts(config_of(), hosts(4))
    with pytest.raises(ValueError, match="cannot share a batch of 12 pairs"):
        check_hosts(config_of("pairs"), hosts(5))
    with pytest.raises(ValueError, match="only the first host has a run folder; use 'memory'"):
        check_hosts(changed(config_of(), ["inputs.cache=disk"]), hosts(2))
    with pytest.raises(ValueError, match="XLA cannot be on where several hosts"):
        check_hosts(config_of(xla="on"), hosts(2))


def test_the_command_line_refuses_in_one_line_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    run = str(tmp_path / "run")
    assert main(["train", "--run", run, "--hosts", "a:1,b:2"]) == 2
    assert "say which of the 2 hosts this one is" in capsys.readouterr().err
    assert main(["train", "--run", run, "--hosts", "TF_CONFIG"]) == 2
    assert "TF_CONFIG, and that is not set" in capsys.readouterr().err
    assert main(["train", "--run", run, "--hosts", "a:1,b:2,c:3,d:4,e:5", "--host", "0"]) == 2
    assert "--set batch.signers=15" in capsys.readouterr().err
    assert main(["train", "--run", run, "--host", "1"]) == 2
    assert "--host goes with --hosts" in capsys.readouterr().err
    assert not Path(run).exists()


_NETWORK = """
import keras, numpy as np, models
from models.elastic import ElasticEmbedding
from models.layers import L2Normalize, glorot_uniform

@models.register("tiny_for_a_test", any_canvas=True)  # if pooled
def tiny(*, image_shape, embedding_dim, seed, batch_norm=True, pooled=False, elastic=False):
    inner = keras.Input(image_shape)
    x = keras.layers.Conv2D(8, 5, strides=4, activation="relu", kernel_initializer=glorot_uniform(seed, "a"))(inner)
    if batch_norm:
        x = keras.layers.Dropout(0.2, seed=seed)(keras.layers.BatchNormalization()(x))
    maps = keras.layers.AveragePooling2D(4)(x)
    x = (keras.layers.GlobalAveragePooling2D() if pooled else keras.layers.Flatten())(x)
    x = keras.layers.Dense(embedding_dim, kernel_initializer=glorot_uniform(seed, "b"))(x)
    ends = ElasticEmbedding((1, 1), evidence=4, seed=seed)([x, maps]) if elastic else L2Normalize(dtype="float32")(x)
    return keras.Model(inner, ends)

@models.register("elastic_for_a_test", loss="elastic")
def elastic(*, image_shape, embedding_dim, seed, batch_norm=True):
    return tiny(image_shape=image_shape, embedding_dim=embedding_dim, seed=seed, batch_norm=batch_norm, elastic=True)
"""


def free_ports(n: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def test_hosts_meet_whoever_comes_first_and_leave_their_ports_free() -> None:
    addresses = tuple(f"127.0.0.1:{port}" for port in free_ports(3))
    with ThreadPoolExecutor(3) as pool:
        begun = [pool.submit(meet, Hosts(addresses, 2), wait_s=20)]
        time.sleep(0.3)
        with socket.create_connection(("127.0.0.1", int(addresses[2].split(":")[1]))) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\n")
        begun += [pool.submit(meet, Hosts(addresses, i), wait_s=20) for i in (0, 1)]
        for one in begun:
            one.result()
    for address in addresses:
        socket.create_server(("127.0.0.1", int(address.split(":")[1]))).close()


def test_a_host_that_never_comes_is_named_and_a_taken_port_too() -> None:
    first, second = free_ports(2)
    addresses = (f"127.0.0.1:{first}", f"127.0.0.1:{second}")
    with pytest.raises(RunError, match=re.escape(f"did not meet host 1 ({addresses[1]}) within 0.3 s; start the same")):
        meet(Hosts(addresses, 0), wait_s=0.3)
    with (
        socket.create_server(("127.0.0.1", second)),
        pytest.raises(RunError, match=f"cannot listen at {addresses[1]}: .* in use"),
    ):
        meet(Hosts(addresses, 1), wait_s=0.3)


# Two processes do all of this once: gradients of a network without batch statistics, training with them, the loss of a
# host, and going on. A process of TensorFlow costs ten seconds of a core before it does anything.
_SCRIPT = """
import json, os, sys
from pipelines import building, cli, collective, config, hosts_training, inputs, train
from pipelines.preprocess import to_ink
config.PRESETS["tiny"] = config.RunConfig.from_dict(json.loads(sys.argv[1]))
out, plain_join, plain_fit = sys.argv[2], collective.join, hosts_training.fit_together

def compare(cluster):
    import tensorflow as tf
    found = {}
    for loss in ("classification", "joint", "elastic"):  # the last one learns itself
        wanted = [f"train.loss={loss}", "train.model_options.batch_norm=false", "train.clip_norm=0.001"]
        wanted += ["train.model=elastic_for_a_test"] * (loss == "elastic")
        c = config.changed(config.PRESETS["tiny"], wanted)
        source, _ = train.open_source(c)
        model = building.build_model(c, lambda line: None, source=source)
        def alone():
            seen, labels = inputs.Drawing(c, source=source).draw(0)
            with tf.GradientTape() as tape:
                value = model.loss(labels.astype("float32"), model(to_ink(seen), training=True))
            return value, tape.gradient(value, model.trainable_variables)
        value, gradients = alone() if cluster.hosts.is_first else (0.0, [])
        seen, labels = hosts_training.share_drawing(cluster, c, model, source).draw(0)
        shared = tf.function(hosts_training.build_gradients(cluster, c, model, source))
        ours, summed = shared(tf.constant(to_ink(seen)), tf.constant(labels))
        found |= {f"{loss}/alone/{i}": np.asarray(g) for i, g in enumerate([value, *gradients])}
        found |= {f"{loss}/together/{i}": np.asarray(g) for i, g in enumerate([ours, *summed])}
    np.savez(f"{out}-gradients-{cluster.hosts.index}.npz", **found)

def join(hosts, say):
    cluster = plain_join(hosts, say, wait_s=120, silent_s=10)
    if not os.path.exists(f"{out}-gradients-{hosts.index}.npz"):
        compare(cluster)
    return cluster

def fit_together(cluster, run, settings, model, *rest, **more):
    plain_fit(cluster, run, settings, model, *rest, **more)
    np.savez(f"{out}-trained-{cluster.hosts.index}.npz", *[np.asarray(weight) for weight in model.weights])

collective.join, hosts_training.fit_together = join, fit_together
sys.exit(cli.main(["train", "--preset", "tiny", "--run", out, *sys.argv[3:]]))
"""
EPOCHS = 8
THREADS = {name: "1" for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")}


def tiny_values(*changes: str) -> dict[str, Any]:
    """Return the configuration of a run of the tiny network."""
    usual = ["train.precision=float32", "train.embedding_dim=8", "train.steps_per_epoch=2", "batch.signers=4"]
    values = changed(config_of(), [*usual, *changes]).to_dict()
    values["train"]["model"] = "tiny_for_a_test"
    return values


def start(path: Path, *changes: str) -> list[subprocess.Popen[str]]:
    """Start two hosts on this machine."""
    values = tiny_values(f"train.epochs={EPOCHS}", *changes)
    names = ",".join(f"127.0.0.1:{port}" for port in free_ports(2))
    command = [sys.executable, "-c", _NETWORK + _SCRIPT, json.dumps(values), str(path), "--hosts", names, "--host"]
    return [
        subprocess.Popen(
            [*command, str(i)],
            cwd=ROOT,
            env=os.environ | THREADS,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for i in range(2)
    ]


@pytest.mark.slow
def test_two_hosts_train_as_one_and_go_on_after_one_was_killed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    first, second = start(run)
    try:
        while not (run / "checkpoints/epoch-0002.keras").exists():
            for process in (first, second):
                assert process.poll() is None, process.communicate()[0]
            time.sleep(0.05)
        second.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        told = first.communicate(timeout=120)[0]
        assert time.monotonic() - killed < 60
    finally:
        for process in (first, second):
            process.kill()
            process.communicate()
    assert first.returncode == 2, told
    assert re.search(
        r"^error: another host is gone .* epoch \d+; start the same command on every host again", told, re.M
    )
    assert not (run / "model.keras").exists()
    assert len(told.strip().splitlines()[-1]) < 500

    check_gradients(run)
    again = start(run)
    texts = [process.communicate(timeout=600)[0] for process in again]
    assert [process.returncode for process in again] == [0, 0], texts
    assert re.search(r"going on after epoch \d+ of 8", texts[0])
    assert [row.split(",")[0] for row in (run / "log.csv").read_text().splitlines()[1:]] == [
        str(i + 1) for i in range(EPOCHS)
    ]
    check_trained(run)
    assert not [file for file in run.rglob(".*")]


def check_gradients(run: Path) -> None:
    """Of one batch: what two hosts find is what one host finds."""
    first_found = np.load(f"{run}-gradients-0.npz")
    for index in range(2):
        found = np.load(f"{run}-gradients-{index}.npz")
        for loss in ("classification", "joint", "elastic"):
            alone = [first_found[name] for name in sorted(first_found) if name.startswith(f"{loss}/alone")]
            together = [found[name] for name in sorted(found) if name.startswith(f"{loss}/together")]
            assert len(alone) > 4
            assert max(np.abs(g).max() for g in alone[1:]) > 1e-3
            for a, b in zip(alone, together, strict=True):
                np.testing.assert_allclose(b, a, rtol=1e-4, atol=2e-6)


def check_trained(run: Path) -> None:
    """Both hosts end with the same weights, and the first one has written them."""
    weights = [np.load(f"{run}-trained-{index}.npz") for index in range(2)]
    assert len(weights[0].files) > 6  # among them running means, which only differ before they are averaged
    for name in weights[0].files:
        assert weights[0][name].tobytes() == weights[1][name].tobytes()
    assert (run / "model.keras").exists()


@pytest.mark.slow
@pytest.mark.parametrize("adapter", ["folders", "npz"])
def test_two_hosts_train_on_signatures_from_files(tmp_path: Path, adapter: str) -> None:
    """Half of every batch from a set that was exported in two shards, half from the world."""
    spec = ExportSpec(seed=41, signers=6, genuine=4, forged=3, dpi=100, formats=(adapter,))
    for shard in ((1, 2), (2, 2), (1, 1)):  # the last one draws nothing and writes the tables
        export(tmp_path / "signatures", spec, shard=shard)
    run = tmp_path / "run"
    data = [f"inputs.data={tmp_path / 'signatures'}", f"inputs.adapter={adapter}", "inputs.real_share=0.5"]
    hosts_ = start(run, "train.epochs=1", *data)
    texts = [process.communicate(timeout=600)[0] for process in hosts_]
    assert [process.returncode for process in hosts_] == [0, 0], texts
    check_gradients(run)
    check_trained(run)
    record = json.loads((run / "mark.json").read_text())
    assert record["network"]["contains_real_signatures"] is False


_MIRRORED = """
import json, sys
import tensorflow as tf

processor = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
from pipelines import config, replicas, train
from pipelines.runs import Run

settings = config.RunConfig.from_dict(json.loads(sys.argv[1]))
for n in (1, 2):
    replicas.devices = lambda: ["CPU:0", "CPU:1"][:n]
    run = Run(f"{sys.argv[2]}-{n}")
    run.start(settings)
    model = train.train(run, settings, say=lambda line: None)
    np.savez(f"{sys.argv[2]}-{n}.npz", *[np.asarray(weight) for weight in model.get_weights()])
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "course",
    [["train.epochs=1"], ["train.epochs=2", "train.small_share=0.5", "train.model_options.pooled=true"]],
    ids=["whole", "growing"],
)
def test_two_devices_of_one_host_train_as_one(course: list[str], tmp_path: Path) -> None:
    options = [*course, "train.loss=joint", "train.clip_norm=1000", "train.model_options.batch_norm=false"]
    command = [sys.executable, "-c", _NETWORK + _MIRRORED, json.dumps(tiny_values(*options)), str(tmp_path / "run")]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | THREADS, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    rows = [(tmp_path / f"run-{n}/log.csv").read_text().splitlines() for n in (1, 2)]
    losses = [float(dict(zip(row[0].split(","), row[1].split(","), strict=True))["loss"]) for row in rows]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)  # a loss of each device's own pairs is far from this
    one, two = (np.load(tmp_path / f"run-{n}.npz") for n in (1, 2))
    for name in one.files:
        np.testing.assert_allclose(two[name], one[name], atol=2e-4)


def test_devices_that_cannot_share_a_batch_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines import replicas

    monkeypatch.setattr(replicas, "devices", lambda: [f"GPU:{i}" for i in range(4)])
    with pytest.raises(ValueError, match="4 GPUs cannot share a batch of 6 signers evenly"):
        replicas.replicas(config_of())
