"""What callers give → what the engine takes: options as JSON, inputs as text, a progress bar."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from typing import Any, Iterator

Told = Callable[[str, int], None]


# Arguments of our functions that are no options of the engine.
_OURS = {"self", "inputs", "out", "config", "progress"}


def as_json(arguments: Mapping[str, Any]) -> str:
    """Of the arguments of a call the options that were given, with paths as text."""
    given = {
        name: value
        for name, value in arguments.items()
        if value is not None and name not in _OURS
    }
    return json.dumps(given, default=os.fspath)


def as_inputs(inputs: Any) -> list[str]:
    """One path or many, as text."""
    if isinstance(inputs, (str, os.PathLike)):
        return [os.fspath(inputs)]
    if isinstance(inputs, Iterable):
        return [os.fspath(path) for path in inputs]
    raise TypeError(f"inputs are paths (files, folders, globs), not a {type(inputs).__name__}")


def is_table(table: Any) -> bool:
    """Whether this is a table: a data frame, or whatever else gives an Arrow stream."""
    return hasattr(table, "__arrow_c_stream__")


@contextmanager
def told(progress: bool) -> Iterator[Told | None]:
    """Where the engine tells its progress: a bar of tqdm where that is installed, else a line on a terminal,
    else nothing."""
    if not progress:
        yield None
        return
    bar = _tqdm()
    if bar is None:
        yield _line if sys.stderr.isatty() else None
        return

    def tell(stage: str, n: int) -> None:
        if n < bar.n or stage != bar.desc.removesuffix(": "):
            bar.reset()
        bar.set_description(stage, refresh=False)
        bar.update(n - bar.n)

    try:
        yield tell
    finally:
        bar.close()


def _tqdm() -> Any | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a notebook has no widgets: it draws text then
            from tqdm.auto import tqdm

            return tqdm(desc="reading", unit=" records", leave=False)
    except ImportError:
        return None


def _line(stage: str, n: int) -> None:
    print(f"\r{stage}: {n} records   ", end="", file=sys.stderr, flush=True)
