"""ImageNet weights for `mobilenetv2`, from a file the user has; nothing is ever fetched.

The file is the published HDF5 one (``mobilenet_v2_weights_..._1.0_..._no_top.h5``, with or without top). It is read
as numbers only: links to other files and virtual data sets are refused.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_BYTES = 100_000_000


def load_imagenet(model: Any, path: str | Path) -> int:
    """Fill a `mobilenetv2` with the weights of a file; return how many layers were filled.

    Args:
        model: What ``models.build("mobilenetv2", ...)`` returned.
        path: The HDF5 file.

    Raises:
        ValueError: If the file cannot be used, or its weights do not fit.
    """
    from models.mobilenet import set_imagenet

    return set_imagenet(model, read_weights(path))


def read_weights(path: str | Path) -> dict[str, list[NDArray[np.float32]]]:
    """Return the arrays of each layer of an HDF5 weights file, in the file's order.

    Args:
        path: The file, of at most 100 MB.

    Raises:
        ValueError: If it is missing, too large, no such file, or points to other files.
    """
    import h5py

    file_path = Path(path)
    if not file_path.is_file():
        raise ValueError(f"there is no weights file {file_path}; give the path of one you have, none is fetched")
    if file_path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{file_path} has {file_path.stat().st_size} bytes; weights of MobileNetV2 have under 20 MB")
    try:
        with h5py.File(file_path, "r") as file:
            root = _group(file, "model_weights") if "model_weights" in file else file
            names = [_text(name) for name in root.attrs["layer_names"]]
            return {name: _arrays(_group(root, name)) for name in names}
    except (OSError, KeyError) as error:
        raise ValueError(f"{file_path} is no HDF5 file of Keras weights with layer names: {error}") from error


def _arrays(layer: Any) -> list[NDArray[np.float32]]:
    import h5py

    arrays = []
    for name in layer.attrs.get("weight_names", []):
        held = layer
        *folders, last = _text(name).split("/")
        for folder in folders:
            held = _group(held, folder)
        _check_link(held, last)
        found = held[last]
        if not isinstance(found, h5py.Dataset) or found.is_virtual or found.external:
            raise ValueError(f"weight {_text(name)!r} is stored outside the file; it is not read")
        arrays.append(np.asarray(found, dtype=np.float32))
    return arrays


def _group(parent: Any, name: str) -> Any:
    _check_link(parent, name)
    return parent[name]


def _check_link(parent: Any, name: str) -> None:
    import h5py

    if not isinstance(parent.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"{name!r} is a link to somewhere else; it is not read")


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
