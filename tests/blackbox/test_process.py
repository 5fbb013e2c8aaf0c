"""The process itself: killed, interrupted, doubled, piped, without a disk, and badly called."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.blackbox.lab import Lab, image_level, mixed, ref
from tests.blackbox.standin import Dataset, Refusal, StandIn
from tests.waiting import until


def heavy(count: int) -> list[str]:
    """Return lines of which sixty fill an update."""
    return [image_level(ref(n), "rose", note="x" * 80_000) for n in range(count)]


def desired(lab: Lab) -> Dataset:
    """Desire what takes three updates, each of which is looked at twice before it is done."""
    lab.lines(heavy(150))
    lab.spec()
    lab.service.habits.polls = 2
    return lab.service.make("flowers")


@pytest.fixture(scope="module")
def calls_of_an_apply(tmp_path_factory: pytest.TempPathFactory) -> int:
    """Return how many calls it takes when nothing is in its way."""
    service = StandIn()
    with service.running() as url:
        lab = Lab(tmp_path_factory.mktemp("whole"), service, url)
        desired(lab)
        assert lab.apply().code == 0
    return len(service.calls)


# Where in the apply the kill strikes: at which part of its calls, and how long after the call arrived.
INSTANTS = [
    ((n + 0.5) / 24, random.Random(n).choice([0.0, random.Random(n).uniform(0, 0.2)])) for n in range(24)
]


@pytest.mark.parametrize(("part", "after"), INSTANTS)
@pytest.mark.fault(
    "apply",
    "SIGKILL at any AWS call, or between two calls",
    "the next start converges, sends nothing while an update is in flight, and sends nothing twice",
)
def test_killed_at_any_instant_the_next_start_converges(
    lab: Lab, calls_of_an_apply: int, part: float, after: float
) -> None:
    """And sends nothing while an update is in flight, nor anything that is already there."""
    dataset, call = desired(lab), 1 + int(part * calls_of_an_apply)
    is_last = call == calls_of_an_apply  # after it the process ends soon: a later kill would miss it
    lab.killed("apply", call=call, after=0.0 if is_last else after)
    ran = lab.apply()
    assert (ran.code, ran.only["verdict"]) == (0, "converged"), ran
    assert len(dataset.entries) == 150
    assert lab.plan("--detailed-exitcode").code == 0
    assert lab.service.resent == []
    lab.assert_in_order()


@pytest.mark.parametrize("point", ["UpdateDatasetEntries", "DescribeDataset", "ListDatasetEntries"])
@pytest.mark.fault(
    "apply",
    "SIGKILL at the moment an update call arrives",
    "the next start converges and sends nothing twice",
)
def test_killed_at_a_call_the_next_start_converges(lab: Lab, point: str) -> None:
    lab.lines(heavy(70))
    lab.spec()
    dataset = lab.service.make("flowers")
    lab.killed(
        "apply", when=lambda operation: operation == point and lab.service.count("UpdateDatasetEntries")
    )
    ran = lab.apply()
    assert (ran.code, len(dataset.entries)) == (0, 70), ran
    assert lab.service.resent == []
    lab.assert_in_order()


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.fault(
    "apply",
    "SIGTERM or SIGINT while an update is in flight",
    "the process ends within 10 s and reports the update as unknown; the next start does not send it again",
)
def test_asked_to_stop_it_stops_soon_and_reports_it(lab: Lab, sent: signal.Signals, code: int) -> None:
    lab.lines(heavy(100))
    lab.spec()
    dataset = lab.service.make("flowers")
    lab.service.habits.polls = 10**9  # this update never ends by itself
    process = lab.start("apply", "-o", "json")
    until(lambda: lab.service.count("UpdateDatasetEntries"))
    started = time.monotonic()
    process.send_signal(sent)
    ran = lab.finish(process)
    assert ran.code == code, ran
    assert time.monotonic() - started < 10
    assert "Traceback" not in ran.err
    (interrupted,) = json.loads(ran.out)["datasets"]
    assert (interrupted["verdict"], interrupted["verified"]) == ("unknown", False)
    dataset.polls_left = 1
    lab.service.habits.polls = 1
    again = lab.apply()
    assert (again.code, len(dataset.entries)) == (0, 100), again
    assert lab.service.resent == []
    lab.assert_in_order()


@pytest.mark.fault(
    "plan",
    "SIGTERM or SIGINT while AWS throttles",
    "the process ends within seconds and leaves no file behind",
)
def test_interrupted_while_reading_it_leaves_nothing_behind(lab: Lab) -> None:
    lab.lines(mixed(5))
    lab.spec()
    lab.service.make("flowers")
    lab.service.fail("DescribeDataset", *[Refusal("ThrottlingException")] * 500)
    for sent, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        process = lab.start("plan", "--out", "plan.json")
        until(lambda: lab.service.count("DescribeDataset"))
        process.send_signal(sent)
        ran = lab.finish(process)
        assert ran.code == code, ran
        assert "Traceback" not in ran.err
        assert sorted(p.name for p in lab.directory.iterdir()) == ["specs"]
        lab.service.calls.clear()


@pytest.mark.fault(
    "apply",
    "a second process applies the same dataset",
    "both processes together send each change once",
)
def test_two_processes_on_one_dataset_and_state_directory(lab: Lab) -> None:
    """The second waits or refuses, clearly; together they send everything once."""
    lab.lines(heavy(130))
    lab.spec()
    dataset = lab.service.make("flowers")
    lab.service.habits.polls = 3
    first = lab.start("apply", "-o", "json")
    until(lambda: lab.service.count("UpdateDatasetEntries"))
    second = lab.start("apply", "-o", "json")
    one, two = lab.finish(first), lab.finish(second)
    assert one.code == 0, one
    assert two.code in (0, 1, 3, 6), two
    assert len(dataset.entries) == 130
    assert lab.service.violations == []
    assert lab.service.resent == []
    assert lab.apply().code == 0


# --- output ----------------------------------------------------------------------------------------------------


def test_stdout_holds_only_data(lab: Lab) -> None:
    """Also with the most talkative logs, and when the command failed."""
    lab.lines(mixed(5))
    lab.spec()
    for command in (["plan"], ["apply"], ["validate"], ["status"]):
        ran = lab.run("--log-level", "debug", "--log-format", "json", *command, "-o", "json")
        assert ran.json["format"].endswith("/v1")
        for line in filter(None, ran.err.splitlines()):
            assert line.startswith(("{", "reconciler: ")), line
    missing = lab.run("apply", "nowhere", "-o", "json")
    assert (missing.code, missing.json["datasets"]) == (3, [])
    assert [error["code"] for error in missing.json["errors"]] == ["RKD5003"]
    assert missing.err.startswith("reconciler: nowhere")


def test_logs_are_json_or_text_and_never_hold_entries_or_secrets(lab: Lab) -> None:
    lab.lines([image_level(ref(0), "very_secret_label")])
    lab.spec()
    lab.service.make("flowers")
    ran = lab.run("--log-level", "debug", "--log-format", "json", "apply")
    assert ran.code == 0, ran
    events = [json.loads(line) for line in ran.err.splitlines()]
    assert {"update.submitted", "update.finished", "verify.finished"} <= {e["event"] for e in events}
    assert all({"timestamp", "level", "event"} <= e.keys() for e in events)
    assert "very_secret_label" not in ran.err
    assert "wJalrXUtnFEMI" not in ran.err


def test_json_is_utf8_whatever_the_locale(lab: Lab) -> None:
    lab.lines([image_level(ref("größe.jpg"), "rose")])
    lab.spec()
    lab.write("listing.jsonl", "")
    lab.env.update({"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    (warning,) = lab.run("validate", "-o", "json").json["problems"]
    assert warning["code"] == "ERROR_MANIFEST_TOO_FEW_LABELS"
    lab.lines([image_level(ref("größe.jpg"), "rose"), image_level(ref("größe.jpg"), "rose")])
    problems = lab.run("validate", "-o", "json").json["problems"]
    assert ref("größe.jpg") in {problem["source_ref"] for problem in problems}
    lab.lines([image_level(ref("größe.jpg"), "rose")])
    (change,) = lab.plan("--observed", "listing.jsonl").only["changes"]
    assert change["source_ref"] == ref("größe.jpg")
    assert lab.run("plan", "--observed", "listing.jsonl").code == 0


def test_no_escape_codes_in_a_pipe(lab: Lab) -> None:
    lab.lines(mixed(5))
    lab.spec()
    lab.service.make("flowers")
    for command in (["plan"], ["apply"], ["status"], ["validate"], ["--help"], ["plan", "--help"]):
        ran = lab.run(*command)
        assert ran.code == 0, ran
        assert "\x1b" not in ran.out + ran.err
        assert ran.out.strip()


def on_terminal(lab: Lab, *args: str, **env: str) -> str:
    """Return what a command writes to a terminal."""
    import pty

    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", *args],
        cwd=lab.directory,
        env={**lab.environment(), "TERM": "xterm-256color", **env},
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    seen = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    process.wait()
    os.close(leader)
    return seen.decode()


def test_colours_on_a_terminal_unless_they_are_disabled(lab: Lab) -> None:
    lab.lines(mixed(5))
    lab.spec()
    lab.write("listing.jsonl", "")
    command = ("plan", "--observed", "listing.jsonl")
    assert "\x1b[" in on_terminal(lab, *command)
    assert "\x1b[3" not in on_terminal(lab, *command, NO_COLOR="1")
    assert "\x1b[3" not in on_terminal(lab, *command, "--no-color")


def test_a_reader_who_leaves_is_no_error(lab: Lab) -> None:
    lab.lines(mixed(2000))
    lab.spec()
    lab.write("listing.jsonl", "")
    process = lab.start("plan", "--observed", "listing.jsonl", "-o", "json")
    assert process.stdout is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=30)
    assert "Traceback" not in err
    assert "Error" not in err


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        pytest.param(("validate",), 5, id="validate"),
        pytest.param(("apply",), 5, id="apply"),
        pytest.param(("plan", "--out", "/dev/full"), 3, id="out on a full disk"),
    ],
)
def test_a_reader_who_leaves_changes_no_exit_code(lab: Lab, command: tuple[str, ...], expected: int) -> None:
    """`apply | head -1` did what it did, and a pipeline that watches must hear of it."""
    lab.lines([*mixed(5), "{"])
    lab.spec()
    lab.service.make("flowers")
    reading, writing = os.pipe()
    os.close(reading)
    process = lab.start(*command, stdout=writing)
    os.close(writing)
    assert lab.finish(process).code == expected


@pytest.mark.parametrize("gone", [True, False])
@pytest.mark.fault(
    "output",
    "the log goes to a full disk or a closed pipe",
    "the apply completes",
)
def test_logs_that_are_not_read_stop_no_work(lab: Lab, *, gone: bool) -> None:
    """A log disk that is full, or `2>&1 | head -1`: the apply goes on to its end, and says how it ended."""
    lab.lines(mixed(5))
    lab.spec()
    dataset = lab.service.make("flowers")
    reading, writing = os.pipe()
    os.close(reading)
    where = writing if gone else os.open("/dev/full", os.O_WRONLY)
    ran = lab.run("--log-level", "debug", "apply", "-o", "json", stderr=where)
    assert (ran.code, ran.only["verdict"]) == (0, "converged"), ran
    assert len(dataset.entries) == 5


@pytest.mark.fault(
    "output",
    "stdout goes to a full disk",
    "the exit code is 3, and one line names the reason",
)
def test_a_full_stdout_is_a_failure(lab: Lab) -> None:
    lab.lines(mixed(50))
    lab.spec()
    assert Path("/dev/full").is_char_device()
    for output in ("json", "text"):
        with Path("/dev/full").open("w") as full:
            ran = lab.run("validate", "-o", output, stdout=full)
        assert ran.code == 3, ran
        assert ran.err == "reconciler: stdout: No space left on device\n"


@pytest.mark.parametrize("closed", [1, 2])
@pytest.mark.parametrize("command", [("validate",), ("--version",), ("apply",)])
def test_a_closed_stream_is_no_riddle(lab: Lab, closed: int, command: tuple[str, ...]) -> None:
    """Without stdout nothing is done, since nobody would hear of it; without stderr all goes on as ever."""
    lab.lines(mixed(5))
    lab.spec(policy={"mode": "observe"})
    lab.service.make("flowers")
    ran = lab.run(*command, preexec_fn=lambda: os.close(closed))
    assert (ran.code, ran.err.count("\n")) == ((1, 1) if closed == 1 else (0, 0)), ran
    assert "Traceback" not in ran.err
    assert closed == 2 or lab.service.calls == []


def test_out_into_a_pipe_leaves_it_a_pipe(lab: Lab) -> None:
    """A device is written to, never replaced by a file."""
    lab.lines(mixed(5))
    lab.spec()
    lab.write("listing.jsonl", "")
    os.mkfifo(lab.directory / "pipe")
    process = lab.start("plan", "--observed", "listing.jsonl", "--out", "pipe", "-o", "json")
    kept = (lab.directory / "pipe").read_text()
    ran = lab.finish(process)
    assert (ran.code, json.loads(kept)) == (0, ran.json), ran
    assert (lab.directory / "pipe").is_fifo()


def test_a_full_disk_for_out_is_one_clear_error(lab: Lab) -> None:
    lab.lines(mixed(5))
    lab.spec()
    lab.write("listing.jsonl", "")
    full = lab.directory / "full"
    try:
        os.mknod(full, 0o666 | stat.S_IFCHR, os.makedev(1, 7))  # a /dev/full of our own
    except OSError:
        full.mkdir()
    for target, code in (("full", 3), ("nowhere/plan.json", 64), ("specs", 64)):
        ran = lab.run("plan", "--observed", "listing.jsonl", "--out", target, "-o", "json")
        assert ran.code == code, ran
        assert len(ran.only["changes"]) == 5 if code == 3 else ran.out == ""
        assert len(ran.err.strip().splitlines()) == 1
        assert target in ran.err


@pytest.mark.fault(
    "state directory",
    "it cannot be created, or holds garbage",
    "reading commands work; an apply names the problem and moves damaged files aside",
)
def test_a_state_directory_that_cannot_be_used(lab: Lab) -> None:
    """Reading needs none; an apply says what is wrong and sends nothing; a damaged one costs a look."""
    lab.lines(mixed(5))
    lab.spec()
    lab.service.make("flowers")
    lab.write("file", "not a directory")
    for command in ("plan", "apply"):
        ran = lab.run(command, "--state-dir", "file/state")
        assert (ran.code, ran.out) == (64, ""), ran
        assert "file/state" in ran.err
        assert "Traceback" not in ran.err
    assert lab.service.writes == []
    assert lab.apply().code == 0
    for path in (lab.directory / ".reconciler").rglob("*"):
        if path.is_file():
            path.write_bytes(b"garbage " * 1000)
    looked, damaged = lab.plan(), lab.apply()
    for ran, said in ((looked, "the next apply puts it aside"), (damaged, "; put aside")):
        assert ran.code == 0, ran
        assert said in ran.err
    assert "aside" not in lab.apply().err
    assert lab.plan("--detailed-exitcode").code == 0
    lab.assert_in_order()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
@pytest.mark.fault(
    "state directory",
    "the disk is full",
    "nothing is sent without a journal entry, and the error names the disk",
)
def test_a_full_disk_for_the_state(lab: Lab) -> None:
    """Nothing is sent that was not written down; the error is named."""
    small = lab.directory / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("cannot mount here")
    try:
        lab.lines(mixed(5))
        lab.spec()
        lab.service.make("flowers")
        (small / "filler").write_bytes(b"x" * 56_000)
        ran = lab.apply("--state-dir", "small/state")
        assert ran.code == 3, ran
        assert "Traceback" not in ran.err
        assert "small/state/state.sqlite3" in ran.err
        assert ran.json["format"] == "apply/v1"
        assert lab.service.writes == [] or len(ran.only["errors"])
    finally:
        subprocess.run(["umount", str(small)], check=True)


BAD_COMMANDS = [
    [],
    ["frobnicate"],
    ["plan", "--nonsense"],
    ["plan", "-o", "xml"],
    ["schema", "nonsense"],
    ["export", "--project", "x"],
    ["export", "--project", "x", "--type", "BOTH", "-d", "y"],
    ["iam", "admin"],
    ["plan", "a", "b"],
    ["--log-level", "shout", "plan"],
    ["plan", "--selector", "novalue"],
    ["emulator", "--listen", "nonsense"],
]


def test_a_bad_command_line_is_exit_64(lab: Lab) -> None:
    lab.lines(mixed(2))
    lab.spec()
    for words in BAD_COMMANDS:
        ran = lab.run(*words)
        assert ran.code == 64, (words, ran)
        assert ran.out == ""
        assert ran.err


# --- the other commands ------------------------------------------------------------------------------------------


def test_every_schema_is_json_and_names_its_draft(lab: Lab) -> None:
    for kind in ("dataset", "entries", "plan", "apply", "drift", "status"):
        ran = lab.run("schema", kind)
        assert ran.code == 0, ran
        assert ran.json["$schema"].startswith("https://json-schema.org/")


def test_iam_policies_grow_with_what_they_allow(lab: Lab) -> None:
    lab.lines(mixed(2))
    lab.spec()
    actions: dict[str, set[str]] = {}
    for level in ("read", "write", "rebuild"):
        ran = lab.run("iam", level)
        assert ran.code == 0, ran
        assert ran.json["Version"] == "2012-10-17"
        found = [s["Action"] for s in ran.json["Statement"]]
        actions[level] = {a for part in found for a in ([part] if isinstance(part, str) else part)}
    assert "rekognition:UpdateDatasetEntries" not in actions["read"]
    assert {"rekognition:DescribeProjects", "rekognition:ListDatasetEntries"} <= actions["read"]
    assert "rekognition:UpdateDatasetEntries" in actions["write"]
    assert "rekognition:DeleteDataset" not in actions["write"]
    assert {"rekognition:DeleteDataset", "rekognition:CreateDataset"} <= actions["rebuild"]
    assert lab.service.calls == []


def test_status_shows_the_last_known_state(lab: Lab) -> None:
    lab.lines(mixed(5))
    lab.spec()
    before = lab.run("status", "-o", "json")
    assert before.code == 0, before
    assert before.only["verdict"] == "unknown"
    lab.service.make("flowers")
    assert lab.apply().code == 0
    lab.service.calls.clear()
    after = lab.run("status", "-o", "json")
    assert (after.code, after.only["verdict"]) == (0, "converged"), after
    assert lab.service.calls == []


def test_local_needs_no_credentials_and_no_network(lab: Lab) -> None:
    lab.lines(mixed(12))
    lab.spec(target={"project": "flowers", "type": "TRAIN", "create": True})
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(lab.directory),
        "PYTHONPATH": lab.environment()["PYTHONPATH"],
    }
    for words, code in ((["apply"], 0), (["plan", "--detailed-exitcode"], 0), (["status"], 0)):
        local = [] if words == ["status"] else ["--local"]
        ran = lab.run(*words, *local, "-o", "json", env=env)
        assert ran.code == code, ran
    exported = lab.run("export", "--local", "--project", "flowers", "--type", "TRAIN", "-d", "out", env=env)
    assert exported.code == 0, exported
    plan = lab.run("plan", "out", "--local", "--detailed-exitcode", env=env)
    assert plan.code == 0, plan
    assert lab.service.calls == []


def test_the_emulator_serves_the_commands(lab: Lab) -> None:
    """As a process of its own, its data kept, ended by a signal."""
    lab.lines(mixed(12))
    lab.spec(target={"project": "flowers", "type": "TRAIN", "create": True})
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    emulator = lab.start("emulator", "--listen", f"127.0.0.1:{port}", "--data", "data")
    try:
        with socket.socket() as probe:
            until(lambda: probe.connect_ex(("127.0.0.1", port)) == 0)
        lab.env["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"
        ran = lab.apply()
        assert ran.code == 0, ran
        assert lab.plan("--detailed-exitcode").code == 0
    finally:
        emulator.send_signal(signal.SIGTERM)
    ended = lab.finish(emulator)
    assert ended.code in (0, 143), ended
    assert "Traceback" not in ended.err


def test_validate_opens_no_socket(lab: Lab) -> None:
    """Seen by the system itself."""
    lab.lines(mixed(5))
    lab.spec()
    trap = (
        "import sys\n"
        "def no(event, args):\n"
        "    if event in ('socket.__new__', 'socket.connect', 'socket.getaddrinfo'):\n"
        "        raise SystemExit(99)\n"
        "sys.addaudithook(no)\n"
    )
    lab.write("trap/sitecustomize.py", trap)
    lab.env["PYTHONPATH"] = f"{lab.directory / 'trap'}:{lab.environment()['PYTHONPATH']}"
    assert lab.run("validate").code == 0


def test_version_and_help(lab: Lab) -> None:
    assert lab.run("--version").out.startswith("reconciler ")
    for command in ("validate", "plan", "apply", "export", "status", "schema", "iam", "doctor", "emulator"):
        ran = lab.run(command, "--help")
        assert ran.code == 0
        assert "exit codes" in ran.out
