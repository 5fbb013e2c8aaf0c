"""``reconciler iam LEVEL``: print an IAM policy with exactly the actions that are used."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.cli import flags, values
from reconciler.cli.commands import Command
from reconciler.cli.exits import say
from reconciler.errors import Exit, ManifestUnavailable, exit_code_of_problems


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "level", choices=("read", "write", "rebuild", "check-images"), help="what the policy allows"
    )
    parser.add_argument(
        "--bucket",
        type=values.bucket,
        metavar="s3://BUCKET/PREFIX",
        help="for rebuild: where manifests are stored (default: the buckets of the images); for check-images: "
        "where images are (default: where the specs say)",
    )
    parser.add_argument(
        "--project",
        type=values.project,
        metavar="NAME",
        help="for both datasets of this Rekognition project, before there is a spec of them",
    )
    flags.add_events(parser, "add the permissions that run --events needs on this queue")
    flags.add_selection(parser)
    flags.add_download(parser)


def _run(args: argparse.Namespace) -> int:
    """Print the policy for the selected datasets."""
    import json

    from reconciler.cli.output.terminal import out
    from reconciler.cli.specs import reading, s3_place
    from reconciler.core.iam import AccessLevel, policy
    from reconciler.core.spec.choices import DatasetType, ImagePolicy
    from reconciler.core.spec.documents import Target

    queue = args.events.arn if args.events else None
    if args.project:
        both = [Target(project=args.project, type=kind) for kind in DatasetType]
        place = "/".join(filter(None, s3_place(args.bucket))) if args.bucket else "*"
        out(json.dumps(policy(AccessLevel(args.level), both, [place], queue=queue), indent=2))
        return Exit.DONE
    with reading(args) as found:
        targets = [dataset.target for dataset in found.datasets]
        refs = {ref for dataset in found.datasets for ref in dataset.index.source_refs}
        checked = [one for one in found.datasets if one.policy.images is not ImagePolicy.IGNORE]
        images = set(_places((ref for one in checked for ref in one.index.source_refs), folders=True))
        sources = [one for dataset in found.datasets for one in dataset.loaded.spec.spec.entries]
        manifests = [one.pinned for one in sources if one.pinned is not None]
        of_entries = checked or args.level not in (AccessLevel.READ, AccessLevel.WRITE)
        needless = None if of_entries else ManifestUnavailable.code
        errors = [problem for problem in found.errors if problem.code != needless]
    if args.bucket:
        places = {"/".join(filter(None, s3_place(args.bucket)))}
    else:
        places = set(_places(refs, folders=args.level == AccessLevel.IMAGES))
    out(json.dumps(policy(AccessLevel(args.level), targets, places, images, queue, manifests), indent=2))
    if errors:
        say(f"{errors[0].origin}: {errors[0].message}; the policy may be incomplete; run validate")
        return exit_code_of_problems(problem.code for problem in errors)
    return Exit.DONE


def _places(refs: Iterable[str], *, folders: bool) -> Iterator[str]:
    """
    Yield each bucket of the images once: a rebuild stores its manifests there unless --bucket is given.

    Args:
        folders: Add the directory that all images of the bucket share.
    """
    from itertools import groupby

    from reconciler.core.entries.entry import bucket_and_key
    from reconciler.core.entries.pattern import shared_directory

    addresses = sorted(map(bucket_and_key, refs))
    for bucket, group in groupby(addresses, key=lambda address: address[0]):
        yield f"{bucket}/{shared_directory([key for _, key in group])}" if folders else bucket


COMMAND: Final = Command(
    name="iam",
    summary="print a least-privilege IAM policy",
    example="reconciler iam write specs",
    exits=(Exit.DONE, Exit.UNKNOWN, Exit.INVALID, Exit.DENIED),
    arguments=_arguments,
    work=_run,
)
