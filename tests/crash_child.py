"""A session's whole life in a process that knows nothing but :mod:`resonance.session`, to be killed at any moment.

    python crash_child.py FOLDER COUNT ROUNDS [POINT]

It makes COUNT items in each of ROUNDS rounds, some runs claiming three at once, some failing once. At POINT, which is passed for
the second time, it kills itself. Nothing of ComfyUI, torch or the command may be loaded.
"""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from resonance.files import store  # noqa: E402
from resonance.session.chain import Chain, Stop, Why, own  # noqa: E402
from resonance.session.fill.pictures import Pictures  # noqa: E402
from resonance.session.ledger import Ledger  # noqa: E402
from resonance.session.made import Made  # noqa: E402
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
            if self.passed == 2:
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


def work(chain: Chain, killer: Killer) -> None:
    fail = {(2, "X0002")}
    for number in range(10_000):
        got = chain.claim(f"{os.getpid()}-{number}", most=3 if number % 4 == 0 else 1)
        killer.at("claimed")
        if isinstance(got, Stop):
            assert got.why is Why.FINISHED, got
            return
        for item in got:
            if (item.round, item.lineage) in fail:
                fail.clear()
                chain.settle(item, Outcome(Reason.ERROR, "once"))
                killer.at("settled")
            else:
                chain.keep(item, Made(pictures=(DATA,), prompt="red", texts=None))


def main() -> None:
    folder, count, rounds, point = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), (sys.argv[4:] or [""])[0]
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
    chain.begin()
    foreign = {"torch", "comfy", "aiohttp", "typer", "resonance.host", "resonance.drive", "resonance.cli"} & set(
        sys.modules
    )
    assert not foreign, foreign
    (folder / "begun").touch()
    work(chain, killer)
    chain.close()


if __name__ == "__main__":
    main()
