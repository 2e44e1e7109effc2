"""What a row of the table is."""

from dataclasses import dataclass
from typing import Callable

import streams


@dataclass(frozen=True)
class Goal:
    """A ratio (or difference) of two servers' figures, or one figure, with what it should be; `limit` None: for
    information."""

    server: str
    base: str = None  # None: the server's own figure is compared
    sense: str = ">="  # how the ratio should compare with the limit
    limit: float = None
    enough: float = None  # a figure of `server` that is good enough, whatever the ratio
    figure: str = None  # None: the row's; else a path into what `measure` returns
    beyond: bool = False  # the difference to `base`, not the ratio
    label: str = ""  # what that figure is, where it is not the row's


@dataclass(frozen=True)
class Row:
    """One scenario, run against each of `servers`."""

    name: str
    title: str
    figure: str  # path into what `measure` returns
    unit: str
    servers: tuple  # "herald", or "herald+tls": variants.py
    load: tuple  # more arguments of the load generator, or of the producer
    seconds: tuple  # (full, quick); None when it does not publish
    goals: tuple
    measure: Callable = streams.measure  # (row, server, build directory, quick) -> the figures of one run
    repeats: tuple = None  # (full, quick): how often, or how many, within one run
    notes: tuple = ()  # (label, path, unit) of more figures of Herald's
    also: tuple = ()  # (label, path) of more figures of every server, in columns of their own
    series: tuple = ()  # (label of x, of y, path to figures by x), a line for each server; or for Herald ((line, path), ...)
    once: bool = False  # one round, however many the others get
    full: bool = False  # measured by --full (and --only) alone
    judged_if: tuple = ()  # (path, least): below it a run of one of a goal's servers says nothing
    judged_when_quick: bool = True  # whether its goals mean something with --quick
