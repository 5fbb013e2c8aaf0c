"""``reconciler check-images``: check the images of each dataset in S3. Makes no call that writes."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import flags
from reconciler.cli.commands import Command
from reconciler.cli.exits import OBSERVED


def _arguments(parser: argparse.ArgumentParser) -> None:
    flags.add_selection(parser)
    flags.add_output(parser, "check-images")
    parser.add_argument(
        "--all", action="store_true", help="show every problem, not only the first 100 of each file"
    )
    parser.add_argument(
        "--full", action="store_true", help="read every image, even if it is as it was at the last check"
    )
    parser.add_argument(
        "--near-duplicates",
        action="store_true",
        help="also read every image whole, and warn of test images that look like training images; needs Pillow",
    )
    flags.add_aws(parser, region=True)


def _run(args: argparse.Namespace) -> int:
    """Print the problems of the images of every selected dataset."""
    from reconciler.cli.output.show import show
    from reconciler.cli.output.terminal import announce
    from reconciler.cli.pictures import side_by_side
    from reconciler.cli.specs import reading
    from reconciler.cli.wiring import connected
    from reconciler.core.images.report import ImagesCheck
    from reconciler.engine.usecases.check_images import Tools, broken, check_each
    from reconciler.errors import UsageError
    from reconciler.reports.pictures import available, picture_hash

    if args.near_duplicates and not available():
        raise UsageError(
            "--near-duplicates needs Pillow: pip install 'rekognition-dataset-reconciler[images]'"
        )
    with reading(args) as found, connected(args, read_only=False) as wiring:
        tools = Tools(
            images_of=lambda desired: wiring.images(desired.target),
            memory=wiring.memory.images,
            progress=wiring.progress,
            announce=announce,
            full=args.full,
            hash_of=picture_hash if args.near_duplicates else None,
        )
        seen = check_each(found.datasets, tools)
        check = ImagesCheck((*seen, *map(broken, found.broken)), found.revision)
        pictures = side_by_side(check, found.datasets, wiring) if args.output == "html" else {}
    show("check-images", check, args, thumbnails=pictures)
    return check.exit_code


COMMAND: Final = Command(
    name="check-images",
    summary="check that the images in S3 exist, and are as their lines say; read-only",
    example="reconciler check-images specs",
    exits=OBSERVED,
    arguments=_arguments,
    work=_run,
    document="check-images",
)
