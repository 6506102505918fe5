"""A session's whole life in a process that knows nothing but :mod:`resonance.session`, to be killed at any moment.

For each line of JSON on its input, ``[folder, items, rounds, point, name rule]``, it forks a child, tells its id, and then how it
ended. The child makes the items of all rounds; some runs claim three at once, one item fails once. When it passes the point for the second
time it kills itself (the first, where there is but one). Nothing of ComfyUI, torch or the command may be loaded.
"""

import json
import os
import signal
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from resonance.files import store  # noqa: E402
from resonance.session.chain import Chain, Stop, Why, own  # noqa: E402
from resonance.session.fill.pictures import Pictures  # noqa: E402
from resonance.session.ledger import Ledger  # noqa: E402
from resonance.session.made import Made  # noqa: E402
from resonance.session.naming import NameRule, Naming  # noqa: E402
from resonance.session.reason import Outcome, Reason  # noqa: E402

POINTS = ("claimed", "half written", "before rename", "after rename", "before commit", "after commit", "settled")
DATA = b"x" * 50_000


class Killer:
    """``os`` as the saver sees it, and what surrounds the ledger."""

    def __init__(self, point: str) -> None:
        self.point, self.passed = point, 0

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def at(self, point: str) -> None:
        if point == self.point:
            self.passed += 1
            if self.passed == (1 if point == "settled" else 2):
                os.kill(os.getpid(), signal.SIGKILL)

    def fsync(self, handle: int) -> None:
        if self.point == "half written" and os.path.isfile(f"/proc/self/fd/{handle}") and self.passed == 1:
            os.truncate(handle, os.fstat(handle).st_size // 2)
        self.at("half written")
        os.fsync(handle)

    def replace(self, source: Path, target: Path) -> None:
        self.at("before rename")
        os.replace(source, target)
        self.at("after rename")


def work(chain: Chain, killer: Killer, failed: Path, naming: Naming) -> None:
    for number in range(10_000):
        got = chain.claim(f"{os.getpid()}-{number}", most=3 if number % 4 == 0 else 1)
        killer.at("claimed")
        if isinstance(got, Stop):
            assert got.why is Why.FINISHED, got
            return
        for item in got:
            if (item.round, item.lineage) == (2, "X0002") and not failed.exists():
                failed.touch()
                chain.settle(item, Outcome(Reason.ERROR, "once"))
                killer.at("settled")
            else:
                chain.keep(item, Made(pictures=(DATA,), prompt="red", texts=None, naming=naming))


def live(folder: Path, count: int, rounds: int, point: str, rule: NameRule) -> None:
    killer = Killer(point)
    store.os = killer  # type: ignore[assignment]
    commit = Ledger.commit

    def committed(ledger: Ledger, *values: object) -> None:
        killer.at("before commit")
        commit(ledger, *values)  # type: ignore[arg-type]
        killer.at("after commit")

    Ledger.commit = committed  # type: ignore[method-assign, assignment]
    pictures = folder / "input" / "first"
    if not pictures.is_dir():
        pictures.mkdir(parents=True)
        for number in range(count):
            (pictures / f"{number}.png").touch()
    fill = Pictures("first", rounds, {"input": folder / "input", "output": folder / "output"})
    chain = Chain(own(folder / "output" / "s", 1, fill.kind, ""), fill)
    chain.settle_all(lambda run, process: Outcome(Reason.DIED))
    with chain.ledger.transaction():
        chain.ledger.retry()  # what died five times in a row is parked, until somebody asks again
    chain.begin()
    foreign = {"torch", "comfy", "aiohttp", "typer", "resonance.host", "resonance.drive", "resonance.cli"} & set(
        sys.modules
    )
    assert not foreign, foreign
    (folder / "begun").touch()
    work(chain, killer, folder / "failed", Naming(name=rule))
    chain.close()


def main() -> None:
    for line in sys.stdin:
        folder, *rest = json.loads(line)
        pid = os.fork()
        if pid == 0:
            try:
                live(Path(folder), *rest)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
