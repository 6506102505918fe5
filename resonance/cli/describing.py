"""What `resonance describe` does once it knows what it is to do: loading, progress, Ctrl-C."""

import signal
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from ..interpret.describe import Caption, Failed, Tag, caption_with, tag_with
from ..interpret.descriptions import Description, Kept
from ..interpret.taggers.select import Choice
from ..llm.chat import Engine, Interrupted, LLMError, Sampling
from .output import Output

if TYPE_CHECKING:
    from ..drive.embedded.describer import Tagging

GPU_BATCH = 8


def tagger(tagging: "Tagging", device: str) -> tuple[Tag, int]:
    """The tagger, loaded, and how many pictures it should get at once.

    Raises:
        NoLibrary, Told: see :class:`resonance.drive.embedded.describer.Describer`.
    """
    # All of this imports torch, which a language model behind an address does not need.
    from ..drive.embedded.describer import found
    from ..drive.embedded.pipelines import pick_device
    from ..interpret.taggers.engine import TorchTagger, load

    where = pick_device(device)
    one = replace(found(tagging), device="cpu" if device == "cpu" else "auto")
    engine = load(one)
    if isinstance(engine, TorchTagger):
        engine.model.to(where)
    choice = Choice({**dict(one.model.thresholds), **tagging.thresholds}, tagging.mcut, tagging.exclude)
    return tag_with(engine, choice, tagging.text), 1 if engine.running_on.lower() == "cpu" else GPU_BATCH


def captioner(
    engine: Engine, instruction: str, system: str, sampling: Sampling, longest_side: int, output: Output
) -> Caption:
    """A language model that is asked about pictures. What it had to leave out is told once.

    Raises:
        LLMError: it does not see.
    """
    if not engine.abilities.images:
        raise LLMError(f"{engine.name} takes no pictures: {engine.abilities.for_images}.")
    told: set[str] = set()

    def note(text: str) -> None:
        if text not in told:
            told.add(text)
            output.say(f"Note: {text}.")
            output.event("note", text=text)

    return caption_with(engine, instruction, system, sampling, longest_side, note)


def keep_all(
    describing: Generator[Description | Failed],
    kept: Kept,
    total: int,
    skipped: int,
    clashes: Mapping[str, str],
    output: Output,
) -> bool:
    """Keeps each description as soon as it is there, and tells of it.

    Args:
        total: how many pictures are to be described.
        skipped: how many were described before.
        clashes: pictures whose text file belongs to another picture, with that one.

    Returns:
        Whether Ctrl-C stopped it.
    """
    described, failed, stopped = 0, 0, False

    def fail(name: str, why: str) -> None:
        nonlocal failed
        failed += 1
        output.say(why)
        output.event("failed", file_name=name, text=why)

    for name, other in clashes.items():
        fail(name, f"{name} would share its text file with {other}: rename one, or take --to jsonl.")
    with _bar(output, total) as show, _ctrl_c(show) as wanted, closing(describing):
        try:
            for each in describing:
                if isinstance(each, Failed):
                    fail(each.file_name, each.why)
                else:
                    kept.add(each)
                    described += 1
                    output.event("picture", **asdict(each))
                show(advance=1)
                if stopped := wanted():
                    break
        except (Interrupted, KeyboardInterrupt):
            stopped = True
        finally:
            kept.finish()
    output.event("end", described=described, skipped=skipped, failed=failed, stopped=stopped)
    output.say(f"{described} described, {skipped} skipped, {failed} failed")
    return stopped


@contextmanager
def _bar(output: Output, total: int) -> Generator[Callable[..., None]]:
    """A bar; yields what updates it, see :meth:`rich.progress.Progress.update`."""
    columns = *Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=output.console, disable=output.json) as progress:
        yield partial(progress.update, progress.add_task("describing", total=total))


@contextmanager
def _ctrl_c(show: Callable[..., None]) -> Generator[Callable[[], bool]]:
    """Yields whether Ctrl-C was pressed. Pressed twice it interrupts."""
    pressed = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()
        show(description="finishing this picture")

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)
