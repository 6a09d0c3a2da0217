"""Named worlds: populations that differ in their laws only.

`default` is what training and evaluation draw from. `svc_like` is tuned so that the medians of its movements
lie inside the middle half of a public set of short, fast, invented signatures; see `pipelines/bands.py`.
"""

from .config import WorldConfig

WORLDS: dict[str, WorldConfig] = {"default": WorldConfig()}
"""World configurations by name."""
