"""Kinds of values that several commands take."""

import math

import typer

_MOST = 1_000_000


def usd(text: str) -> float:
    """Read an amount of money.

    Raises
    ------
    typer.BadParameter
        If it is none.
    """
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not 0.0 <= amount <= _MOST:
        raise typer.BadParameter(f"{text!r} is no amount of US dollars between 0 and {_MOST:,}")
    return amount
