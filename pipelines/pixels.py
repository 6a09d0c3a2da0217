"""Kernels of preprocessing: what the steps of recipes do to pixels, and the whole default recipe for many pictures.

They hold no interpreter lock, so threads that draw batches preprocess side by side. Inner loops run over a row and
have neither branches nor neighbours where they can, so that they compile to vector instructions. All are in one file,
since what is kept of a kernel on disk is forgotten when its own file changes, not when one does that it calls.
"""

import math
from typing import Any

import numpy as np

from synth.kernels import kernel

BORDER = 4
"""Least border round a picture, in px, that its paper is estimated with."""
MARGIN = 2
MIN_CONTRAST = 12.0
MOST_INK = 0.7
"""Share of a picture that ink may cover; in light ink on dark paper it is the paper that does."""
INK_LEVEL = 215.0
"""Mean ink of a canvas, so that the darkness of a scan does not show."""
_CUTS, _CLEAR = 4, 2.5
"""Further cuts where the first is through noise; ink's mean level is so many times its, where half of noise has 1.8."""
_NEAR = 0.65
_FAINT = 0.7
_DARK, _ALONG, _DEEP, _LIGHT = 0.45, 0.25, 0.2, 96.0
"""The dark edge of a scan: below a share of the mean level, along a share of a side from a corner, at most so deep; a
picture of a lower mean level is no scan of paper."""
_STRAY, _APART = 0.015, 0.25
"""Stray ink: less than a share of all where it is a share of the shorter side away; of nearer marks, less by square."""
_DUSTY, _LEAST_MARK, _OBLONG, _FILLED, _MOST_MARKS = 4.0, 3, 1.8, 0.6, 512
"""Round marks that may be dust: size, at most in squares of the line's width and at least in px, ratio of the sides,
share of their box that they fill; how many are looked at."""
_FAR, _FAR_LINES, _FEWEST, _LARGER = 0.15, 4.0, 2, 1.5
"""What is far from other ink: a share of its height, widths of the line; how many marks must be, to be dust; by what
ratio of areas those near ink may be larger."""
_LEVEL, _OFF, _COVERED, _MOST_LINES = 0.035, 3, 0.9, 16
"""A line across a picture: greatest slope, rows it may be off or ink away from an edge, share of columns it is in; how
many there may be."""


@kernel
def _copy(source: Any, target: Any) -> None:
    for i in range(len(target)):  # several times faster than assigning to a slice
        target[i] = source[i]


@kernel
def padded(image: Any, top: int, left: int, height: int, width: int) -> Any:
    """Return an image of the given size, its upper left corner so far inside, its edges repeated all round it."""
    found, (h, w) = np.empty((height, width), np.uint8), image.shape
    for r in range(height):
        source, row = image[min(max(r - top, 0), h - 1)], found[r]
        _copy(source, row[left : left + w])
        first, last = source[0], source[w - 1]
        for c in range(left):
            row[c] = first
        for c in range(left + w, width):
            row[c] = last
    return found


@kernel
def bordered(image: Any) -> Any:
    """Return an image with a border of `BORDER` px or a little more, its sides multiples of 4."""
    height, width = image.shape
    return padded(image, BORDER, BORDER, height + 2 * BORDER + -height % 4, width + 2 * BORDER + -width % 4)


@kernel
def without_edges(image: Any) -> Any:
    """Return an image without the dark edges of a scan: bars and wedges that begin in a corner become paper.

    A stroke that a tight crop cuts touches an edge, but hardly along a quarter of it from the very corner.
    """
    height, width = image.shape
    mean, runs = _mean(image), np.zeros((4, 2), np.int64)
    dark = _DARK * mean if mean > _LIGHT else 0.0
    for side in range(4):  # top, bottom, left, right: all are measured before any is filled
        length = width if side < 2 else height
        for end in range(2):
            n = 0
            while n < length and image[_place(image, side, length - 1 - n if end else n, 0)] < dark:
                n += 1
            runs[side, end] = n if n >= _ALONG * length else 0
    if runs.max() == 0:
        return image
    found = image.copy()
    for side in range(4):
        length, depth = (width, height) if side < 2 else (height, width)
        for i in range(length):
            if i < runs[side, 0] or i >= length - runs[side, 1]:
                _fill(found, side, i, int(_DEEP * depth), dark)
    return found


@kernel
def _mean(image: Any) -> float:
    total = 0
    for r in range(len(image)):
        row = image[r]
        for c in range(len(row)):
            total += row[c]
    return total / image.size


@kernel
def _fill(image: Any, side: int, i: int, most: int, dark: float) -> None:
    """Write over dark pixels from a side inwards what follows them, if that is no more than so many away."""
    k = 0
    while k <= most and image[_place(image, side, i, k)] < dark:
        k += 1
    if 0 < k <= most:
        level = image[_place(image, side, i, k + 2)]  # the edge itself is blurred
        for n in range(k + 2):
            image[_place(image, side, i, n)] = level


@kernel
def _place(image: Any, side: int, i: int, k: int) -> tuple[int, int]:
    """Return row and column of the i-th pixel along a side (top, bottom, left, right), so many from it."""
    height, width = image.shape
    if side < 2:
        return min(k, height - 1) if side == 0 else max(height - 1 - k, 0), i
    return i, min(k, width - 1) if side == 2 else max(width - 1 - k, 0)


@kernel
def _quartered(image: Any) -> Any:
    """Return the means of blocks of 4 x 4 px."""
    small, sums = np.empty((image.shape[0] // 4, image.shape[1] // 4), np.uint8), np.empty(image.shape[1], np.uint16)
    for r in range(len(small)):
        a, b, c, d, row = image[4 * r], image[4 * r + 1], image[4 * r + 2], image[4 * r + 3], small[r]
        for i in range(len(sums)):
            sums[i] = np.uint16(a[i]) + np.uint16(b[i]) + np.uint16(c[i]) + np.uint16(d[i])
        for i in range(len(row)):
            total = np.uint32(sums[4 * i]) + np.uint32(sums[4 * i + 1])
            total += np.uint32(sums[4 * i + 2]) + np.uint32(sums[4 * i + 3])
            row[i] = np.uint8((total + np.uint32(8)) >> np.uint32(4))
    return small


@kernel
def _highest(image: Any, side: int) -> Any:
    """Return the greatest of the square of `side` px right of and below every pixel; anything where it does not fit."""
    step, here, there = image.shape[1], image.reshape(-1), np.empty(image.size, np.uint8)
    for across in (step, 1):
        n = 1  # so many are in the greatest of a line by now
        while n < side:
            k = across * min(n, side - n)
            ahead, target = here[k:], there[: len(here) - k]
            for i in range(len(target)):
                target[i] = max(here[i], ahead[i])
            here, there, n = there, here, min(2 * n, side)
    return here.reshape(image.shape)


@kernel
def _closed(image: Any, side: int) -> Any:
    """Return 255 less an image without dark spots narrower than `side` px (odd); beyond its edges it goes on.

    Rows are longer than the image's; what is beyond its width and height means nothing.
    """
    (height, width), more = image.shape, side - 1
    light = _highest(padded(image, more, more, height + 2 * more, width + 2 * more), side)
    dark = light.reshape(-1)
    for i in range(len(dark)):
        dark[i] = np.uint8(255) - dark[i]
    return _highest(light, side)


@kernel
def paper_of(image: Any) -> Any:
    """Return the paper of an image, float32, at a quarter of its height and its full width, at least 1.

    It is what remains when dark lines are closed away and the rest is smoothed over 5 x 5 px of a quarter of the size.
    """
    small = _quartered(image)
    height, width = small.shape
    dark = _closed(small, max(5, min(height, width) // 3) | 1)
    smooth, row, one = np.empty((height, image.shape[1]), np.float32), np.empty(width + 4, np.float32), np.float32(1.0)
    for r in range(height):
        inner, target = row[2 : 2 + width], smooth[r]
        for c in range(width):
            inner[c] = np.float32(5.0 * 255.0)
        for k in range(-2, 3):
            source = dark[min(max(r + k, 0), height - 1)]
            for c in range(width):
                inner[c] -= np.float32(source[c])
        row[0], row[1], row[width + 2], row[width + 3] = row[2], row[2], row[width + 1], row[width + 1]
        for c in range(width):
            row[c] = max(np.float32(0.04) * (row[c] + row[c + 1] + row[c + 2] + row[c + 3] + row[c + 4]), one)
        before = row[0]
        for c in range(width):
            here, after = row[c], row[min(c + 1, width - 1)]
            target[4 * c] = np.float32(0.375) * before + np.float32(0.625) * here
            target[4 * c + 1] = np.float32(0.125) * before + np.float32(0.875) * here
            target[4 * c + 2] = np.float32(0.875) * here + np.float32(0.125) * after
            target[4 * c + 3] = np.float32(0.625) * here + np.float32(0.375) * after
            before = here
    return smooth


@kernel
def level_into(image: Any, paper: Any, ink: Any) -> None:
    """Write what is darker than the paper round it, 0 to 255, without the border that only the paper needs.

    Args:
        image: With its border (`bordered`).
        paper: Of `paper_of`.
        ink: Output, of the size without border.
    """
    full, half = np.float32(255.0), np.float32(0.5)
    left, right = BORDER, BORDER + ink.shape[1]
    for r in range(len(ink)):
        at = min((r + BORDER + 0.5) / 4.0 - 0.5, len(paper) - 1.0)
        upper = int(at)
        share = np.float32(at - upper)
        above, below = paper[upper][left:right], paper[min(upper + 1, len(paper) - 1)][left:right]
        source, row = image[r + BORDER][left:right], ink[r]
        for c in range(len(row)):
            value = full + half - full * np.float32(source[c]) / (above[c] + share * (below[c] - above[c]))
            value = np.float32(0.0) if value < np.float32(0.0) else value
            row[c] = np.uint8(np.int32(value))


@kernel
def otsu_of(ink: Any) -> tuple[float, float]:
    """Return the middle of the means of both sides of Otsu's cut, and the mean level above it.

    Where ink is so little of a picture that the cut goes through the noise of its paper, what is below is left out and
    the rest is cut again, until ink stands apart from noise, or nothing does: then the first cut is all there is.
    """
    parts = np.zeros((4, 256), dtype=np.int64)  # equal neighbours, as paper mostly is, would wait for each other in one
    for r in range(len(ink)):
        row = ink[r]
        for i in range(len(row)):
            parts[i & 3, row[i]] += 1
    below, sums = np.empty(256), np.empty(256)
    n, level = 0, 0
    for k in range(256):
        count = parts[0, k] + parts[1, k] + parts[2, k] + parts[3, k]
        n, level = n + count, level + k * count
        below[k], sums[k] = n, level
    cut, low, high = _cut(below, sums, -1)
    threshold = 0.5 * (low + high)
    if threshold < MIN_CONTRAST:
        for _ in range(_CUTS):
            cut, low, high = _cut(below, sums, cut)
            if high >= _CLEAR * low and 0.5 * (low + high) >= MIN_CONTRAST:
                threshold = 0.5 * (low + high)
                break
    first = int(threshold)  # levels above the threshold start one higher
    return threshold, (sums[255] - sums[first]) / max(below[255] - below[first], 1.0)


@kernel
def _cut(below: Any, sums: Any, beyond: int) -> tuple[int, float, float]:
    """Return Otsu's cut through the levels beyond one (-1 for all), and the means of both sides of it.

    Args:
        below: How many pixels are of a level or less, shape ``(256,)``.
        sums: The sum of their levels.
        beyond: A level.
    """
    n, level = (below[beyond], sums[beyond]) if beyond >= 0 else (0.0, 0.0)
    total, whole, cut, most = below[255] - n, sums[255] - level, beyond, 0.0
    for k in range(beyond + 1, 256):
        apart = (below[k] - n) * (below[255] - below[k])
        between = (whole * (below[k] - n) - total * (sums[k] - level)) ** 2 / apart if apart > 0.0 else 0.0
        if between > most:
            cut, most = k, between
    at = max(cut, 0)
    low, high = (sums[at] - level) / max(below[at] - n, 1.0), (sums[255] - sums[at]) / max(below[255] - below[at], 1.0)
    return at, low, high


@kernel
def mask_into(ink: Any, threshold: float, mask: Any) -> int:
    """Write 1 where there is more ink than a share of a threshold: faint ends of strokes count; return how many."""
    least, found = np.uint8(min(max(_FAINT * threshold, MIN_CONTRAST), 255.0)), 0
    for r in range(len(ink)):
        source, row, n = ink[r], mask[r], np.uint16(0)
        for c in range(len(row)):
            row[c] = np.uint8(1) if source[c] > least else np.uint8(0)
            n += np.uint16(row[c])
        found += int(n)
    return found


@kernel
def crossings(mask: Any) -> Any:
    """Return rows in the first and the last column, ``(n, 2)``, between which there is ink all the way, nearly level.

    They are found by what touches both sides of the picture, in its outermost two columns. If ink touches the top and
    the bottom too, the picture was cut out to its ink, and there are none: a flourish would be one. Nor are there any
    if more than `_MOST_LINES` rows begin one, as on graph paper. Of the ends of one beginning, the one with most ink on
    the way.
    """
    width, most = mask.shape[1], _LEVEL * (mask.shape[1] - 1)
    starts, ends = _touching(mask, 0), _touching(mask, max(width - 2, 0))
    if mask[:_OFF].any() and mask[-_OFF:].any():
        starts = starts[:0]
    found, n = np.empty((_MOST_LINES, 2)), 0
    for first in starts:
        best = _COVERED * width
        for last in ends:
            covered = _covered(mask, first, last) if abs(last - first) <= most else 0
            if covered >= best and n == _MOST_LINES:
                return found[:0]
            if covered >= best:
                best, found[n, 0], found[n, 1] = covered + 1, first, last
        n += best > _COVERED * width
    return found[:n]


@kernel
def _touching(mask: Any, column: int) -> Any:
    """Return the middle row of every run of ink in a column and the next of it."""
    height, other = len(mask), min(column + 1, mask.shape[1] - 1)
    found, n, length = np.empty(height // 2 + 1), 0, 0
    for r in range(height + 1):
        if r < height and (mask[r, column] or mask[r, other]):
            length += 1
        elif length > 0:
            found[n], n, length = r - 0.5 * (length + 1), n + 1, 0
    return found[:n]


@kernel
def _covered(mask: Any, first: float, last: float) -> int:
    """Return how many columns have ink within `_OFF` rows of the straight line between two rows."""
    (height, width), n = mask.shape, 0
    for c in range(width):
        at = round(first + (last - first) * c / max(width - 1, 1))
        for r in range(max(at - _OFF, 0), min(at + _OFF + 1, height)):
            if mask[r, c]:
                n += 1
                break
    return n


@kernel
def counts_into(mask: Any, counts: Any) -> None:
    """Write how many of the 3 x 3 pixels around each one are set."""
    height, width = mask.shape
    nothing, sums = np.zeros(width, np.uint8), np.zeros(width + 2, np.uint8)
    before, inner, after = sums[:width], sums[1 : width + 1], sums[2:]
    for r in range(height):
        above, here = mask[r - 1] if r > 0 else nothing, mask[r]
        below, row = mask[r + 1] if r + 1 < height else nothing, counts[r]
        for c in range(width):
            inner[c] = above[c] + here[c] + below[c]
        for c in range(width):
            row[c] = before[c] + inner[c] + after[c]


@kernel
def drop_specks(mask: Any, counts: Any, inked: int) -> int:
    """Take dust out of a mask and its counts; return how many pixels stay.

    What is less than the line's width squared is dust; a mere tap of the pen is no larger, and goes with it. Round
    marks up to `_DUSTY` times as large are dust, too, where some hardly smaller lie far from all else: there will be
    others near ink.
    """
    height, width = mask.shape
    line = 2.0 * inked / max(inked - _inner(counts), 1)
    smallest = max(3, math.ceil(max(4e-5 * height * width, 2e-4 * inked, line * line)))
    largest = max(smallest, math.ceil(_DUSTY * line * line))
    members, few = np.empty((largest + 8, 2), np.int64), np.uint8(min(largest, 6))  # round the first of a piece: 5
    seen = np.zeros((height, width), np.uint8)  # 1: of this piece, 2: of a piece that stays, 3: of a round mark
    marks, n = np.empty((_MOST_MARKS, 4), np.int64), 0
    for r in range(height):
        row, around, some = mask[r], counts[r], np.uint8(0)
        for c in range(width):
            some |= row[c] * np.uint8(around[c] < few)
        for c in range(width if some else 0):
            if row[c] and around[c] < few and not seen[r, c] and _is_first(mask, r, c):
                size = _piece(mask, seen, r, c, members, largest)
                found = size >= _LEAST_MARK and n < _MOST_MARKS and _is_round(members[:size], marks[n])
                n += found
                _write(seen, members[: abs(size)], 3 if found else 2)
                if 0 < size < smallest:
                    inked -= _leave_out(mask, counts, members[:size])
    largest_far = _LARGER * _largest_far(mask, seen, marks[:n], _FAR_LINES * line)
    for i in range(n):
        if _area(marks[i]) <= largest_far:
            inked -= _leave_out_marked(mask, counts, seen, marks[i])
    return inked


@kernel
def _write(seen: Any, members: Any, value: int) -> None:
    for i in range(len(members)):
        seen[members[i, 0], members[i, 1]] = value


@kernel
def _is_round(members: Any, box: Any) -> bool:
    """Write the first and last row and column of a piece; tell whether it is about as high as wide and fills them."""
    box[0], box[1], box[2], box[3] = members[0, 0], members[0, 0], members[0, 1], members[0, 1]
    for i in range(len(members)):
        r, c = members[i, 0], members[i, 1]
        box[0], box[1], box[2], box[3] = min(box[0], r), max(box[1], r), min(box[2], c), max(box[3], c)
    high, wide = box[1] - box[0] + 1, box[3] - box[2] + 1
    return max(high, wide) < _OBLONG * min(high, wide) and len(members) > _FILLED * high * wide


@kernel
def _area(box: Any) -> int:
    return (box[1] - box[0] + 1) * (box[3] - box[2] + 1)


@kernel
def _largest_far(mask: Any, seen: Any, marks: Any, least: float) -> int:
    """Return the largest box of round marks without other ink within `least` px and a share of its height; 0 if few."""
    height, width = mask.shape
    top, bottom, far, largest = height, 0, 0, 0
    for r in range(height if len(marks) >= _FEWEST else 0):
        row, round_ones, some = mask[r], seen[r], np.uint8(0)
        for c in range(width):
            some |= row[c] * np.uint8(round_ones[c] != np.uint8(3))
        if some:
            top, bottom = min(top, r), r + 1
    reach = max(least, _FAR * (bottom - top))
    for i in range(len(marks) if bottom > top else 0):
        y, x = 0.5 * (marks[i, 0] + marks[i, 1]), 0.5 * (marks[i, 2] + marks[i, 3])
        if not _is_near(mask, seen, y, x, reach):
            far, largest = far + 1, max(largest, _area(marks[i]))
    return largest if far >= _FEWEST else 0


@kernel
def _is_near(mask: Any, seen: Any, y: float, x: float, reach: float) -> int:
    """Return 1 if there is ink that is of no round mark within so many pixels of a place, else 0."""
    height, width = mask.shape
    for r in range(max(math.ceil(y - reach), 0), min(math.floor(y + reach) + 1, height)):
        half = math.sqrt(max(reach * reach - (r - y) ** 2, 0.0))
        for c in range(max(math.ceil(x - half), 0), min(math.floor(x + half) + 1, width)):
            if mask[r, c] and seen[r, c] != 3:
                return 1
    return 0


@kernel
def _leave_out(mask: Any, counts: Any, members: Any) -> int:
    for i in range(len(members)):
        _take(mask, counts, members[i, 0], members[i, 1])
    return len(members)


@kernel
def _leave_out_marked(mask: Any, counts: Any, seen: Any, box: Any) -> int:
    """Take the round marks in a box away; return how many pixels went."""
    gone = 0
    for r in range(box[0], box[1] + 1):
        for c in range(box[2], box[3] + 1):
            if seen[r, c] == 3 and mask[r, c]:
                _take(mask, counts, r, c)
                gone += 1
    return gone


@kernel
def _inner(counts: Any) -> int:
    """Return how many pixels of a mask are set with all 8 round them."""
    found = 0
    for r in range(len(counts)):
        around, n = counts[r], np.uint16(0)
        for c in range(len(around)):
            n += np.uint16(around[c] == np.uint8(9))
        found += int(n)
    return found


@kernel
def _is_first(mask: Any, row: int, column: int) -> bool:
    """Tell whether nothing is set left of a pixel and in the three above it, as of the first of any piece."""
    left = max(column - 1, 0)
    if column > 0 and mask[row, left]:
        return False
    if row > 0:
        for c in range(left, min(column + 2, mask.shape[1])):
            if mask[row - 1, c]:
                return False
    return True


@kernel
def _piece(mask: Any, seen: Any, row: int, column: int, members: Any, smallest: int) -> int:
    """Write pixels of the piece of a mask round a pixel; return their number, negative if the piece is not small."""
    height, width = mask.shape
    members[0, 0], members[0, 1], seen[row, column] = row, column, 1
    n, i = 1, 0
    while i < n:
        for r in range(max(members[i, 0] - 1, 0), min(members[i, 0] + 2, height)):
            for c in range(max(members[i, 1] - 1, 0), min(members[i, 1] + 2, width)):
                if seen[r, c] == 2:
                    return -n
                if mask[r, c] and not seen[r, c]:
                    members[n, 0], members[n, 1], seen[r, c] = r, c, 1
                    n += 1
        if n >= smallest:
            return -n
        i += 1
    return n


@kernel
def _take(mask: Any, counts: Any, row: int, column: int) -> None:
    mask[row, column] = 0
    for r in range(max(row - 1, 0), min(row + 2, len(mask))):
        for c in range(max(column - 1, 0), min(column + 2, mask.shape[1])):
            counts[r, c] -= np.uint8(1)


@kernel
def box_of(mask: Any) -> tuple[int, int, int, int]:
    """Return the rows and columns, first and one past the last, of what is set in a mask, but for stray marks.

    A mark outside everything else, far off and next to nothing, such as dust, would set the scale of the rest.
    """
    height, width = mask.shape
    rows, columns = np.empty(height, np.int64), np.empty(width, np.uint16)
    top, bottom, left, right = 0, height, 0, width
    for again in range(2):  # rows without what strays across have marks of their own that stray
        columns[:] = 0
        for r in range(height):
            rows[r] = 0
        inside = columns[left:right]
        for r in range(top, bottom):
            row, n = mask[r][left:right], np.uint16(0)
            for c in range(len(row)):
                n += np.uint16(row[c])
                inside[c] += np.uint16(row[c])
            rows[r] = n
        top, bottom = _ends(rows, top, bottom, 0.0, 1.0)
        left, right = _ends(columns, left, right, 0.0, 1.0)
        if again == 0:
            most, apart = _STRAY * rows.sum(), _APART * min(bottom - top, right - left)
            top, bottom = _ends(rows, top, bottom, most, apart)
            left, right = _ends(columns, left, right, most, apart)
    return top, bottom, left, right


@kernel
def _ends(counts: Any, first: int, last: int, most: float, apart: float) -> tuple[int, int]:
    """Return the first and one past the last place that is not empty, without stray ones at either end.

    Stray are `most` or less, if nothing follows for `apart` places or more; of what is nearer, less by the square.
    """
    while first < last and counts[first] == 0:
        first += 1
    while last > first and counts[last - 1] == 0:
        last -= 1
    for end in range(2):
        step, at = (1, first) if end == 0 else (-1, last - 1)
        while True:
            n, i = 0.0, at
            while first <= i < last and counts[i] > 0:
                n, i = n + counts[i], i + step
            gap = 0
            while first <= i < last and counts[i] == 0:
                gap, i = gap + 1, i + step
            if not (first <= i < last) or gap < 4 or n > most * min(gap / apart, 1.0) ** 2:
                break
            at = i
            if end == 0:
                first = at
            else:
                last = at + 1
    return first, last


@kernel
def _taps(size: int, wanted: int, average: bool) -> Any:
    """Return, for every one of `wanted` pixels made of `size`, the first it is made of and weights, ``(n, wanted)``."""
    scale = size / wanted
    n = (math.ceil(scale) + 2) // 2 * 2 if average else 2
    firsts, weights = np.empty(wanted, np.int64), np.zeros((n, wanted), np.float32)
    for i in range(wanted):
        begin, end = scale * i, scale * (i + 1)
        middle = min(max(0.5 * (begin + end) - 0.5, 0.0), size - 1.0)
        first = max(min(int(begin) if average else int(middle), size - n), 0)
        firsts[i] = first
        for k in range(min(n, size)):
            at = first + k
            share = max(min(end, at + 1.0) - max(begin, float(at)), 0.0) / scale
            weights[k, i] = share if average else max(1.0 - abs(middle - at), 0.0)
    return firsts, weights


@kernel
def fit_into(ink: Any, margin: int, canvas: Any) -> None:
    """Write ink (0 paper to 255) on white, dark, as large as fits inside a margin (px), its aspect kept, centred.

    It is averaged where it shrinks to less than two thirds, else interpolated, which then blurs as little.
    """
    (h, w), (height, width) = ink.shape, canvas.shape
    scale = min((height - 2 * margin) / h, (width - 2 * margin) / w)
    new_h, new_w = max(1, min(round(h * scale), height)), max(1, min(round(w * scale), width))
    rows, down = _taps(h, new_h, scale < _NEAR)
    columns, across = _taps(w, new_w, scale < _NEAR)
    top, left = (height - new_h) // 2, (width - new_w) // 2
    for r in range(height):
        blank = canvas[r]
        for c in range(width):
            blank[c] = np.uint8(255)
    line, value = np.zeros(w + len(across), np.float32), np.empty(new_w, np.float32)
    for r in range(new_h):
        for c in range(w):
            line[c] = np.float32(0.0)
        for k in range(0, len(down), 2):  # taps come in pairs; a row beyond the last has no weight
            one, other = ink[min(rows[r] + k, h - 1)], ink[min(rows[r] + k + 1, h - 1)]
            share, rest = down[k, r], down[k + 1, r]
            for c in range(w):
                line[c] += share * np.float32(one[c]) + rest * np.float32(other[c])
        for c in range(new_w):
            value[c] = np.float32(255.5)
        for k in range(0, len(across), 2):
            shares, rests = across[k], across[k + 1]
            for c in range(new_w):
                value[c] -= shares[c] * line[columns[c] + k] + rests[c] * line[columns[c] + k + 1]
        target = canvas[top + r, left : left + new_w]
        for c in range(new_w):
            target[c] = np.uint8(np.int32(value[c]))


@kernel
def cropped(ink: Any, near: Any, mask: Any) -> Any:
    """Return the ink in the box of a mask, and none where `near` is 0."""
    top, bottom, left, right = box_of(mask)
    found = np.empty((bottom - top, right - left), np.uint8)
    for r in range(len(found)):
        source, there, row = ink[top + r, left:right], near[top + r, left:right], found[r]
        for c in range(len(row)):
            row[c] = source[c] * np.uint8(there[c] > 0)
    return found


@kernel
def darken(ink: Any, core: float) -> None:
    """Bring ink whose mean is `core` to a mean of `INK_LEVEL`."""
    factor, full, half = np.float32(INK_LEVEL / max(core, 1.0)), np.float32(255.0), np.float32(0.5)
    for r in range(len(ink)):
        row = ink[r]
        for c in range(len(row)):
            value = factor * np.float32(row[c]) + half
            row[c] = np.uint8(np.int32(full if value > full else value))


@kernel
def default_canvases(pictures: Any, sizes: Any, canvases: Any, inked: Any, crossed: Any) -> None:
    """Write the canvases of pictures, one a row, by the steps of the default recipe, unless a line may cross one.

    Args:
        pictures: uint8, shape ``(n, n_pixels)``.
        sizes: Height and width of each, in px, shape ``(n, 2)``.
        canvases: Output, uint8, shape ``(n, height, width)``.
        inked: Output, bool, shape ``(n,)``: False where there is no ink, whose canvas means nothing.
        crossed: Output, the same: True where a printed line may go from side to side, whose canvas means nothing.
    """
    for i in range(len(pictures)):
        h, w = sizes[i, 0], sizes[i, 1]
        image = bordered(without_edges(pictures[i, : h * w].reshape(h, w)))
        ink, mask, near = np.empty((h, w), np.uint8), np.empty((h, w), np.uint8), np.empty((h, w), np.uint8)
        level_into(image, paper_of(image), ink)
        threshold, core = otsu_of(ink)
        n = mask_into(ink, threshold, mask)
        crossed[i] = len(crossings(mask)) > 0
        counts_into(mask, near)
        n = drop_specks(mask, near, n)
        inked[i] = threshold >= MIN_CONTRAST and 0 < n < MOST_INK * mask.size
        if inked[i] and not crossed[i]:
            box = cropped(ink, near, mask)
            darken(box, core)
            fit_into(box, MARGIN, canvases[i])
