"""Executes the notebooks from top to bottom; with --render, also writes them with their outputs as Markdown.

    python notebooks/execute.py [--render docs/notebooks] [NOTEBOOK ...]

A cell that fails ends it, and so does a notebook that was saved with outputs: outputs are kept out of git.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert import MarkdownExporter

HERE = Path(__file__).resolve().parent
# All rendered notebooks together, in bytes.
MOST = 300_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--render", type=Path, help="folder for the rendered copies")
    asked = parser.parse_args()
    # The kernel finds the command beside its interpreter, as an activated environment would.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    for path in asked.notebooks or sorted(HERE.glob("*.ipynb")):
        book = nbformat.read(path, as_version=4)
        refuse_outputs(path, book)
        start = time.monotonic()
        execute(book)
        print(f"{path.name}: executed in {time.monotonic() - start:.0f} s")
        if asked.render:
            render(book, path.stem, asked.render)
    return 0 if asked.render is None else refuse_size(asked.render)


def refuse_outputs(path: Path, book: nbformat.NotebookNode) -> None:
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    if any(cell.outputs or cell.execution_count for cell in cells):
        sys.exit(f"{path}: it holds outputs; clear them before you commit it")


def execute(book: nbformat.NotebookNode) -> None:
    """Runs the cells in a folder of their own, which has the examples beside it."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "examples").symlink_to(HERE.parent / "examples")
        NotebookClient(book, timeout=1200, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()


def render(book: nbformat.NotebookNode, name: str, folder: Path) -> None:
    resources = {"unique_key": name, "output_files_dir": name}
    text, resources = MarkdownExporter().from_notebook_node(book, resources)
    for file, content in resources["outputs"].items():
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    # What a terminal would have drawn over: the spinner, and the codes that clear its line.
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    lines = [line.rstrip() for line in text.splitlines() if not re.match(r"\s*[\u2800-\u28ff]", line)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text("\n".join(lines).strip() + "\n", encoding="utf-8")


def refuse_size(folder: Path) -> int:
    n_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"rendered: {n_bytes:,} bytes")
    return int(n_bytes > MOST)


if __name__ == "__main__":
    sys.exit(main())
