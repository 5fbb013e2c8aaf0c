"""``reconciler check-images``: check the images of each dataset in S3. Makes no call that writes."""

from __future__ import annotations

import argparse
import sys

from reconciler.cli.output.show import show
from reconciler.cli.specs import reading
from reconciler.cli.wiring import connected
from reconciler.core.images.report import ImagesCheck
from reconciler.engine.usecases.check_images import Forecast, Tools, broken, check_each
from reconciler.reports.visible import counted


def run(args: argparse.Namespace) -> int:
    """Print what is wrong with the images of every selected dataset."""
    with reading(args) as found, connected(args, read_only=False) as wiring:
        tools = Tools(
            images_of=lambda desired: wiring.images(desired.target),
            memory=wiring.memory.images,
            progress=wiring.progress,
            announce=announce,
            full=args.full,
        )
        seen = check_each(found.datasets, tools)
        check = ImagesCheck((*seen, *map(broken, found.broken)), found.revision)
    show("check-images", check, args)
    return check.exit_code


def announce(forecast: Forecast) -> None:
    """Say on stderr how many requests a step takes, before the first of them."""
    images, requests = counted(forecast.images, "image"), counted(forecast.requests, "request")
    if forecast.places:
        text = f"looking up {images} in {', '.join(forecast.places)}: {requests} or more"
    else:
        text = f"reading {images} that are new or changed: {requests}, and more for long headers"
    sys.stderr.write(f"{forecast.dataset}: {text}\n")
