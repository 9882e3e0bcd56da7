"""Runs the notebooks, and writes them as pages: ``make gallery``.

The pages hold their charts, and load nothing from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
PAGES = HERE.parent / "docs" / "gallery"
NAMES = ("quickstart", "deliverability", "cost", "replies_and_optouts", "send_outcomes")
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="source" content="{source}">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 sans-serif; color: #1b2631; max-width: 760px; margin: 2em auto; padding: 0 1em }}
nav a {{ margin-right: 1em }} .anchor-link {{ display: none }} .jp-OutputArea-output {{ overflow-x: auto }}
table {{ border-collapse: collapse }} td, th {{ padding: 2px 10px; text-align: left }} pre {{ overflow: auto }}
</style>
<nav>{links}</nav>
<p>Made-up data, from <code>clicksend sandbox</code>.</p>
{body}
</html>
"""


def source(name: str) -> str:
    """Return a digest of what a page is made from: its notebook and the charts."""
    files = (HERE / f"{name}.ipynb", HERE / "charts.py", Path(__file__))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def described(page: str) -> str:
    """Return a page whose charts carry their titles as text, for those who do not see them."""

    def image(found: re.Match[str]) -> str:
        chart = base64.b64decode(found[2]).decode()
        heading = re.search("role-title-text.*?<text[^>]*>([^<]+)<", chart)
        return f'<img alt="{heading[1] if heading else ""}"{found[1]}{found[2]}"'

    return re.sub('<img alt="[^"]*"([^>]*base64,)([^"]+)"', image, page)


def main() -> None:
    """Write all pages."""
    # In the notebooks' environment only; a test asks for the digest in its own.
    import nbformat  # noqa: PLC0415
    from nbclient import NotebookClient  # noqa: PLC0415
    from nbconvert import HTMLExporter  # noqa: PLC0415

    PAGES.mkdir(exist_ok=True)
    exporter = HTMLExporter(template_name="basic", exclude_input=True, exclude_output_prompt=True)
    # A warning that the kernel's connections, all on this machine, are not encrypted.
    quiet = ["--log-level=ERROR"]
    links = " ".join(f'<a href="{name}.html">{name.replace("_", " ")}</a>' for name in NAMES)
    for name in NAMES:
        notebook = nbformat.read(HERE / f"{name}.ipynb", as_version=4)
        folder = {"metadata": {"path": HERE}}
        NotebookClient(notebook, timeout=600, resources=folder, extra_arguments=quiet).execute()
        notebook.cells = [one for one in notebook.cells if "figures" not in one.metadata.get("tags", [])]
        body = exporter.from_notebook_node(notebook)[0].replace('"../docs/', '"../')
        title = notebook.cells[0].source.splitlines()[0].lstrip("# ")
        page = PAGE.format(source=source(name), title=title, links=links, body=described(body))
        (PAGES / f"{name}.html").write_text(page, encoding="utf-8")
        sys.stdout.write(f"{PAGES / name}.html\n")


if __name__ == "__main__":
    main()
