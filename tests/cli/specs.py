"""The specs of one small dataset, as text."""

from __future__ import annotations

from collections.abc import Mapping


def dataset(
    policy: str = "mode: upsert",
    *,
    name: str = "bees",
    project: str = "bees",
    kind: str = "TRAIN",
    file: str = "images.yaml",
    limits: str = "",
) -> str:
    """Return the document of a dataset, which is created where it is missing."""
    return (
        f"apiVersion: reconciler/v1\nkind: Dataset\nmetadata: {{name: {name}}}\nspec:\n"
        f"  target: {{project: {project}, type: {kind}, create: true}}\n"
        f"  entries: [{{file: {file}}}]\n  policy: {{{policy}}}\n  limits: {{{limits}}}\n"
    )


def images(labels: Mapping[str, str]) -> str:
    """Return entries with one label each, in the YAML shorthand."""
    head = (
        "apiVersion: reconciler/v1\nkind: Entries\nbase: s3://b/\ncreatedAt: 2026-03-01T12:00:00\nimages:\n"
    )
    return head + "".join(f"  - {{image: {name}, labels: [{label}]}}\n" for name, label in labels.items())
