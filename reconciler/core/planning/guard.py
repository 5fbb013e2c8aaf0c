"""
Decide whether a plan may be applied. Each guard is a function that returns the reason against it and the way out.

Guards annotate a plan and never hide it, so that the plan itself shows what would happen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from reconciler.core.entries.glob import NO_GLOBS, Globs
from reconciler.core.spec.choices import Arn

# Below this many observed entries a ratio says little: two of six is already a third.
RATIO_FROM: Final = 10
_NAMED: Final = 3


class Guard(NamedTuple):
    """One reason not to apply, with the numbers, the limit and the setting that lifts it."""

    code: str
    message: str


class GuardLimits(Struct, frozen=True):
    """
    The limits of one apply.

    Attributes:
        max_change_ratio: Maximum share of the observed entries that may be overwritten, 0 to 1.
        max_changes: Maximum number of entries that may be sent.
        allow_empty: Whether a dataset may be desired to be empty.
        sealed: Whether nothing of the dataset may change.
        protect: Globs over source-refs whose observed entries must not be overwritten.
        allow_protected: Whether the user lifted that protection for this apply.
        allow_leakage: Whether the user allowed images in both the training and the test dataset.
    """

    max_change_ratio: float = 0.30
    max_changes: int = 20_000
    allow_empty: bool = False
    sealed: bool = False
    protect: Globs = NO_GLOBS
    allow_protected: bool = False
    allow_leakage: bool = False


class Sizes(Struct, frozen=True):
    """Numbers of entries: desired, observed, and to be added."""

    desired: int
    observed: int
    added: int


def check(sizes: Sizes, overwritten: Sequence[str], limits: GuardLimits) -> tuple[Guard, ...]:
    """
    Return every reason not to apply, in a fixed order.

    Args:
        overwritten: Source-refs of the observed entries that the plan would replace.
    """
    reasons: Iterable[Iterator[Guard]] = (
        _empty(sizes, limits),
        _sealed(sizes.added, overwritten, limits),
        _too_many(sizes.added + len(overwritten), limits),
        _too_large_a_share(sizes.observed, len(overwritten), limits),
        _protected(overwritten, limits),
    )
    return tuple(guard for found in reasons for guard in found)


def account(expected: str | None, arn: str | None) -> tuple[Guard, ...]:
    """Return a guard if the account in the dataset's ARN is not the one that the spec expects."""
    if expected is None or arn is None or (found := Arn.parse(arn).account) == expected:
        return ()
    text = f"the dataset lies in account {found}, spec.target.accountId says {expected}"
    return (Guard("ACCOUNT", f"{text}; use credentials or a roleArn of {expected}"),)


def leakage(
    added: int, shared: Sequence[str], partners: Sequence[str], limits: GuardLimits
) -> tuple[Guard, ...]:
    """
    Return a guard if images would be added that are also desired in the project's other dataset.

    A model tested with its own training images scores too well, and AWS does not report such overlap.

    Args:
        added: Number of images that would be added.
        shared: Those of them that are also desired in one of *partners*.
        partners: Names of the datasets of the other type in the same project.
    """
    if limits.allow_leakage or not shared:
        return ()
    text = f"{len(shared)} of {added} images to be added are also desired in {', '.join(partners)}"
    way_out = "if that is meant, apply with --allow-leakage"
    return (
        Guard("LEAKAGE", f"{text}, so that training and test would share them: {_some(shared)}; {way_out}"),
    )


def _some(refs: Sequence[str]) -> str:
    return ", ".join(refs[:_NAMED]) + (", …" if len(refs) > _NAMED else "")


def _empty(sizes: Sizes, limits: GuardLimits) -> Iterator[Guard]:
    if sizes.desired == 0 and sizes.observed > 0 and not limits.allow_empty:
        yield Guard(
            "EMPTY",
            f"nothing usable is desired, but {sizes.observed} entries are observed; "
            "if that is meant, set policy.allowEmpty: true",
        )


def _sealed(added: int, overwritten: Sequence[str], limits: GuardLimits) -> Iterator[Guard]:
    """Block every change, also one that reverts drift: the way out is a commit, which is reviewed and stays."""
    if limits.sealed and (added or overwritten):
        named = f": {_some(overwritten)}" if overwritten else ""
        text = (
            f"the dataset is sealed; {added} entries would be added and {len(overwritten)} overwritten{named}"
        )
        yield Guard("SEALED", f"{text}; if that is meant, set policy.sealed: false")


def _too_many(sent: int, limits: GuardLimits) -> Iterator[Guard]:
    if sent > limits.max_changes:
        yield Guard(
            "MAX_CHANGES",
            f"{sent} entries would be sent, the limit is {limits.max_changes}; "
            f"if that is meant, set limits.maxChanges: {sent}",
        )


def _too_large_a_share(observed: int, overwritten: int, limits: GuardLimits) -> Iterator[Guard]:
    if observed >= RATIO_FROM and (share := overwritten / observed) > limits.max_change_ratio:
        enough = -(-overwritten * 100 // observed) / 100  # integer division rounds up to a hundredth exactly
        yield Guard(
            "MAX_CHANGE_RATIO",
            f"{overwritten} of {observed} observed entries ({share:.1%}) would be overwritten, "
            f"the limit is {limits.max_change_ratio:.1%}; "
            f"if that is meant, set limits.maxChangeRatio: {enough:.2f}",
        )


def _protected(overwritten: Sequence[str], limits: GuardLimits) -> Iterator[Guard]:
    if limits.allow_protected or not limits.protect:
        return
    protected = [ref for ref in overwritten if limits.protect.match(ref)]
    if protected:
        noun = "entry" if len(protected) == 1 else "entries"
        yield Guard(
            "PROTECTED",
            f"{len(protected)} protected {noun} would be overwritten: {_some(protected)}; "
            "if that is meant, apply with --allow-protected",
        )
