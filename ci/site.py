"""Hooks of MkDocs: the pages of the site that are kept elsewhere in the repository, and the links between them."""

from __future__ import annotations

import json
import posixpath
import re
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]

# Files outside docs/, and the pages that they become.
PAGES: Final = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "deploy/README.md": "deploy.md",
}
_SOURCES: Final = {page: source for source, page in PAGES.items()}
_LINK: Final = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")
_IMAGE: Final = re.compile(r'(src|srcset)="docs/([^"]+)"')


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are kept elsewhere, and the JSON Schemas."""
    from mkdocs.structure.files import File

    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text("utf-8")))
    for path in sorted((ROOT / "schemas").glob("*.json")):
        files.append(File.generated(config, f"schemas/{path.name}", content=path.read_text("utf-8")))
    files.append(File.generated(config, "schemas.md", content=_schemas()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Point links at pages of the site; a link to any other file of the repository becomes its text."""
    source = _SOURCES.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    directory = posixpath.dirname(source)

    def rewritten(link: re.Match[str]) -> str:
        text, target, section = link[1], posixpath.normpath(posixpath.join(directory, link[2])), link[3] or ""
        if target in PAGES:
            return f"[{text}]({PAGES[target]}{section})"
        if target == "schemas":
            return f"[{text}](schemas.md)"
        if target.startswith("docs/"):
            return f"[{text}]({target.removeprefix('docs/')}{section})"
        return text

    return _IMAGE.sub(r'\1="\2"', _LINK.sub(rewritten, markdown))


def _schemas() -> str:
    """Return the page that lists the JSON Schemas, each with its top-level keys."""
    lines = [
        "# JSON Schemas\n",
        "`reconciler schema KIND` prints each. Further keys may be added within one version of a document.\n",
        "| document | describes | keys |",
        "|---|---|---|",
    ]
    for path in sorted((ROOT / "schemas").glob("*.json")):
        schema = json.loads(path.read_text("utf-8"))
        about = " ".join(str(schema.get("description", "")).split()).replace("|", "\\|")
        keys = ", ".join(f"`{key}`" for key in schema.get("properties", {}))
        lines.append(f"| [{path.stem}](schemas/{path.name}) | {about} | {keys} |")
    return "\n".join(lines) + "\n"
