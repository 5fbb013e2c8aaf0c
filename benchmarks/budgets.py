"""The budgets: what is measured, what is allowed, and what it means to a user."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks import aws, conversion, drift_page, images, incremental, several, specs
from benchmarks.datasets import SHAPES
from benchmarks.measure import Cost, Setting, start


@dataclass(frozen=True, slots=True)
class Budget:
    """
    One budget.

    Attributes:
        name: Unique, short, and stable: figures are compared by it.
        what: What is measured, for the table.
        unit: Of the figure; empty for a ratio.
        most: The largest figure allowed.
        means: What it means to a user.
        measure: Returns the figure of each repetition.
    """

    name: str
    what: str
    unit: str
    most: float
    means: str
    measure: Callable[[Setting], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of one budget, at least one."""

    budget: Budget
    figures: tuple[float, ...]

    @property
    def best(self) -> float:
        return min(self.figures)

    @property
    def is_met(self) -> bool:
        """Tell by the least figure: what others do on the machine only ever adds to it."""
        return self.best <= self.budget.most

    def as_json(self) -> dict[str, Any]:
        spread = {"least": self.best, "most": max(self.figures), "runs": len(self.figures)}
        return spread | {"unit": self.budget.unit, "allowed": self.budget.most, "met": self.is_met}


def _cold_plan(name: str) -> Budget:
    return Budget(
        f"plan: {name}",
        f"CPU of a cold plan, validation included, ÷ `orjson.loads` of both sides; {name}",
        "×",
        2.0 if name == "boxes" else 2.5,
        "what comparing costs beside the reading that cannot be avoided",
        lambda setting: specs.cold_plan(setting, SHAPES[name]),
    )


def _of_all(
    command: str,
    measure: Callable[[Setting, str], Sequence[Cost]],
    form: str,
    cpu: float,
    mb: float | None = None,
) -> Iterator[Budget]:
    """Yield the budgets of all images in or out: of CPU, and of memory if there is one."""
    what = f"of `{command} {form}` of as many images, with 2.5 boxes each"
    means = "labels come and go while one waits, whatever their number"
    name = f"{command.split()[0]} {form}: all,"

    def seconds(setting: Setting) -> list[float]:
        return [cost.cpu for cost in measure(setting, form)]

    def peak(setting: Setting) -> list[float]:
        return [cost.peak_mb for cost in measure(setting, form)]

    yield Budget(f"{name} CPU", f"CPU {what}", "s", cpu, means, seconds)
    if mb is not None:
        yield Budget(f"{name} memory", f"peak memory {what}", "MB", mb, "a small container does", peak)


BUDGETS: Final = (
    Budget(
        "start",
        "CPU of `reconciler --version`",
        "ms",
        150,
        "help and completion answer at once",
        lambda setting: [1000 * start("--version") for _ in range(setting.runs)],
    ),
    *map(_cold_plan, SHAPES),
    Budget(
        "plan: memory",
        "peak memory of the plan of boxes",
        "MB",
        250,
        "a container of 512 MB holds the largest dataset that AWS allows",
        specs.memory,
    ),
    Budget(
        "plan: growth",
        "CPU an entry beyond start in two datasets of that size ÷ in one of the twentieth part of both",
        "×",
        1.15,
        "twice the images take twice the time, and not more",
        several.growth,
    ),
    Budget(
        "plan: memory, two datasets",
        "peak memory of the plans of both, of all processes together",
        "MB",
        450,
        "a project with as many images to train and to test with as AWS allows fits beside other programs",
        several.memory,
    ),
    Budget(
        "explain",
        "CPU of naming every differing field of a changed entry",
        "µs",
        100,
        "a plan with 20,000 changes names all of their fields",
        specs.explain,
    ),
    Budget(
        "validate: again",
        "CPU of `validate` after 1 % of the lines changed ÷ `orjson.loads` of the file",
        "×",
        0.6,
        "a check before each commit takes a moment",
        specs.validate_again,
    ),
    Budget(
        "validate: wrong",
        "CPU of `validate` with 4 % of the lines wrong ÷ with none",
        "×",
        2.0,
        "a broken export is reported as fast as a sound one",
        specs.validate_wrong,
    ),
    Budget(
        "validate: two cores",
        "wall of `validate` of four large files on two cores ÷ on one",
        "×",
        0.6,
        "a tree with several datasets is checked on all cores",
        several.two_cores,
    ),
    Budget(
        "validate: two cores, memory",
        "peak memory of it, of all processes together, on two cores ÷ on one",
        "×",
        2.0,
        "it needs no larger container for that",
        several.memory_of_two_cores,
    ),
    Budget(
        "one edit: calls",
        "calls of AWS for one edited line, from the plan to the proof, in a dataset that was listed before",
        "calls",
        8,
        "one label is in place within seconds, whatever the size of the dataset",
        incremental.one_edit,
    ),
    Budget(
        "one edit: pages",
        "pages of entries among them",
        "pages",
        3,
        "what is not in question is not read",
        incremental.pages_of_one_edit,
    ),
    Budget(
        "1,000 edits: calls",
        "the same for 1,000 edited lines, all images of one folder",
        "calls",
        30,
        "a relabelled folder costs about what it is long",
        incremental.a_folder,
    ),
    Budget(
        "no edit: calls",
        "calls of `plan`, and of `drift`, where nothing changed since the last listing",
        "calls",
        2,
        "drift can be checked every minute",
        incremental.nothing,
    ),
    Budget(
        "no edit: CPU",
        "CPU of `plan`, or of `drift`, there, beyond its start ÷ `orjson.loads` of the specs",
        "×",
        0.3,
        "it costs little more than to start the program",
        incremental.nothing_cpu,
    ),
    Budget(
        "one edit: proof",
        "from an edited line to its proof by a running controller, without the update itself",
        "s",
        10,
        "a commit is in place while its author looks on",
        incremental.seconds_to_proof,
    ),
    Budget(
        "check-images: requests",
        "requests of `check-images` where one image in 100 was replaced since the last check ÷ the fewest: a page "
        "of a thousand, and one for each new image",
        "×",
        1.01,
        "what is known is not read",
        images.requests,
    ),
    Budget(
        "check-images: CPU",
        "CPU of it for each image of the dataset",
        "µs",
        200,
        "the largest dataset that AWS allows is checked in a minute of CPU",
        images.cpu,
    ),
    Budget(
        "check-images: memory",
        "peak memory of it",
        "MB",
        250,
        "a container of 512 MB checks the largest dataset that AWS allows",
        images.memory,
    ),
    Budget(
        "listing: wall",
        "wall of listing at 5 calls a second ÷ a fifth of a second a page",
        "×",
        1.01,
        "a listing takes as long as AWS asks for, and not longer",
        aws.listing_wall,
    ),
    Budget(
        "listing: CPU",
        "CPU of the client a page ÷ that of boto3 alone",
        "×",
        1.3,
        "checking every answer costs little beside the SDK",
        aws.listing_cpu,
    ),
    Budget(
        "drift report: CPU",
        "CPU of the drift report of 5,000 drifted entries as a page",
        "s",
        8,
        "the page of a bad day is there at once",
        specs.drift_cpu,
    ),
    Budget(
        "drift report: page",
        "size of that page",
        "MB",
        5,
        "a browser opens it, and mail takes it",
        specs.drift_page,
    ),
    Budget(
        "drift report: first paint",
        "from the request of that page to its first paint, in Chromium",
        "ms",
        500,
        "there at once",
        drift_page.paint,
    ),
    Budget(
        "drift report: filter",
        "from a click on a class to the frame that shows its images",
        "ms",
        300,
        "a filter shows its images at once",
        drift_page.choice,
    ),
    Budget(
        "drift report: frame",
        "the slowest but for 5 % of the frames while it is scrolled by a row of tiles a frame",
        "ms",
        50,
        "scrolling stays fluid",
        drift_page.frame,
    ),
    Budget(
        "convert coco: CPU",
        "CPU of `convert coco` ÷ `json.loads` of the file",
        "×",
        3.0,
        "half a million boxes are converted while one waits",
        conversion.coco_cpu,
    ),
    Budget(
        "convert coco: memory",
        "peak memory of it ÷ that of `json.loads`",
        "×",
        1.0,
        "a file that Python can load can be converted",
        conversion.coco_memory,
    ),
    *_of_all("convert", conversion.converted, "coco", 10, 400),
    *_of_all("convert", conversion.converted, "voc", 60, 200),
    *_of_all("export --from-specs --format", conversion.exported, "coco", 5, 60),
    *_of_all("export --from-specs --format", conversion.exported, "hf", 5, 60),
    *_of_all("export --from-specs --format", conversion.exported, "yolo", 120),
    *_of_all("export --from-specs --format", conversion.exported, "voc", 120),
)
