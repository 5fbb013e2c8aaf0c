"""``reconciler explain PATH S3-URI``: explain the state of one image. Makes no call that writes."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from reconciler.cli import flags, values
from reconciler.cli.commands import Command
from reconciler.cli.exits import OBSERVED
from reconciler.errors import gravest

if TYPE_CHECKING:
    from reconciler.core.explanation import Blame, Explanation
    from reconciler.core.validation.problem import Origin
    from reconciler.sources.directory import Directory


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=_path, metavar="PATH", help="spec tree or spec file")
    parser.add_argument(
        "source_ref",
        type=values.image,
        metavar="S3-URI",
        help="address of the image, as written in the specs",
    )
    flags.add_selectors(parser)
    flags.add_output(parser, "explain")
    flags.add_aws(parser)


def _path(text: str) -> str:
    if text.startswith("s3://"):
        raise values.Wrong(f"{text!r} is the image: name the spec tree before it, such as specs {text}")
    return text


def _run(args: argparse.Namespace) -> int:
    """Explain the image in every selected dataset that has it or could not be observed."""
    from reconciler.cli.output.show import show
    from reconciler.cli.specs import opened_specs
    from reconciler.cli.wiring import connected
    from reconciler.core.explanation import Explanation, ExplanationVerdict
    from reconciler.engine.usecases import each_dataset
    from reconciler.engine.usecases.explain import explain_image
    from reconciler.reports.explain.json import Explained

    with opened_specs(args) as (opened, _, found), connected(args, read_only=True) as wiring:
        explanations = explain_image(args.source_ref, found.datasets, wiring.context)
        explanations += tuple(
            Explanation(
                plan.name, None, ExplanationVerdict.UNKNOWN, errors=plan.errors, error_code=plan.exit_code
            )
            for plan in map(each_dataset.broken, found.broken)
        )
        writers = _writers(explanations, opened.tree)
    show("explain", Explained(args.source_ref, explanations, writers), args)
    return gravest([explanation.error_code for explanation in explanations])


def _writers(explanations: Iterable[Explanation], tree: Directory) -> dict[Origin, Blame]:
    """Return who last changed each line that the explanations cite, by git blame."""
    from reconciler.sources.git.revision import blame

    origins = {origin for explanation in explanations for origin in explanation.origins}
    if not origins:
        return {}
    paths = {tree.display(path): path for path in tree.files()}
    places = {
        origin: (tree.root / paths[origin.file]).resolve() for origin in origins if origin.file in paths
    }
    found = ((origin, blame(path, origin.line)) for origin, path in places.items())
    return {origin: by for origin, by in found if by}


COMMAND: Final = Command(
    name="explain",
    summary="explain the state of one image",
    example="reconciler explain specs s3://acme-flowers/train/spurge1.jpg",
    exits=OBSERVED,
    arguments=_arguments,
    work=_run,
    document="explain",
)
