"""What each file of the suite takes, and what it may take: ``tests/budget.json``."""

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

FILE = Path(__file__).with_suffix(".json")
SMALL = 10.0
"""Seconds for a file that the budget does not name."""
SLOWEST = 2.5
"""How many times slower than the reference a machine may call itself."""


@dataclass(frozen=True)
class Budget:
    """Seconds on the clock, with two workers on two cores of the reference machine.

    Attributes:
        whole: for all that ``nox -s test`` does.
        reference: what :func:`calibrate` takes there.
        files: the sum of each file's tests.
    """

    whole: float
    reference: float
    files: Mapping[str, float]

    @staticmethod
    def read() -> "Budget":
        return Budget(**json.loads(FILE.read_text()))

    def slower(self, measured: float) -> float:
        """How many times slower this machine is, from 1."""
        return min(max(measured / self.reference, 1.0), SLOWEST)

    def judge(self, whole: float, files: Mapping[str, float], slower: float) -> tuple[list[str], bool]:
        """What took longer than it may, a line each, and whether all together did: single files vary with what runs beside them."""
        allowed = {file: self.files.get(file, SMALL) * slower for file in files}
        over = sorted((file for file in files if files[file] > allowed[file]), key=lambda file: -files[file])
        lines = [f"{file} took {files[file]:.0f} s, its budget is {allowed[file]:.0f} s" for file in over]
        late = whole > self.whole * slower
        if late:
            lines.append(f"all took {whole / 60:.1f} min, the budget is {self.whole * slower / 60:.1f} min")
        return lines, late


WORK = """
import time
import numpy as np
matrix = np.linspace(0, 1, 300 * 300).reshape(300, 300)
start, total = time.perf_counter(), 0
for number in range(1_000_000):
    total += number % 7
for _ in range(60):
    matrix @ matrix
print(time.perf_counter() - start)
"""


def calibrate() -> float:
    """Seconds on the clock for a fixed piece of work, Python's and NumPy's, in two processes at once as the suite has two workers. The
    least of three."""

    def once() -> float:
        command, env = [sys.executable, "-c", WORK], {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) for _ in range(2)]
        return max(float(process.communicate()[0]) for process in both)

    return min(once() for _ in range(3))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--budget", type=float, metavar="START", help="fail if more has gone by since START than may")
    parser.addoption("--costs", type=Path, metavar="FILE", help="write what each file takes: clock and processors")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--budget") or config.getoption("--costs"):
        config.pluginmanager.register(Costs(config))


def used() -> float:
    """Seconds of processors that this process and all that it started have used, since they began."""
    seconds = 0.0
    for process in (me := psutil.Process(), *me.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        seconds += times.user + times.system + times.children_user + times.children_system
    return seconds


class Costs:
    """Sums over the tests of each file. Each test carries what it took of processors to the process that reports."""

    def __init__(self, config: pytest.Config) -> None:
        self.began, self.to = config.getoption("--budget"), config.getoption("--costs")
        self.sums: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
        self.worker = hasattr(config, "workerinput")
        self.slower = 1.0
        self.lines: list[str] = []
        if self.began and not self.worker:
            self.budget = Budget.read()
            self.slower = self.budget.slower(calibrate())

    def pytest_collection_finish(self) -> None:
        self.before = used()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> Iterator[None]:
        report = yield
        if self.to and call.when == "teardown":
            before, self.before = self.before, used()
            # What a browser's processes used is lost where they end unasked.
            report.user_properties.append(("processors", max(0.0, self.before - before)))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        sums = self.sums[report.nodeid.split("::")[0]]
        sums["clock"] += report.duration
        if report.when == "teardown":
            sums["tests"] += 1
            sums["processors"] += dict(report.user_properties).get("processors", 0)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.worker:
            return
        if self.to:
            rows = sorted(self.sums.items(), key=lambda row: -row[1]["clock"])
            rounded = {file: {name: round(value, 2) for name, value in sums.items()} for file, sums in rows}
            self.to.write_text(json.dumps(rounded, indent=1) + "\n")
        if self.began:
            files = {file: sums["clock"] for file, sums in self.sums.items()}
            whole = time.time() - self.began
            # A machine that others use, too, may have become slower.
            self.slower = max(self.slower, self.budget.slower(calibrate()))
            self.lines, failed = self.budget.judge(whole, files, self.slower)
            if failed and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.lines:
            terminalreporter.section(f"budget, on a machine {self.slower:.1f} times slower than its own", "-")
            for line in self.lines:
                terminalreporter.line(line)
