"""``reconciler explain PATH S3-URI``: explain the state of one image. Makes no call that writes."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from reconciler.cli.output.show import show
from reconciler.cli.specs import opened_specs
from reconciler.cli.wiring import connected
from reconciler.core.explanation import Blame, Explanation, ExplanationVerdict
from reconciler.core.validation.problem import Origin
from reconciler.engine.usecases import each_dataset
from reconciler.engine.usecases.explain import explain_image
from reconciler.errors import gravest
from reconciler.reports.explain.json import Explained
from reconciler.sources.git.revision import blame
from reconciler.sources.trees.directory import Directory


def run(args: argparse.Namespace) -> int:
    """Explain the image in every selected dataset that has it or could not be observed."""
    with opened_specs(args) as (opened, _, found), connected(args, read_only=True) as wiring:
        explanations = explain_image(args.source_ref, found.datasets, wiring.context)
        broken = [each_dataset.broken(dataset) for dataset in found.broken]
        explanations += tuple(
            Explanation(
                plan.name, None, ExplanationVerdict.UNKNOWN, errors=plan.errors, error_code=plan.exit_code
            )
            for plan in broken
        )
        writers = _writers(explanations, opened.tree)
    show("explain", Explained(args.source_ref, explanations, writers), args)
    return gravest([explanation.error_code for explanation in explanations])


def _writers(stories: Iterable[Explanation], tree: Directory) -> dict[Origin, Blame]:
    """Return who last changed each line that the explanations cite, by git blame."""
    origins = {origin for explanation in stories for origin in explanation.origins}
    if not origins:
        return {}
    paths = {tree.display(path): path for path in tree.files()}
    found: dict[Origin, Blame] = {}
    for origin in origins:
        if origin.file in paths and (said := blame((tree.root / paths[origin.file]).resolve(), origin.line)):
            found[origin] = said
    return found
