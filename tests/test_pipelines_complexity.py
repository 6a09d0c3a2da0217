"""Multiply-adds against published figures and against sums by hand."""

import keras
import pytest

import models
from pipelines.complexity import cost_of, costs, multiply_adds, table


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("resnet18", 1.82e9),  # He et al. (2016), table 1: 1.8e9
        ("mobilenetv2", 0.300e9),  # Sandler et al. (2018), table 4: 300 M
        pytest.param("resnet50", 4.1e9, marks=pytest.mark.slow),  # 3.8e9 in table 1, with strides in the 1 x 1
        pytest.param("densenet121", 2.83e9, marks=pytest.mark.slow),  # 5.7e9 operations in table 1 of Huang et al.
    ],
)
def test_a_standard_network_costs_what_its_paper_says(name, published):
    model = models.build(name, image_shape=(224, 224, 3), embedding_dim=1000, seed=0)
    assert multiply_adds(model) == pytest.approx(published, rel=0.03)


def test_layers_are_counted_as_by_hand():
    x = keras.Input((8, 10, 3))
    y = keras.layers.Conv2D(5, 3, padding="same")(x)
    y = keras.layers.DepthwiseConv2D(3, strides=2, padding="same")(y)
    y = keras.layers.Dense(7)(keras.layers.Flatten()(y))
    expected = 8 * 10 * 5 * 9 * 3 + 4 * 5 * 5 * 9 + 4 * 5 * 5 * 7
    assert multiply_adds(keras.Model(x, y)) == expected


def test_attention_over_tokens_is_counted():
    model = models.build("vit_tiny", image_shape=(32, 64, 1), embedding_dim=8, seed=0, depth=1, width=96, heads=3)
    other = models.build("vit_tiny", image_shape=(32, 64, 1), embedding_dim=8, seed=0, depth=2, width=96, heads=3)
    n, d = 2 * 4, 96
    assert multiply_adds(other) - multiply_adds(model) == 4 * n * d * d + 2 * n * n * d + 8 * n * d * d


def test_the_table_has_a_row_for_each_name():
    found = costs(["resnet_small", "tcn"], embedding_dim=32)
    assert [cost.name for cost in found] == ["resnet_small", "tcn"]
    assert all(cost.per_second > 0 and cost.embedding_dim == 32 for cost in found)
    rows = table(found)
    assert rows[0][0] == "resnet_small"
    assert rows[0][-1] == "96 x 192 x 1"
    assert rows[1][-1] == "256 x 7"


def test_the_cost_of_ones_own_model_is_told():
    x = keras.Input((16, 16, 1))
    cost = cost_of(keras.Model(x, keras.layers.Dense(4, use_bias=False)(keras.layers.Flatten()(x))), "own")
    assert (cost.parameters, cost.multiply_adds, cost.input_shape) == (1024, 1024, (16, 16, 1))
