"""Terminal output: data to stdout, all else to stderr; colour and progress only on terminals."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TextIO

from reconciler.errors import OutputError
from reconciler.redact import redacted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from reconciler.engine.images.check import Forecast
    from reconciler.ports import Progress


_ESTIMATE_SECONDS: Final = (
    900.0  # an update may take minutes, and two are needed to tell how long the rest takes
)
_WIDE_COLUMNS: Final = 80  # narrower terminals get neither bar nor rate, but the same words and times


class Stdout:
    """Records whether data was written to stdout since the flag was reset."""

    begun = False


def coloured(args: argparse.Namespace, stream: TextIO) -> bool:
    """Return whether *stream* gets colours: a terminal, unless disabled (https://no-color.org)."""
    if args.no_color or os.environ.get("NO_COLOR"):
        return False
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Return the width of the terminal in columns; 100 without one."""
    return shutil.get_terminal_size((100, 24)).columns


def out(text: str) -> None:
    """Write text to stdout, ending with a newline; characters that its encoding lacks are escaped."""
    data = text.encode(sys.stdout.encoding or "utf-8", errors="backslashreplace")
    stream(lambda target: target.write(data if data.endswith(b"\n") else data + b"\n"))


def announce(forecast: Forecast) -> None:
    """Report on stderr how many requests a step of reading images takes, before the first of them."""
    from reconciler.reports.visible import counted

    images, requests = counted(forecast.images, "image"), counted(forecast.requests, "request")
    if forecast.places:
        text = f"looking up {images} in {', '.join(forecast.places)}: {requests} or more"
    else:
        text = f"reading {images} that are new or changed: {requests}, and more for long headers"
    sys.stderr.write(f"{forecast.dataset}: {text}\n")


def confirm(question: str) -> bool:
    """Ask on stderr; only ``y`` and ``yes`` mean yes. The end of the input means no."""
    sys.stderr.write(f"\n{question} [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        sys.stderr.write("\n")
    return answer.strip().lower() in ("y", "yes")


def stream(write: Callable[[BinaryIO], object]) -> None:
    """
    Call *write* with stdout.

    A broken pipe, such as to `head`, is ignored: it does not change the exit code.

    Raises:
        OutputError: Stdout cannot be written to, such as a full disk.
    """
    Stdout.begun = True
    try:
        sys.stdout.flush()
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        discard(sys.stdout)
    except OSError as exc:
        # What is still buffered would fail again when Python exits, with a code of its own.
        discard(sys.stdout)
        raise OutputError(f"stdout: {exc.strerror or exc}") from exc


def discard(target: TextIO) -> None:
    """Discard buffered and later output of *target*, which would fail again when Python exits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, target.fileno())
    os.close(nowhere)


class Aside:
    """Wraps stderr: redacts secrets, and ignores errors when writing."""

    def __init__(self, target: TextIO) -> None:
        self._target = target

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._target.write(redacted(text))
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._target.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)


class TerminalProgress:
    """`ports.Progress` as bars on stderr: one for each dataset, erased at the end."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._steps: dict[str, str] = {}

    def step(self, dataset: str, what: str, done: int, total: int | None) -> None:
        if dataset not in self._tasks:
            self._tasks[dataset] = self._bars.add_task(dataset, total=None, amount="")
        task = self._tasks[dataset]
        self._bars.start()
        if self._steps.get(dataset, what) != what:
            self._bars.reset(task)  # the time left is estimated from this step alone
        self._steps[dataset] = what
        self._bars.update(task, completed=done, total=total, amount=_amount(what, done, total))

    def pause(self) -> None:
        """Erase the bars, until the next step."""
        self._bars.stop()


def _amount(what: str, done: int, total: int | None) -> str:
    of_all = "" if total is None else f" of {total:,}"
    match what:
        case "listing":
            return f"{done:,}{of_all} entries"
        case "update":  # the one that is sent now
            return f"update {done + 1:,}{of_all}"
        case _:
            return f"{what} {done:,}{of_all}" if of_all else what


def bars_on(console: Console) -> Bars:
    """
    Return the bars: dataset, amount, rate, elapsed time, and the time that is left where the total is known.

    They fit consoles from 60 columns up: the name of a dataset is cut at its end, and narrow ones get no rate.
    """
    from rich.progress import (
        BarColumn,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars
    from rich.table import Column
    from rich.text import Text

    class Rate(ProgressColumn):
        """How much is done a second, or, if that is less than one, a minute."""

        def render(self, task: Task) -> Text:
            speed = task.speed
            return Text("" if not speed else f"{speed:,.0f}/s" if speed >= 1 else f"{60 * speed:,.1f}/min")

    fixed = Column(no_wrap=True)
    columns = [
        TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
        TextColumn("{task.fields[amount]}", table_column=fixed),
        *([BarColumn(bar_width=16), Rate(table_column=fixed)] if console.width >= _WIDE_COLUMNS else []),
        TimeElapsedColumn(table_column=fixed),
        TimeRemainingColumn(compact=True, table_column=fixed),
    ]
    return Bars(
        *columns,
        console=console,
        transient=True,
        expand=True,
        speed_estimate_period=_ESTIMATE_SECONDS,
    )


@contextmanager
def progress(args: argparse.Namespace) -> Iterator[Progress]:
    """Yield a progress display; a silent one unless stderr is a terminal."""
    if args.no_progress or not sys.stderr.isatty():
        from reconciler.ports import Silence  # not needed for help

        yield Silence()
        return
    from rich.console import Console

    with bars_on(Console(stderr=True, no_color=args.no_color or None)) as bars:
        yield TerminalProgress(bars)
