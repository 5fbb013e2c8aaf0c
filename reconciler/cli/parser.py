"""Every command and its flags, with help that teaches."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from reconciler import __version__
from reconciler.cli import values
from reconciler.cli.controller import arguments as run_flags
from reconciler.cli.convert_flags import add_convert
from reconciler.cli.exits import ALWAYS, MEANINGS, OF_COMMAND, explained
from reconciler.cli.flags import add_aws, add_globals, add_guards, add_output, add_selection
from reconciler.cli.propose_flags import add_explain, add_propose
from reconciler.cli.restore_flags import add_rebuild, add_restore
from reconciler.cli.usage import CommandParser, Parser
from reconciler.reports.registry import FORMATS

_START: Final = """\
start here, without an AWS account:
  reconciler validate specs
  reconciler plan specs --local
  reconciler apply specs --local

exit codes:
"""

SCHEMAS: Final = ("dataset", "entries", "acknowledgement", *FORMATS)


class Command(NamedTuple):
    """
    One command.

    Attributes:
        module: Where its `run(args) -> int` stands, below `reconciler.cli.commands`.
    """

    name: str
    summary: str
    example: str
    arguments: Callable[[argparse.ArgumentParser], None]

    @property
    def module(self) -> str:
        return f"reconciler.cli.commands.{self.name}"


def build(words: Sequence[str], *, whole: bool) -> argparse.ArgumentParser:
    """
    Return the command line.

    Args:
        words: What was typed. Only a command that is named there gets its own flags, since making them all takes
            longer than many a command.
        whole: Give every command its flags.
    """
    parser = Parser(
        prog="reconciler",
        description="Git-managed datasets for Amazon Rekognition Custom Labels.",
        epilog=_START + explained(MEANINGS),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"reconciler {__version__}")
    subparsers = parser.add_subparsers(
        title="commands (COMMAND --help tells more)",
        dest="command",
        metavar="COMMAND",
        required=True,
        parser_class=CommandParser,
    )
    add_globals(parser, default=True)
    for command in COMMANDS:
        codes = explained((*OF_COMMAND.get(command.name, ()), *ALWAYS))
        sub = subparsers.add_parser(
            command.name,
            help=command.summary,
            description=command.summary[0].upper() + command.summary[1:] + ".",
            epilog=f"example:\n  {command.example}\n\nexit codes:\n{codes}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if whole or command.name in words:
            command.arguments(sub)
            add_globals(sub, default=False)
        sub.set_defaults(module=command.module)
    return parser


def _validate(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    add_output(parser, "validate")


def _plan(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    add_output(parser, "plan")
    parser.add_argument(
        "--detailed-exitcode", action="store_true", help="exit 2 for pending changes, 4 for drift"
    )
    parser.add_argument(
        "--out",
        type=values.writable_file,
        metavar="FILE",
        help="also write the plan as JSON, for apply --plan",
    )
    parser.add_argument(
        "--observed",
        type=values.readable_file,
        metavar="FILE.jsonl",
        help="compare with a listing kept in a file; AWS is not asked",
    )
    much = parser.add_mutually_exclusive_group()
    much.add_argument("--all", action="store_true", help="show every change, not only the first")
    much.add_argument(
        "--summary", action="store_true", help="show only what differs, a line a dataset, and the sum"
    )
    add_guards(parser)
    add_aws(parser)


def _drift(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    add_output(parser, "drift")
    parser.add_argument(
        "--report",
        type=values.writable_file,
        metavar="FILE",
        help="also write a report; its name says which: .html .json .md .xml (JUnit) .sarif .txt",
    )
    parser.add_argument(
        "--thumbnails",
        type=values.whole(0),
        default=100,
        metavar="N",
        help="most images that are read from S3 for an HTML report; 0 for none (default: 100; needs Pillow)",
    )
    parser.add_argument(
        "--remember",
        action="store_true",
        help="note in the state directory since when what is drifted, and how often",
    )
    parser.add_argument("--all", action="store_true", help="show every image, not only the first")
    add_aws(parser)


def _apply(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    add_output(parser, "apply")
    parser.add_argument(
        "--plan", type=values.readable_file, metavar="FILE", help="apply exactly this plan, or nothing"
    )
    parser.add_argument(
        "--detailed-exitcode",
        action="store_true",
        help="exit 2 if a policy withholds what git asks for, 4 if it withholds what AWS alone moved",
    )
    add_guards(parser)
    add_aws(parser)


def _export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--project", type=values.project, required=True, metavar="NAME", help="Rekognition project"
    )
    parser.add_argument("--type", required=True, choices=("TRAIN", "TEST"), help="which of its datasets")
    parser.add_argument(
        "-d",
        "--directory",
        type=values.creatable_directory,
        required=True,
        metavar="DIR",
        help="where the spec is written",
    )
    parser.add_argument("--force", action="store_true", help="replace files that are there and differ")
    add_output(parser)
    add_aws(parser)


def _run(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    add_output(parser, "apply")
    run_flags.add_arguments(parser)
    add_aws(parser)


def _schema(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=SCHEMAS, metavar="KIND", help=", ".join(SCHEMAS))


def _emulator(parser: argparse.ArgumentParser) -> None:
    from reconciler.emulator.command import add_arguments

    add_arguments(parser)


def _status(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    parser.set_defaults(path=None)  # without specs it tells what it remembers
    add_output(parser, "status")


def _doctor(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    add_output(parser, "doctor")
    add_aws(parser)


def _iam(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("level", choices=("read", "write", "rebuild"), help="what the policy is to allow")
    parser.add_argument(
        "--bucket",
        type=values.bucket,
        metavar="s3://BUCKET/PREFIX",
        help="of rebuild: where it keeps manifests",
    )
    add_selection(parser)


COMMANDS: Final[Sequence[Command]] = (
    Command("validate", "check specs offline; no socket is opened", "reconciler validate specs", _validate),
    Command("plan", "show what apply would do; writes nothing", "reconciler plan specs --local", _plan),
    Command(
        "apply", "bring datasets to what is desired, and prove it", "reconciler apply specs --local", _apply
    ),
    Command("run", "keep datasets as desired, for months", "reconciler run specs --local", _run),
    Command(
        "drift",
        "show what moved outside git; read-only",
        "reconciler drift specs --report drift.html",
        _drift,
    ),
    Command(
        "propose",
        "take what was labelled in AWS into git, as a patch",
        "reconciler propose specs --patch keep.patch",
        add_propose,
    ),
    Command(
        "explain",
        "tell one image's whole story",
        "reconciler explain specs s3://acme-flowers/train/spurge1.jpg",
        add_explain,
    ),
    Command(
        "restore",
        "bring back what an apply overwrote",
        "reconciler restore specs --dataset flowers-train --apply",
        add_restore,
    ),
    Command(
        "rebuild",
        "delete a dataset and make it anew, without its orphans",
        "reconciler rebuild specs --dataset flowers-train --plan-digest HEX --bucket s3://acme/rebuilds",
        add_rebuild,
    ),
    Command(
        "export",
        "write an existing dataset as a spec",
        "reconciler export --project flowers --type TRAIN -d specs/flowers",
        _export,
    ),
    Command(
        "convert",
        "turn labels of other formats into JSON Lines",
        "reconciler convert coco instances.json --base s3://acme-boards/train/ -o train.jsonl",
        add_convert,
    ),
    Command("status", "show the last known state, without asking AWS", "reconciler status", _status),
    Command(
        "schema",
        "print a JSON Schema, for editors and scripts",
        "reconciler schema dataset > dataset.schema.json",
        _schema,
    ),
    Command("iam", "print a least-privilege policy", "reconciler iam write specs", _iam),
    Command(
        "doctor",
        "check credentials, account, permissions and datasets; read-only",
        "reconciler doctor specs --local",
        _doctor,
    ),
    Command(
        "emulator",
        "run the Rekognition dataset API locally",
        "reconciler emulator --listen 127.0.0.1:4599",
        _emulator,
    ),
)
