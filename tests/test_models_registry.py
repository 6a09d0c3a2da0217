"""The registry of networks: names, suggestions, refusals and re-registration."""

import subprocess
import sys

import numpy as np
import pytest

import models
from models import registry


@pytest.fixture(autouse=True)
def _registry_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_BUILDERS", dict(registry._BUILDERS))


def make_builder(qualname: str):
    def builder(**arguments):
        return arguments

    builder.__qualname__ = qualname
    return builder


def test_the_names_are_sorted_and_hold_the_main_networks():
    assert list(models.names()) == sorted(models.names())
    wanted = """resnet_small resnet10 resnet18 resnet34 resnet50 densenet40 densenet121 mobilenetv2 plain_cnn signet
        vit_tiny resdense_attention tcn transformer"""
    assert set(wanted.split()) <= set(models.names())


def test_the_front_door_offers_build_names_register_and_check_model():
    assert all(callable(getattr(models, door)) for door in ("build", "names", "register", "check_model"))


def test_an_unknown_attribute_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = models.nothing


def test_build_hands_the_arguments_and_options_to_the_builder():
    models.register("echo")(make_builder("echo"))
    built = models.build("echo", image_shape=(32, 64, 1), embedding_dim=2, seed=0, depth=3)
    assert built == {"image_shape": (32, 64, 1), "embedding_dim": 2, "seed": 0, "depth": 3}


def test_running_a_cell_again_replaces_the_builder():
    first, second = make_builder("cell"), make_builder("cell")
    models.register("again")(first)
    models.register("again")(second)
    assert models.find("again") is second
    assert models.find_spec("again").takes == "image"


def test_another_function_cannot_take_a_name_in_use():
    with pytest.raises(ValueError, match=r"'resnet_small' already belongs to models\.resnet\.resnet_small"):
        models.register("resnet_small")(make_builder("usurper"))


def test_an_unknown_name_is_answered_with_the_nearest_one():
    with pytest.raises(ValueError, match=r"unknown network 'resnet_smal'; did you mean 'resnet_small'"):
        models.build("resnet_smal", seed=0)


def test_a_name_like_no_other_is_answered_with_the_list():
    with pytest.raises(ValueError, match=r"unknown network 'qqq'; use one of: .*resnet18"):
        models.build("qqq", seed=0)


@pytest.mark.parametrize(
    "shape", [(96, 192), (31, 192, 1), (96, 16, 1), (96, 192, 0), (96.0, 192, 1), (True, 192, 1), "abc", None]
)
def test_an_image_shape_out_of_range_is_refused(shape):
    with pytest.raises(ValueError, match=r"image_shape is .* at least 32"):
        models.build("resnet_small", image_shape=shape, seed=0)


@pytest.mark.parametrize("embedding_dim", [1, 0, 2.5, True])
def test_an_embedding_dim_out_of_range_is_refused(embedding_dim):
    with pytest.raises(ValueError, match=r"embedding_dim is .* from 2 up"):
        models.build("resnet_small", embedding_dim=embedding_dim, seed=0)


@pytest.mark.parametrize("seed", [-1, 0.5, None, False])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(ValueError, match=r"seed is .* from 0 up"):
        models.build("resnet_small", seed=seed)


def test_numpy_whole_numbers_are_whole_numbers():
    models.register("echo")(make_builder("echo"))
    assert models.build("echo", embedding_dim=np.int64(8), seed=np.int32(0))["embedding_dim"] == 8


def test_an_option_the_network_does_not_know_is_a_type_error():
    with pytest.raises(TypeError, match="depht"):
        models.build("resnet_small", seed=0, depht=3)


def test_an_option_with_a_typo_is_answered_with_the_nearest_one():
    with pytest.raises(TypeError, match="'vit_tiny' has no option 'depht'; did you mean 'depth'"):
        models.build("vit_tiny", seed=0, depht=3)


def test_a_network_is_found_by_what_it_takes():
    assert set(models.names("image")) | set(models.names("sequence")) == set(models.names())
    assert models.names("sequence") == ("tcn", "transformer")


def test_a_shape_of_the_wrong_kind_is_refused_with_the_right_one():
    with pytest.raises(ValueError, match=r"'tcn' takes pen trajectories, so image_shape=.* give sequence_shape"):
        models.build("tcn", image_shape=(64, 64, 1), seed=0)
    with pytest.raises(ValueError, match=r"'resnet10' takes images, so sequence_shape=.* give image_shape"):
        models.build("resnet10", sequence_shape=(64, 7), seed=0)


@pytest.mark.parametrize("shape", [(4, 7), (64,), (64, 0), (64.0, 7), "ab", None])
def test_a_sequence_shape_out_of_range_is_refused(shape):
    with pytest.raises(ValueError, match=r"sequence_shape is .*; 'tcn' needs \(n_samples, n_features\).* at least 8"):
        models.build("tcn", sequence_shape=shape, seed=0)


def test_importing_models_brings_in_none_of_the_other_packages():
    code = (
        "import ast, pathlib\n"
        "found = {n.split('.')[0] for p in pathlib.Path('models').glob('*.py')"
        " for node in ast.walk(ast.parse(p.read_text(encoding='utf-8')))"
        " for n in ([a.name for a in node.names] if isinstance(node, ast.Import) else"
        " [node.module or ''] if isinstance(node, ast.ImportFrom) and not node.level else [])}\n"
        "assert not found & {'synth', 'pipelines', 'models'}, found"
    )
    root = registry.__file__.rsplit("models", 1)[0]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
