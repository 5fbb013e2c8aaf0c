"""
The budgets of the emulator: `python -m benchmarks.emulator [--entries 250000]`.

A listing to boto3 on the loopback, all pages in order, by one client: at least 500 pages a second, and the
emulator below 500 MB; its start below half a second. A page costs both sides: boto3 signs, sends and
parses, and that costs its own process more CPU than the answer costs the emulator. The budget is the
emulator's: pages over the time in which boto3 did not compute.

`--bystander` measures instead how long DescribeDataset of one account takes while another imports a manifest of
so many entries: less than 100 ms for 99 of 100 calls.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import boto3
from botocore.config import Config

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
def running(*words: str) -> Iterator[tuple[int, str, float]]:
    """Give an emulator's process number, its URL, and how many seconds it took to start."""
    began = time.perf_counter()
    process = subprocess.Popen((*_COMMAND, *_NO_WAITING, *words), stdout=subprocess.PIPE, text=True)
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
        rekognition = client(url)
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


def client(
    url: str, service: str = "rekognition", account: str = "111122223333", config: Config | None = None
) -> Any:
    return boto3.session.Session().client(
        service,
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=account,
        aws_secret_access_key="y",  # noqa: S106  the emulator checks no signature
        config=config or Config(read_timeout=600),
    )


def filled(rekognition: Any, entries: int) -> str:
    """Make a dataset of so many image-level entries, of two labels each; return its ARN."""
    project = rekognition.create_project(ProjectName="benchmark")["ProjectArn"]
    arn: str = rekognition.create_dataset(ProjectArn=project, DatasetType="TRAIN")["DatasetArn"]
    for start in range(0, entries, 5_000):
        lines = "\n".join(map(_line, range(start, min(entries, start + 5_000))))
        rekognition.update_dataset_entries(DatasetArn=arn, Changes={"GroundTruth": lines})
    return arn


def bystander(entries: int) -> tuple[list[float], list[float], float]:
    """
    Call DescribeDataset at rest, and while another account imports a manifest.

    Returns:
        The sorted seconds of each call at rest, of each meanwhile, and how long the import took.
    """
    with running() as (_, url, _):
        other, importer, s3 = (client(url, *who) for who in (("rekognition", "222233334444"), (), ("s3",)))
        arn = filled(other, 100)
        s3.create_bucket(Bucket="manifests")
        manifest = io.BytesIO("\n".join(map(_line, range(entries))).encode())
        s3.upload_fileobj(manifest, "manifests", "train.manifest")
        source = {"GroundTruthManifest": {"S3Object": {"Bucket": "manifests", "Name": "train.manifest"}}}
        project = importer.create_project(ProjectName="benchmark")["ProjectArn"]

        def call() -> float:
            began = time.perf_counter()
            other.describe_dataset(DatasetArn=arn)
            return time.perf_counter() - began

        at_rest = sorted(call() for _ in range(ROUND))
        began, meanwhile = time.perf_counter(), []
        with ThreadPoolExecutor(1) as thread:
            done = thread.submit(
                importer.create_dataset, ProjectArn=project, DatasetType="TRAIN", DatasetSource=source
            )
            while not done.done():
                meanwhile.append(call())
            took = time.perf_counter() - began
        imported = importer.describe_dataset(DatasetArn=done.result()["DatasetArn"])["DatasetDescription"]
    if imported["DatasetStats"]["TotalEntries"] != entries:
        raise SystemExit(f"{imported} is not what was imported")
    return at_rest, sorted(meanwhile), took


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
    parser.add_argument("--bystander", action="store_true")
    args = parser.parse_args()
    if args.bystander:
        print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        at_rest, meanwhile, took = bystander(args.entries)
        print(f"{args.entries} entries were imported in {took:.0f} s; load after: {os.getloadavg()[0]:.1f}")
        for name, seconds in (("at rest", at_rest), ("meanwhile", meanwhile)):
            shown = (f"{1000 * seconds[int(len(seconds) * share)]:.0f}" for share in (0.5, 0.9, 0.99))
            print(f"{name}: {len(seconds)} calls; p50, p90 and p99 are {', '.join(shown)} ms")
        return
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
