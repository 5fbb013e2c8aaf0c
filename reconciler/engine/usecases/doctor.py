"""A preflight: check, without a call that writes, whether each dataset can be observed and updated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from reconciler.core.planning import guard
from reconciler.core.preflight import (
    OF_REKOGNITION,
    Check,
    CheckResult,
    DatasetPreflight,
    Mark,
    failed_specs,
    first_check,
    policy_command,
    remedy,
    usable_specs,
)
from reconciler.core.spec.choices import Arn, Mode, Orphans
from reconciler.core.spec.documents import Target
from reconciler.core.validation.codes import TOO_MANY_TO_LIST
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.observe import arn_in, missing_in
from reconciler.engine.dataset.retry import require_usable
from reconciler.engine.usecases.spec_tree import Reading
from reconciler.errors import (
    DatasetBusy,
    DatasetUnusable,
    Denied,
    Exit,
    Interrupted,
    NotFound,
    OtherRegion,
    RebuildUnfinished,
    ReconcilerError,
    StateError,
    Throttled,
    Unavailable,
    named,
)
from reconciler.ports import Access, BrokenDataset, Description, Identity, Memory, Phase

T = TypeVar("T")

_ORDER: Final = tuple(Check)
_OWN_EXITS: Final = (Exit.UNEXPECTED, Exit.INVALID, Exit.DENIED)


def examine(
    desired: Desired, access_of: Callable[[Desired], Access], memory: Memory | None, path: str
) -> DatasetPreflight:
    """
    Check one dataset.

    Args:
        memory: None if the state directory cannot be used.
        path: Of the specs, as the user knows it: for commands that are proposed.
    """
    round_ = _Checks(desired, path)
    round_.check_specs()
    if memory is not None:
        round_.check_rebuild(memory)
    access = round_.try_or_add(None, lambda: access_of(desired))
    if access is not None:
        round_.check_region(access)
        if round_.check_identity(access):
            round_.check_dataset(access)
    round_.check_writing()
    return round_.result()


def examine_broken(dataset: BrokenDataset, path: str) -> DatasetPreflight:
    """Check a dataset whose document cannot be read: nothing else of it can be checked."""
    errors = [str(problem) for problem in dataset.problems if problem.is_error]
    return DatasetPreflight(dataset.name, (failed_specs(errors, path),))


def unclaimed(found: Reading, path: str) -> tuple[CheckResult, ...]:
    """Return the errors of the specs that belong to no single dataset."""
    claimed = {problem for dataset in found.datasets for problem in dataset.problems}
    claimed |= {problem for broken in found.broken for problem in broken.problems}
    errors = [str(p) for p in found.problems if p.is_error and p not in claimed]
    asked = (p.message for p in found.problems if p.code == TOO_MANY_TO_LIST)
    too_often = (
        CheckResult(Check.SPECS, Mark.WARNING, text, "raise schedule.fullScanMaxAge") for text in asked
    )
    return (*([failed_specs(errors, path)] if errors else []), *too_often)


class _Checks:
    """The checks of one dataset, and what they have found so far."""

    def __init__(self, desired: Desired, path: str) -> None:
        self._desired = desired
        self._target: Target = desired.target
        self._path = path
        self._results: list[CheckResult] = []
        self._arn: str | None = self._target.dataset_arn
        self._region: str | None = None
        self._identity: Identity | None = None
        self._is_to_be_created = False

    def result(self) -> DatasetPreflight:
        who = self._identity
        if any(result.mark is Mark.FAILED for result in self._results):
            self._add_prevented_checks()
        return DatasetPreflight(
            self._desired.name,
            tuple(sorted(self._results, key=lambda result: _ORDER.index(result.check))),
            self._arn,
            self._region,
            who.account if who else None,
            who.arn if who else None,
        )

    def add(self, check: Check, mark: Mark, message: str, way_on: str = "") -> None:
        self._results.append(CheckResult(check, mark, message, way_on))

    def add_failure(self, check: Check, error: ReconcilerError) -> None:
        # What a guard of apply would block, and what keeps an apply from starting, is not checked further here.
        code = error.exit_code if error.exit_code in _OWN_EXITS else Exit.UNKNOWN
        code = Exit.UNKNOWN if isinstance(error, StateError) else code
        way_out = remedy(check, error, self._path, self._desired.name)
        self._results.append(CheckResult(check, Mark.FAILED, str(error), way_out, error.code, code))

    def try_or_add(self, check: Check | None, action: Callable[[], T]) -> T | None:
        """
        Return the result of *action*; if it fails, add its error as a result of *check*, and return None.

        Args:
            check: None for the very first access, whose error tells which check it belongs to.
        """
        try:
            return action()
        except Interrupted:
            raise
        except Exception as exc:  # noqa: BLE001  where a dataset's failure becomes a value
            error = named(exc)
            elsewhere = Check.REGION if isinstance(error, OtherRegion) else None
            self.add_failure(elsewhere or check or first_check(error), error)
            return None

    def check_specs(self) -> None:
        problems = self._desired.problems
        errors = [str(problem) for problem in problems if problem.is_error]
        if errors:
            found = failed_specs(errors, self._path, self._desired.exit_code)
        else:
            found = usable_specs(len(problems), len(self._desired.index), self._path)
        self._results.append(found)

    def check_rebuild(self, memory: Memory) -> None:
        rebuild = self.try_or_add(Check.STATE, lambda: memory.rebuilds.of(self._desired.name))
        if rebuild is not None and rebuild.step.leaves_nothing:
            text = f"a rebuild was begun and stands at {rebuild.step.value!r}"
            self.add_failure(Check.REBUILD, RebuildUnfinished(text))

    def check_region(self, access: Access) -> None:
        self._region = access.region
        self.add(Check.REGION, Mark.OK, f"{access.region}, from {access.region_from}")

    def check_identity(self, access: Access) -> bool:
        """Check credentials, role and account; return whether they are right, so that Rekognition may be asked."""
        caller = self.try_or_add(Check.CREDENTIALS, lambda: self._ask_caller(access))
        if caller is not None:
            self.add(Check.CREDENTIALS, Mark.OK, f"{caller.arn}, from {access.caller_from()}")
        elif access.assumes or any(result.code == Denied.code for result in self._results):
            return False
        self._identity = caller
        if self._target.role_arn and not access.assumes:
            self.add(Check.ROLE, Mark.NOT_CHECKED, "not checked: the embedded emulator assumes no role")
        elif access.assumes:
            self._identity = self.try_or_add(Check.ROLE, access.identity)
            if self._identity is None:
                return False
            self.add(Check.ROLE, Mark.OK, self._identity.arn)
        return self._check_account()

    def check_dataset(self, access: Access) -> None:
        """Find the dataset, and check which operations it allows."""
        if self._arn is None and not self._check_project(access):
            return
        arn = str(self._arn)
        description = self.try_or_add(Check.STATUS, lambda: access.describe(arn))
        if description is None or self._check_status(description):
            self.try_or_add(Check.LISTING, lambda: self._check_listing(access, arn))

    def check_writing(self) -> None:
        policy = self._desired.policy
        if policy.mode is Mode.OBSERVE:
            return
        level = "rebuild" if policy.orphans is Orphans.REBUILD else "write"
        text = "not checked: only an update would tell whether updates are allowed"
        way_on = policy_command(level, self._path, self._desired.name)
        self.add(Check.WRITING, Mark.NOT_CHECKED, text, way_on)

    def _add_prevented_checks(self) -> None:
        """Add a result "not checked" for each check that a failure prevented."""
        known = {result.check for result in self._results}
        if self._is_to_be_created:
            known.update(OF_REKOGNITION)
        wanted = {
            Check.CREDENTIALS: True,
            Check.ROLE: self._target.role_arn,
            Check.ACCOUNT: self._target.account_id,
            Check.PROJECT: not self._target.dataset_arn,
            Check.STATUS: True,
            Check.LISTING: True,
        }
        for check in wanted:
            if wanted[check] and check not in known:
                self.add(check, Mark.NOT_CHECKED, "not checked: what failed comes first")

    def _ask_caller(self, access: Access) -> Identity | None:
        """Ask STS whose the credentials are. Without a role, Rekognition may be reachable where STS is not."""
        try:
            return access.caller()
        except (Throttled, Unavailable) as exc:
            if access.assumes:
                raise
            way_on = remedy(Check.CREDENTIALS, exc, self._path, self._desired.name)
            text = f"not known whose they are: {exc}"
            self._results.append(CheckResult(Check.CREDENTIALS, Mark.WARNING, text, way_on, exc.code))
            return None

    def _check_account(self) -> bool:
        """Check the account of the credentials; return whether it may be the one that the spec expects."""
        target = self._target
        arn = target.dataset_arn
        expected = target.account_id or (Arn.parse(arn).account if arn else None)
        field = "accountId" if target.account_id else "datasetArn"
        if self._identity is None:
            if expected:
                text = "STS did not say of which account the credentials are"
                self.add_failure(Check.ACCOUNT, Unavailable(text))
            return True
        account = self._identity.account
        if expected is None:
            self.add(Check.ACCOUNT, Mark.OK, f"{account}; the spec expects none")
        elif account == expected:
            self.add(Check.ACCOUNT, Mark.OK, f"{account}, as spec.target.{field} says")
        else:
            text = f"the credentials are of account {account}, spec.target.{field} says {expected}"
            self.add_failure(Check.ACCOUNT, Denied(text))
        return expected in {None, account}

    def _check_project(self, access: Access) -> bool:
        project, kind = self._target.identity
        located = self.try_or_add(Check.PROJECT, lambda: access.locate(project, kind))
        if located is None:
            return False
        try:
            self._arn = arn_in(located, self._target)
        except NotFound as exc:
            self.add_failure(Check.PROJECT, exc)
            return False
        if self._arn is not None:
            self.add(Check.PROJECT, Mark.OK, f"project {project!r} has a {kind} dataset")
            # A guard would block every apply: the dataset is not in the account that the spec names.
            misplaced = guard.account(self._target.account_id, self._arn)
            for found in misplaced:
                self.add_failure(Check.ACCOUNT, Denied(found.message))
            return not misplaced
        self._is_to_be_created = True
        missing = missing_in(located, self._target)
        if self._desired.policy.mode is Mode.OBSERVE:
            text = f"{missing}, and policy.mode is observe: apply does not create it"
            self.add(Check.PROJECT, Mark.WARNING, text, "set policy.mode, or spec.target.create: false")
        else:
            self.add(Check.PROJECT, Mark.OK, f"{missing} yet; apply makes it")
        return False

    def _check_status(self, description: Description) -> bool:
        message = f": {description.message}" if description.message else ""
        try:
            require_usable(description)
            if not description.phase.settled:
                raise DatasetBusy(f"the dataset is {description.phase}")
        except (DatasetBusy, DatasetUnusable) as exc:
            self.add_failure(Check.STATUS, exc)
            return False
        if description.phase is Phase.UPDATE_FAILED:
            way_on = "it can be used all the same; plan shows what is missing"
            self.add(Check.STATUS, Mark.WARNING, f"{description.phase}{message}", way_on)
        else:
            total, errors = description.stats.total_entries, description.stats.error_entries
            counts = f"; {total:,} entries" if total is not None else ""
            counts += f", {errors:,} with errors" if errors else ""
            self.add(Check.STATUS, Mark.OK, f"{description.phase}{counts}")
        return True

    def _check_listing(self, access: Access, arn: str) -> None:
        access.list_one(arn)
        self.add(Check.LISTING, Mark.OK, "entries can be listed")
