"""What each file of the suite takes, and what it may take: ``tests/budget.json``."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--costs", type=Path, help="write the seconds of each file, on the clock and of processors, as JSON"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--costs"):
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
    """Sums of each file: on the clock from reports, of processors where the tests run."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.clock: defaultdict[str, float] = defaultdict(float)
        self.tests: defaultdict[str, int] = defaultdict(int)
        self.processors: defaultdict[str, float] = defaultdict(float)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        before = used()
        result = yield
        self.processors[item.nodeid.split("::")[0]] += used() - before
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file = report.nodeid.split("::")[0]
        self.clock[file] += report.duration
        self.tests[file] += report.when == "setup"

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        for file, seconds in node.workeroutput.get("processors", {}).items():
            self.processors[file] += seconds

    def pytest_sessionfinish(self) -> None:
        if (output := getattr(self.config, "workeroutput", None)) is not None:
            output["processors"] = dict(self.processors)
            return
        rows = {
            file: {
                "clock": round(self.clock[file], 2),
                "processors": round(self.processors[file], 2),
                "tests": self.tests[file],
            }
            for file in sorted(self.clock, key=lambda file: -self.clock[file])
        }
        self.config.getoption("--costs").write_text(json.dumps(rows, indent=1) + "\n")
