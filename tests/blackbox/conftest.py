"""A lab for each test: its own directory, its own service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blackbox.lab import Lab
from tests.blackbox.standin import StandIn

# One of each kind for the default run; all others count as slow.
DEFAULT = (
    "test_hundreds_of_mixed_lines_converge",
    "test_reading_commands_never_write",
    "test_ignored_fields_are_copied",
    "test_a_damaged_source_never_becomes_a_plan[emptied]",
    "test_a_damaged_source_never_becomes_a_plan[cut]",
    "test_one_damaged_file_of_two_stops_its_dataset[missing]",
    "test_one_bad_line_stops_no_other",
    "test_every_trap_of_yaml",
    "test_a_bad_line_is_named_and_never_sent[NaN]",
    "test_a_bad_line_is_named_and_never_sent[ten megabytes]",
    "test_a_guard_blocks_the_apply_and_never_the_plan[ratio]",
    "test_a_kept_plan_is_applied_exactly_or_not_at_all[dataset]",
    "test_same_inputs_give_the_same_bytes",
    "test_a_poison_line_is_isolated_and_all_others_applied[random]",
    "test_a_lost_response_is_not_a_failure",
    "test_an_unusable_or_unknown_status_is_named_and_nothing_is_sent[UPDATE_ROLLED_SIDEWAYS]",
    "test_killed_at_a_call_the_next_start_converges[UpdateDatasetEntries]",
    "test_asked_to_stop_it_stops_soon_and_reports_it[15-143]",
    "test_stdout_holds_only_data",
    "test_out_into_a_pipe_leaves_it_a_pipe",
    "test_a_reader_who_leaves_changes_no_exit_code[apply]",
    "test_validate_opens_no_socket",
)


# What is about the wait for updates that may still arrive. All others wait less, or they take an hour.
AS_SHIPPED = ("test_in_flight.py",)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what the default run leaves out."""
    for item in items:
        if item.path.parent == Path(__file__).parent and not item.name.startswith(DEFAULT):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def lab(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    service = StandIn()
    with service.running() as url:
        (tmp_path / "specs").mkdir()
        program = "reconciler" if request.path.name in AS_SHIPPED else "tests.blackbox.impatient"
        yield Lab(tmp_path, service, url, program=program)
