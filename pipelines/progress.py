"""What a person sees while work goes on: bars on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich import progress as rich_progress
from rich.console import Console


class Bar:
    """One running task; `advance` moves it, `note` puts a few words behind it."""

    def __init__(self, owner: "Progress", title: str, total: int | None, task: Any) -> None:
        self.owner, self.title, self.total, self.task = owner, title, total, task
        self.done, self.words, self.last = 0, "", time.monotonic()

    def advance(self, n: int = 1) -> None:
        """Move on by n."""
        self.done += n
        self._show()

    def note(self, words: str) -> None:
        """Show a few words, such as loss and rate."""
        self.words = words
        self._show()

    def _show(self) -> None:
        if self.owner.live is not None:
            self.owner.live.update(self.task, completed=self.done, words=self.words)
        elif self.total and time.monotonic() - self.last > 15.0:
            self.last = time.monotonic()
            self.owner.say(f"{self.title}: {self.done} of {self.total}  {self.words}")


class Progress:
    """Progress on standard error, so that standard output holds results only."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False)
        self.live: Any = None

    def say(self, line: str) -> None:
        """Print one line."""
        self.console.print(line, markup=False, soft_wrap=True)

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[Bar]:
        """Show a task while the block runs; afterwards one line with its time."""
        begun = time.perf_counter()
        if self.console.is_terminal:
            columns = (
                rich_progress.SpinnerColumn(),
                rich_progress.TextColumn("{task.description}"),
                rich_progress.BarColumn(),
                rich_progress.MofNCompleteColumn(),
                rich_progress.TimeRemainingColumn(),
                rich_progress.TextColumn("{task.fields[words]}"),
            )
            with rich_progress.Progress(*columns, console=self.console, transient=True) as live:
                self.live = live
                try:
                    yield Bar(self, title, total, live.add_task(title, total=total, words=""))
                finally:
                    self.live = None
        else:
            self.say(f"{title} ...")
            yield Bar(self, title, total, None)
        seconds = time.perf_counter() - begun
        if seconds > 2.0:
            self.say(f"{title}: {seconds:.0f} s")

    def training_callback(self, bar: Bar, images_per_batch: int) -> Any:
        """Return a Keras callback that moves the bar and shows epoch, loss and images per second."""
        import keras

        class Watch(keras.callbacks.Callback):  # type: ignore[misc]
            """Reports to the bar."""

            def on_train_begin(self, logs: Any = None) -> None:
                self.begun: float | None = None
                self.seen = 0

            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                self.epoch = epoch
                bar.advance(epoch * self.params["steps"] - bar.done)

            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                now = time.perf_counter()
                if self.begun is None:  # the first step builds the graph and would spoil the rate
                    self.begun = now
                else:
                    self.seen += images_per_batch
                rate = self.seen / max(now - self.begun, 1e-9)
                loss = float(logs["loss"])
                epochs = bar.total // self.params["steps"] if bar.total else self.params["epochs"]
                bar.note(f"epoch {self.epoch + 1}/{epochs}  loss {loss:.3f}  {rate:.0f} images/s")
                bar.advance()

        return Watch()
