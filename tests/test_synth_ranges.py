"""Configurations whose numbers make no sense are refused where they are made, by name; sensible ones never are."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth import CAPTURES, PENS, PROFILES, TABLETS, WORLDS, WorldConfig
from synth.config import LAWS, Capture, Forger, Hand, Pen, Spread, draw
from synth.ranges import RANGES, check_ranges, span
from synth.streams import child_key, root_key, slot
from synth.tablet import Tablet

CLASSES = {cls.__name__: cls for cls in (Hand, Forger, Pen, Capture, Tablet)}
NAMED = [(name, field) for name, fields in RANGES.items() for field in fields]


def test_every_range_belongs_to_a_field_and_every_named_law_keeps_it():
    assert set(RANGES) == set(CLASSES)
    for name, fields in RANGES.items():
        assert set(fields) <= {field.name for field in dataclasses.fields(CLASSES[name])}
    made = [*PROFILES.values(), *PENS.values(), *CAPTURES.values(), *TABLETS.values()]
    for config in WORLDS.values():
        made += [config.forger, *(hand for _, hand in config.hands)]
    for config in made:
        check_ranges(config)
    # a capture, a pen and a forger have no number without a range
    for name in ("Forger", "Pen", "Capture", "Tablet"):
        free = {field.name for field in dataclasses.fields(CLASSES[name])} - set(RANGES[name])
        assert free <= {"nib_rad", "shade"}, name


@pytest.mark.parametrize(("name", "field"), NAMED)
def test_a_number_outside_its_range_is_refused_by_name(name, field):
    low, high = RANGES[name][field]
    for value in (low - 1.0, 2.0 * high + 1.0):
        if math.isfinite(value):
            with pytest.raises(ValueError, match=f"{field} of a {name} can be .*; use a law whose numbers are"):
                CLASSES[name](**{field: Spread("fixed", value)})
    CLASSES[name](**{field: Spread("fixed", low + 0.001)})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Pen(width_mm=Spread("fixed", -0.3)), "width_mm of a Pen can be -0.3; use a law .* above 0"),
        (lambda: Pen(width_mm=Spread("normal", 0.3, 0.1)), "width_mm of a Pen can be -inf"),
        (lambda: Hand(x_height_mm=Spread("uniform", -1.0, 3.0)), "x_height_mm of a Hand can be -1"),
        (lambda: Hand(p_swap=Spread("uniform", 0.0, 1.2)), "p_swap of a Hand can be 1.2; .* from 0 to 1"),
        (lambda: Capture(dpi=Spread("fixed", -300.0)), "dpi of a Capture can be -300; .* from 20 to 2400"),
        (lambda: Tablet(rate_hz=Spread("fixed", 0.0)), "rate_hz of a Tablet can be 0; .* from 20 to 500"),
        (lambda: WorldConfig(profiles=(("initials", math.inf),)), "weight inf; weights must be above 0 and finite"),
        (lambda: WorldConfig(pens=(("gel", math.nan),)), "weight nan; weights must be above 0 and finite"),
        (lambda: WorldConfig(version=0), "version 0 is unknown; this generator draws version 1"),
    ],
)
def test_nonsense_is_one_line_with_its_name_and_the_way_out(make, words):
    with pytest.raises(ValueError, match=words) as refusal:
        make()
    assert "\n" not in str(refusal.value)


@given(st.sampled_from(LAWS), st.floats(0.2, 3), st.floats(0.2, 3), st.floats(-1, 1), st.floats(1, 4))
def test_no_draw_leaves_the_span_of_its_law(law, a, b, low, high):
    one = Spread(law, a, b, low, high)
    least, most = span(one)
    assert low <= least <= most <= high
    keys = np.array([child_key(root_key(1), slot("any"), i) for i in range(20)], dtype=np.uint64)
    drawn = draw(dataclasses.replace(Pen(), nib_rad=one), keys)["nib_rad"]
    assert (drawn >= least - 1e-9).all()
    assert (drawn <= most + 1e-9).all()
