"""
The budgets of the emulator: `python -m benchmarks.emulator [--entries 250000]`.

A listing to boto3 on the loopback, all pages in order, by one client: at least 500 pages a second, and the
emulator below 500 MB; its start below half a second. What a page takes is told apart: boto3 signs, sends and
parses, and that costs its own process more CPU than the answer costs the emulator. The budget is the
emulator's: pages over the time in which boto3 did not compute.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import boto3

PAGE: Final = 100
STARTS: Final = 5
ROUND: Final = 500

_COMMAND: Final = (sys.executable, "-m", "reconciler.emulator", "--listen", "127.0.0.1:0", "--rate", "0")
_NO_WAITING: Final = ("--create-seconds", "0", "--update-seconds", "0")


class Pace(NamedTuple):
    """
    One round of pages.

    Attributes:
        pages: How many came.
        seconds: From the first request to the last answer.
        computed: CPU seconds of boto3's process meanwhile.
    """

    pages: int
    seconds: float
    computed: float

    @property
    def rate(self) -> float:
        """Pages a second, boto3 included."""
        return self.pages / self.seconds

    @property
    def own_rate(self) -> float:
        """Pages a second of the emulator: without the time in which boto3 computed."""
        return self.pages / (self.seconds - self.computed)


class Figures(NamedTuple):
    """
    What was measured.

    Attributes:
        paces: One for each round of pages.
        peak_mb: Most memory that the emulator ever had, in MB.
    """

    paces: tuple[Pace, ...]
    peak_mb: float


@contextmanager
def running() -> Iterator[tuple[int, str, float]]:
    """Give an emulator's process number, its URL, and how many seconds it took to start."""
    began = time.perf_counter()
    process = subprocess.Popen((*_COMMAND, *_NO_WAITING), stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().strip() if process.stdout else ""
        yield process.pid, url, time.perf_counter() - began
    finally:
        process.terminate()
        process.communicate()


def fastest_start() -> float:
    """Return the seconds from the start of the process to the line with the URL, the best of five."""
    seconds = []
    for _ in range(STARTS):
        with running() as (_, _, took):
            seconds.append(took)
    return min(seconds)


def listing(entries: int) -> Figures:
    """List a dataset of so many entries to its end, and time every 500 pages."""
    with running() as (process, url, _):
        rekognition = _client(url)
        arn = filled(rekognition, entries)
        pages = iter(rekognition.get_paginator("list_dataset_entries").paginate(DatasetArn=arn))
        paces = tuple(iter(lambda: _pace(pages), None))
        peak_kb = Path(f"/proc/{process}/status").read_text().partition("VmHWM:")[2].split()[0]
    listed = sum(pace.pages for pace in paces)
    if listed != -(-entries // PAGE):
        raise SystemExit(f"{listed} pages of {entries} entries were listed")
    return Figures(paces, int(peak_kb) / 1024)


def _pace(pages: Iterator[Any]) -> Pace | None:
    """Time the next pages; None if there is none."""
    began, computed = time.perf_counter(), time.process_time()
    count = sum(1 for _, _ in zip(range(ROUND), pages, strict=False))
    return Pace(count, time.perf_counter() - began, time.process_time() - computed) if count else None


def _client(url: str) -> Any:
    return boto3.session.Session().client(
        "rekognition",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="x",
        aws_secret_access_key="y",  # noqa: S106  the emulator checks no signature
    )


def filled(rekognition: Any, entries: int) -> str:
    """Make a dataset of so many image-level entries, of two labels each; return its ARN."""
    project = rekognition.create_project(ProjectName="benchmark")["ProjectArn"]
    arn: str = rekognition.create_dataset(ProjectArn=project, DatasetType="TRAIN")["DatasetArn"]
    for start in range(0, entries, 5_000):
        lines = "\n".join(map(_line, range(start, min(entries, start + 5_000))))
        rekognition.update_dataset_entries(DatasetArn=arn, Changes={"GroundTruth": lines})
    return arn


def _line(number: int) -> str:
    line: dict[str, Any] = {"source-ref": f"s3://acme-flowers/train/{number:06}.jpg"}
    for name, label in (("flower", f"species-{number % 40}"), ("leaves", "with_leaves")):
        line[name] = 1
        line[f"{name}-metadata"] = {
            "confidence": 1,
            "class-name": label,
            "type": "groundtruth/image-classification",
            "human-annotated": "yes",
            "creation-date": "2021-07-11T03:32:13.456Z",
        }
    return json.dumps(line, separators=(",", ":"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--entries", type=int, default=250_000)
    args = parser.parse_args()
    print(f"start: {fastest_start():.2f} s, the best of {STARTS}")
    paces, peak_mb = listing(args.entries)
    for pace in paces:
        print(
            f"{pace.pages} pages of {PAGE}: {pace.rate:.0f} a second to boto3, which computed"
            f" {1000 * pace.computed / pace.pages:.1f} ms a page; {pace.own_rate:.0f} a second without that"
        )
    print(f"{args.entries} entries: {peak_mb:.0f} MB at the peak")


if __name__ == "__main__":
    main()
