"""The result of an image check, by dataset and as a whole; and the changes of a plan that it withholds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.core.images.near_duplicates import NearPair
from reconciler.core.planning.plan import PlanError, PlannedChange
from reconciler.core.planning.withholding import Withheld
from reconciler.core.spec.choices import ImagePolicy
from reconciler.core.validation.problem import Problem, has_error
from reconciler.errors import Exit, SpecError, gravest

MAX_KEPT: Final = 1_000
"""Problems of one code and dataset that are kept with their places; the others are only counted."""


class Problems:
    """Problems of one dataset: all of them counted, the first of each code kept."""

    def __init__(self) -> None:
        self.kept: list[Problem] = []
        self.by_code: Counter[str] = Counter()
        self.errors = 0

    def add(self, problem: Problem) -> None:
        code = str(problem.code)  # a member of an enumeration is not a key of JSON
        self.by_code[code] += 1
        self.errors += problem.is_error
        if self.by_code[code] <= MAX_KEPT:
            self.kept.append(problem)


class ImageCounts(Struct, frozen=True):
    """
    Images of one dataset.

    Attributes:
        desired: All that the spec desires.
        missing: Those that do not exist.
        unchanged: Those that have not changed since an earlier check.
        read: Those that were read.
        unread: Those that were not checked: access was denied, or the check ended before them.
    """

    desired: int = 0
    missing: int = 0
    unchanged: int = 0
    read: int = 0
    unread: int = 0


class DatasetImages(Struct, frozen=True):
    """
    The images of one dataset.

    Attributes:
        places: The buckets that they are in.
        by_code: Code -> number of problems with it; `problems` holds at most `MAX_KEPT` of each.
        errors: Why not everything was checked.
        error_codes: The exit codes of `errors`.
        requests: Operation -> requests that were made.
        near: The test images that look like training images, nearest first; None if they were not looked for.
    """

    name: str
    counts: ImageCounts = ImageCounts()
    places: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    by_code: Mapping[str, int] = field(default_factory=dict)
    has_errors: bool = False
    errors: tuple[PlanError, ...] = ()
    error_codes: tuple[Exit, ...] = ()
    requests: Mapping[str, int] = field(default_factory=dict)
    near: tuple[NearPair, ...] | None = None

    @property
    def complete(self) -> bool:
        """Return whether every desired image was checked."""
        return not self.errors and not self.counts.unread

    @property
    def exit_codes(self) -> Sequence[Exit]:
        return (*self.error_codes, *([SpecError.exit_code] if self.has_errors else []))


class ImagesCheck(Struct, frozen=True):
    """The images of all selected datasets."""

    datasets: tuple[DatasetImages, ...]
    revision: str | None = None

    @property
    def exit_code(self) -> Exit:
        return gravest(code for dataset in self.datasets for code in dataset.exit_codes)


ImageProblems = Callable[[Sequence[str]], Mapping[str, tuple[Problem, ...]]]
"""Returns the problems of the images of some source-refs; images without a problem are absent."""


def with_images(
    changes: tuple[PlannedChange, ...], policy: ImagePolicy, problems_of: ImageProblems | None
) -> tuple[PlannedChange, ...]:
    """
    Return the changes of a plan with the problems of their images; withhold changes if the policy says so.

    Args:
        problems_of: Called once, for the images that would be sent; None checks none.
    """
    if policy is ImagePolicy.IGNORE or problems_of is None:
        return changes
    sent = [item.source_ref for item in changes if item.sent is not None and item.change.desired is not None]
    found = problems_of(sent) if sent else {}
    return tuple(_with_image(item, found.get(item.source_ref, ()), policy) for item in changes)


def _with_image(item: PlannedChange, problems: tuple[Problem, ...], policy: ImagePolicy) -> PlannedChange:
    if policy is ImagePolicy.REQUIRE and has_error(problems):
        return replace(item, image_problems=problems, withheld=Withheld.IMAGES, sent=None, size=0)
    return replace(item, image_problems=problems) if problems else item
