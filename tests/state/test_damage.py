"""A damaged state file costs a complete observation and at most one run."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.core.drift.annotations import Sighting
from reconciler.core.planning.cause import NOTHING_APPLIED, Applied
from reconciler.core.planning.quarantine import Quarantined, QuarantineReason
from reconciler.core.status.suspension import Suspension
from reconciler.errors import StateError
from reconciler.ports import LastObservation
from reconciler.state import State
from reconciler.state.schema import MIGRATIONS, NEWEST, define_functions
from tests.state.test_rebuilds import REBUILD

PAGE = 4096
REFS = [f"s3://b/{number:04}.jpg" for number in range(500)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the file of a state that holds 500 entries and one update."""
    with State(tmp_path) as state:
        state.remember("d", "arn", ((ref, Applied(b"d" * 16, b"o" * 16)) for ref in REFS), ())
        state.record("d", {"verdict": "converged", "observed": 3})
        state.journal.begin("d", "arn", REFS, 0.0, "")
        state.quarantine.put("d", [Quarantined(REFS[0], b"d", QuarantineReason.DROPPED, "", 1, 0, 1)], ())
        state.sightings.replace("d", [Sighting(REFS[0], 0.0, 1.0, 2, gone=False)])
        state.observations.put("d", LastObservation("arn", b"d", "", 0, {"observed": 3}))
        state.rebuilds.put(REBUILD)
    return tmp_path / "state.sqlite3"


def zeroed(raw: bytes) -> bytes:
    """Keep the header and zero the rest, as some file systems do after a crash."""
    return raw[:PAGE] + bytes(len(raw) - PAGE)


def one_page_of_others(raw: bytes) -> bytes:
    """Overwrite one page in the middle."""
    middle = len(raw) // PAGE // 2 * PAGE
    return raw[:middle] + b"\xa5" * PAGE + raw[middle + PAGE :]


@pytest.mark.parametrize("damage", [zeroed, one_page_of_others])
def test_behind_an_intact_header_it_is_noticed_when_it_is_opened(
    file: Path, damage: Callable[[bytes], bytes]
):
    """Readers of a damaged file get an empty state; a writer puts it aside and starts a new one."""
    file.write_bytes(damage(file.read_bytes()))

    with State(file.parent, read_only=True) as state:
        assert NOTHING_APPLIED == state.applied("d", "arn")
        assert {} == state.statuses()
        assert state.damage
    with State(file.parent) as state:
        assert state.damage
        assert NOTHING_APPLIED == state.applied("d", "arn")
        state.record("d", {"verdict": "unknown"})
        assert {"d": {"verdict": "unknown"}} == state.statuses()
    assert file.with_name("state.sqlite3.damaged").exists()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE status SET body = '{', checksum = NULL",
        "UPDATE status SET body = CAST(x'7bff' AS TEXT), checksum = NULL",
        "UPDATE status SET body = '[]', checksum = NULL",
        "UPDATE look SET body = '3', checksum = NULL",
        "UPDATE rebuild SET body = '{}', checksum = NULL",
        "UPDATE rebuild SET body = '[]', checksum = NULL",
        "UPDATE held SET kind = 'unheard', checksum = NULL",
        "UPDATE journal SET source_refs = x'00', checksum = NULL",
        # What can be read, and is not what was written:
        "UPDATE status SET body = replace(body, '3', '2')",
        "UPDATE applied_block SET body = x'80' WHERE number = (SELECT min(number) FROM applied_block)",
        "UPDATE applied_to SET arn = 'brn'",
        "UPDATE journal SET arn = 'brn'",
        "UPDATE held SET until = until + 1",
        "UPDATE look SET body = '{}'",
        "UPDATE sighted SET times = 9",
        "UPDATE rebuild SET body = replace(body, 'old', 'odd')",
    ],
)
def test_in_what_is_written_there_it_is_met_when_the_file_is_opened(file: Path, damage: str):
    """A record that cannot be read puts the file aside once; the next process finds a sound one."""
    with sqlite3.connect(file) as connection:
        connection.execute(damage)

    with State(file.parent) as state:
        assert "put aside" in (state.damage or "")
        _read_everything(state)
    with State(file.parent) as state:
        assert state.damage is None


def test_a_damaged_rebuild_is_not_continued(file: Path):
    """A rebuild deletes the dataset that its row names; one that names another is not carried over."""
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE rebuild SET body = replace(body, 'old', 'odd')")

    with State(file.parent) as state:
        assert state.rebuilds.of("d") is None


def test_a_file_without_checksums_gets_them(tmp_path: Path):
    """The file of an earlier version keeps its content, whose damage is noticed from then on."""
    file = tmp_path / "state.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        for script in MIGRATIONS[:5]:
            connection.executescript(script)
        connection.execute("INSERT INTO applied_to VALUES ('d', 'arn')")
        connection.execute("INSERT INTO applied VALUES ('d', 's3://b/a.jpg', x'0d', x'0e')")
        connection.execute("PRAGMA user_version = 5")
        connection.commit()

    with State(tmp_path) as state:
        assert {"s3://b/a.jpg": Applied(b"\x0d", b"\x0e")} == state.applied("d", "arn").entries
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE applied_block SET body = x'80'")
        connection.commit()
    with State(tmp_path) as state:
        assert "applied_block: a row differs from its checksum" in (state.damage or "")


@pytest.mark.parametrize("damaged", [False, True])
def test_rows_become_blocks_unless_they_are_damaged(tmp_path: Path, damaged: bool):
    """Files of earlier versions have a row for each entry; one whose checksum is wrong is not carried over."""
    with closing(sqlite3.connect(tmp_path / "state.sqlite3")) as connection:
        define_functions(connection)
        for script in MIGRATIONS[:13]:
            connection.executescript(script)
        connection.execute("INSERT INTO applied_to VALUES ('d', 'arn', row_checksum('d', 'arn'))")
        connection.executemany(
            "INSERT INTO applied VALUES ('d', ?1, x'0d', x'0e', row_checksum('d', ?1, x'0d', x'0e'))",
            [(ref,) for ref in REFS],
        )
        if damaged:
            connection.execute("UPDATE applied SET desired = x'0c' WHERE source_ref = ?", REFS[:1])
        connection.commit()

    expected = {} if damaged else dict.fromkeys(REFS, Applied(b"\x0d", b"\x0e"))
    for read_only in (True, False):
        with State(tmp_path, read_only=read_only) as state:
            assert expected == state.applied("d", "arn").entries
            assert set(expected) == state.recorded("d")
            assert bool(state.damage) is damaged
    with State(tmp_path) as state:
        assert expected == state.applied("d", "arn").entries
        assert state.damage is None


@pytest.mark.parametrize("version", range(1, NEWEST))
def test_reading_uses_the_file_of_an_earlier_version(tmp_path: Path, version: int):
    """After an upgrade, a plan or status before the first apply knows what was applied, and changes no file."""
    file = tmp_path / "state.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        define_functions(connection)
        for script in MIGRATIONS[:version]:
            connection.executescript(script)
        connection.execute("INSERT INTO status (dataset, body) VALUES ('d', '{}')")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()
    before = file.read_bytes()

    with State(tmp_path, read_only=True) as state:
        assert {"d": {}} == state.statuses()
        assert state.damage is None
    assert before == file.read_bytes()


def test_reading_reports_the_file_of_a_newer_version(file: Path):
    """Its content is not used, and the command says so."""
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE later (x)")
    of_a_newer_version(file)

    with State(file.parent, read_only=True) as state:
        assert {} == state.statuses()
        assert "written by a newer version of this tool (format 99)" in (state.damage or "")


def _read_everything(state: State) -> None:
    state.statuses()
    state.journal.unfinished("d")
    state.rebuilds.of("d")
    state.quarantine.of("d")


def test_a_disk_that_says_no_is_no_damage(file: Path):
    """A locked file is no damage and is kept."""
    with sqlite3.connect(file) as other, State(file.parent) as state:
        other.execute("BEGIN IMMEDIATE")
        state._db._connection.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(StateError, match="locked"):
            state.record("d", {})
    assert not file.with_name("state.sqlite3.damaged").exists()


def damaged_schema(file: Path) -> None:
    """Put a byte that is not UTF-8 into the text of a table."""
    raw = file.read_bytes()
    file.write_bytes(raw.replace(b"CREATE TABLE journal", b"CREATE TABLE j\xffurnal", 1))


def of_an_older_version(file: Path) -> None:
    _pragma(file, "user_version = 1")


def of_a_newer_version(file: Path) -> None:
    _pragma(file, "user_version = 99")


def no_longer_writable(file: Path) -> None:
    """Set a format version that SQLite does not know and opens read-only."""
    _flip(file, 18, 0x40)


def no_database(file: Path) -> None:
    _flip(file, 3, 0x10)


def a_closed_row(file: Path) -> None:
    """Damage the row of a finished update, which nothing waits for."""
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE journal SET source_refs = x'00' WHERE result IS NOT NULL")


def a_status(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE status SET body = '{'")


def _pragma(file: Path, text: str) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute(f"PRAGMA {text}")


def _flip(file: Path, at: int, bits: int) -> None:
    raw = bytearray(file.read_bytes())
    raw[at] ^= bits
    file.write_bytes(raw)


@pytest.mark.parametrize(
    "damage",
    [
        damaged_schema, of_an_older_version, of_a_newer_version, no_longer_writable, no_database,
        a_closed_row, a_status,
    ],
)  # fmt: skip
def test_what_no_observation_restores_is_not_forgotten(file: Path, damage: Callable[[Path], None]):
    """An open update could be sent twice while AWS works on it; a suspended dataset would be applied to."""
    suspended = {"d": Suspension("audit", 1.0, 2.0), "e": Suspension("audit", 1.0)}
    with State(file.parent) as state:
        state.suspensions.put(suspended)
        state.journal.end(state.journal.begin("d", "arn", ["a"], 1.0, ""), "finished")
    damage(file)

    for _ in range(2):
        with State(file.parent, read_only=True) as state:
            _read_everything(state)
        with State(file.parent) as state:
            state.record("d", {"verdict": "unknown"})
            (begun,) = state.journal.unfinished("d")
            assert REFS == list(begun.source_refs)
            assert suspended == state.suspensions.all()
            assert [] == list(state.journal.past("d", "nowhere"))


def test_a_directory_in_its_place_is_put_aside(tmp_path: Path):
    for _ in range(2):  # what was put aside before is deleted
        (tmp_path / "state.sqlite3").unlink(missing_ok=True)
        (tmp_path / "state.sqlite3" / "garbage").mkdir(parents=True)
        with State(tmp_path) as state:
            assert state.damage
            state.record("d", {})


def test_no_flipped_bits_stop_a_run_and_none_is_met_twice(file: Path, tmp_path: Path):
    """Whichever bits are flipped, the file works or is put aside once."""
    raw = file.read_bytes()
    draw = random.Random(20)
    for number in range(60):
        bits = bytearray(raw)
        for _ in range(draw.choice([1, 1, 8])):
            at = draw.randrange(draw.choice([200, PAGE, len(bits)]))
            bits[at] ^= 1 << draw.randrange(8)
        place = tmp_path / str(number)
        place.mkdir()
        (place / "state.sqlite3").write_bytes(bits)
        with State(place, read_only=True) as state:
            _read_everything(state)
        with State(place) as state:
            _read_everything(state)
            state.remember("d", "arn", [(REFS[0], Applied(b"d" * 16, b"o" * 16))], ())
            state.record("d", {"verdict": "unknown"})
        with State(place) as state:
            assert state.damage is None
