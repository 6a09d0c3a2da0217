"""Two kinds of branches under one attention: what residual and dense blocks see, chosen place by place."""

import keras
from keras import layers

from .attention import attend, check_kind
from .blocks import check_at_least, conv, embedding, norm_relu
from .densenet import dense_block, transition
from .layers import layer_seed
from .registry import register
from .residual import post_basic
from .token_attention import AttentionPooling


@register("resdense_attention", any_canvas=True)
def resdense_attention(
    *,
    image_shape: tuple[int, int, int],
    embedding_dim: int,
    seed: int,
    views: int = 4,
    attention: str = "none",
) -> keras.Model:
    """Build a residual and a dense branch on one stem, joined by an attention that chooses among their places.

    The residual branch has basic blocks of 64, 128 and 192 channels, the dense one blocks of six bottlenecks that
    add 24 channels each; both end at stride 16. Each place gives one token, and the attention pooling sums the
    tokens ``views`` times, each time with other weights.

    Args:
        image_shape: Height, width and channels in pixels, each side at least 32.
        embedding_dim: Length of an embedding, 2 or above.
        seed: Seed of the weights, 0 or above.
        views: How many weighted sums over places are joined, 1 or above.
        attention: One of ``attention.KINDS``, at the end of each stage of both branches.

    Returns:
        A model from ink in [0, 1], shape ``(batch, *image_shape)``, to float32 unit vectors, shape
        ``(batch, embedding_dim)``.

    Raises:
        ValueError: If an option is out of range.

    Source:
        He et al. (2016) and Huang et al. (2017) for the branches, as in ``resnet`` and ``densenet``; Lin et al.
        (2017), "A structured self-attentive sentence embedding", for the pooling. The combination is our own.
    """
    check_kind(attention)
    check_at_least("views", views, 1, 4)
    ink = keras.Input(image_shape, name="ink")
    stem = norm_relu(conv(ink, 48, 7, stride=4, seed=seed, name="stem_conv"), name="stem")
    x = y = stem
    for stage, channels in enumerate((64, 128, 192), start=1):
        x = post_basic(x, channels, stride=2 if stage > 1 else 1, seed=seed, name=f"stage{stage}_residual")
        x = attend(x, attention, seed=seed, name=f"stage{stage}_residual_{attention}")
        y = dense_block(y, 6, growth=24, narrow=True, seed=seed, name=f"stage{stage}_dense")
        y = attend(y, attention, seed=seed, name=f"stage{stage}_dense_{attention}")
        if stage < 3:
            y = transition(y, y.shape[-1] // 2, seed=seed, name=f"stage{stage}_transition")
    tokens = layers.Concatenate(name="joined")([x, norm_relu(y, name="last")])
    tokens = layers.Reshape((-1, tokens.shape[-1]), name="tokens")(tokens)
    pooled = AttentionPooling(seed=layer_seed(seed, "pool"), views=views, name="pool")(tokens)
    return keras.Model(ink, embedding(pooled, embedding_dim, seed=seed), name="resdense_attention")
