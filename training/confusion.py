"""Draws which classes were taken for which, as an SVG picture."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_CELL, _LEFT, _TOP, _WORTH_A_NUMBER = 26, 90, 90, 2


def svg(names: Sequence[str], right: npt.NDArray[np.int64], found: npt.NDArray[np.int64]) -> str:
    """Draw a row per class: the percentages of its sounds that were taken for each class."""
    counts = np.zeros((len(names), len(names)))
    np.add.at(counts, (right, found), 1.0)
    shares = 100.0 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    width, height = _LEFT + _CELL * len(names) + 10, _TOP + _CELL * len(names) + 10
    size = f'width="{width}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">',
        f'<rect {size} fill="white"/>',
    ]
    for k, name in enumerate(names):
        middle = _TOP + _CELL * k + _CELL // 2 + 4
        lines.append(f'<text x="{_LEFT - 6}" y="{middle}" text-anchor="end">{name}</text>')
        x = _LEFT + _CELL * k + _CELL // 2 + 4
        lines.append(f'<text x="{x}" y="{_TOP - 6}" transform="rotate(-60 {x} {_TOP - 6})">{name}</text>')
        for j, share in enumerate(shares[k].tolist()):
            lines += _cell(_LEFT + _CELL * j, _TOP + _CELL * k, share, right=k == j)
    return "\n".join([*lines, "</svg>", ""])


def _cell(x: int, y: int, share: float, *, right: bool) -> list[str]:
    shade = round(255.0 * (1.0 - (share / 100.0) ** 0.6))
    colour = f"rgb({shade},{max(shade, 110) if right else shade},255)" if right else f"rgb(255,{shade},{shade})"
    out = [f'<rect x="{x}" y="{y}" width="{_CELL - 1}" height="{_CELL - 1}" fill="{colour}"/>']
    if share >= _WORTH_A_NUMBER:
        out.append(f'<text x="{x + _CELL // 2}" y="{y + 17}" text-anchor="middle" font-size="10">{share:.0f}</text>')
    return out
