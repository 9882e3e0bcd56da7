"""Runs a notebook, in the notebooks' environment, and prints what came of it as JSON."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient


def main(path: Path) -> None:
    """Print figures, charts (SVG) and everything else that the cells have put out."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": path.parent}}).execute()
    outputs: list[Any] = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [output.get("data", {}) for output in outputs]
    [figures] = [cell for cell in notebook.cells if "figures" in cell.metadata.get("tags", [])]
    result = {
        "figures": ast.literal_eval(figures.outputs[-1]["data"]["text/plain"]),
        "charts": [one["image/svg+xml"] for one in shown if "image/svg+xml" in one],
        "sentences": [one["text/markdown"] for one in shown if "text/markdown" in one],
        "streams": [output["text"] for output in outputs if output["output_type"] == "stream"],
    }
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
