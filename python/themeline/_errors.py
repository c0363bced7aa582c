"""What can go wrong, in the words of the command line."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")


class ThemelineError(Exception):
    """The work as a whole failed: the message says where, why and what to do next."""


class UsageError(ThemelineError, ValueError):
    """An option, a file or a table cannot be used as given."""


class TooManyRejects(ThemelineError):
    """The work was done, but more records were rejected than ``max_reject_rate`` allows.

    ``result`` is what was done all the same: a ``Run`` or ``Scored``, whose ``rejects`` say why.
    """

    result: Any = None


class ThemelineWarning(UserWarning):
    """What you should know of a result, such as documents without a date."""


def conclude(result: T, said: Iterable[str], too_many: str | None) -> T:
    """Warns of what was said, raises where there are too many rejects, else gives the result."""
    for warning in said:
        warnings.warn(warning, ThemelineWarning, stacklevel=3)
    if too_many is not None:
        error = TooManyRejects(too_many)
        error.result = result
        raise error
    return result
