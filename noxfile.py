"""`nox -s demo` and `nox -s test` do all the set-up a fresh machine needs.

Sessions share one environment, `.nox/env`: ComfyUI's requirements are gigabytes. It is built with uv where there is uv,
else with pip, from whatever index these are configured for, and built again when a list of requirements changes.
"""

import hashlib
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nox

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT / "tests"))
from models.real_llm import PACKAGE  # noqa: E402
from places import find_comfyui  # noqa: E402

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["test"]

OWN_PYTHON = os.environ.get("RESONANCE_PYTHON")
"""A Python that has everything already, such as ComfyUI's own: nothing is installed then."""

PYTHON = Path(OWN_PYTHON or ROOT / ".nox" / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
SHARED = [] if OWN_PYTHON else ["env"]

CONSTRAINTS = "tests/constraints.txt"
REQUIREMENTS = ["requirements.txt", "requirements-test.txt"]
WITHOUT_COMFYUI = ["requirements-cli.txt", "requirements-headless.txt"]
"""With ComfyUI's own requirements these are there already."""
NEWER_FRONTEND = "tests/newer_frontend.txt"
COMFYUI_VERSION = "0.33.0"
WHEELS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "resonance" / "wheels"
"""Compiled wheels; outside the repository, so that a clean checkout need not compile again."""

BYTECODE = {"PYTHONPYCACHEPREFIX": str(ROOT / ".nox" / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}
"""The tests start ComfyUI fifty times: that takes twice as long where containers forbid Python to keep its bytecode."""


def run(session: nox.Session, *command: str | Path) -> None:
    """Runs a program of the shared environment."""
    program, *arguments = map(str, command)
    program = program if program == str(PYTHON) else str(PYTHON.parent / program)
    session.run(program, *arguments, external=True, env=BYTECODE)


def marked(name: str) -> list[str]:
    """The files with tests that are so marked: pytest imports each file it is given, which takes half a minute for all."""
    listed = Path("tests/long.txt").read_text("utf-8") if name == "long" else ""
    return sorted(
        str(path)
        for path in Path("tests").glob("*/test_*.py")
        if f"mark.{name}" in path.read_text("utf-8") or f"{path.as_posix()}::" in listed
    )


def llama_tests() -> list[str]:
    return sorted(map(str, Path("tests").glob("*/test_llamacpp*.py")))


def check_python(session: nox.Session) -> None:
    run(session, "ruff", "check")
    run(session, "ruff", "format", "--check")
    run(session, "pyright", "--pythonpath", PYTHON)
    run(session, PYTHON, "tests/contracts.py")


def check_js(session: nox.Session) -> None:
    if prepare_js(session):
        npm(session, "run", "check")
        npm(session, "test")


@nox.session(reuse_venv=True, default=False)
def env(session: nox.Session) -> None:
    """The environment that the other sessions share."""
    comfyui = find_comfyui()
    if comfyui is None and os.environ.get("RESONANCE_REQUIRE_COMFYUI") == "1":
        session.error("no ComfyUI in COMFYUI_PATH, in the folder above, or in ~/comfy/ComfyUI")
    ours = REQUIREMENTS if comfyui else [*REQUIREMENTS, *WITHOUT_COMFYUI]
    lists = [*([comfyui / "requirements.txt"] if comfyui else []), *(ROOT / name for name in ours)]
    recorded = [ROOT / CONSTRAINTS, ROOT / NEWER_FRONTEND, *lists]
    wanted = hashlib.sha256(b"\0".join(path.read_bytes() for path in recorded)).hexdigest()
    stamp = Path(session.virtualenv.location) / "resonance.stamp"
    if stamp.is_file() and stamp.read_text() == wanted:
        session.log("the environment is up to date")
        return
    session.log(
        f"installing ComfyUI's requirements ({comfyui or 'no ComfyUI found'}) and ours: some gigabytes, minutes"
    )
    session.install("-c", CONSTRAINTS, *(f"-r{path}" for path in lists))
    if comfyui:
        session.install("--no-deps", "--target", str(stamp.parent / "frontend"), "-r", NEWER_FRONTEND)
    stamp.write_text(wanted)


def npm(session: nox.Session, *command: str) -> None:
    session.run("npm", "--prefix", "js", *command, external=True, silent=command[0] == "ci")


def prepare_js(session: nox.Session) -> bool:
    """The tools that build `web/js`, installed where there is npm; False where there is none."""
    if not shutil.which("npm"):
        if os.environ.get("RESONANCE_REQUIRE_BROWSER") == "1":
            session.error("no npm on PATH")
        session.warn("no npm on PATH: the browser part is not checked, `web/js` is taken as it is")
        return False
    lock = ROOT / "js" / "package-lock.json"
    stamp = ROOT / "js" / "node_modules" / "resonance.stamp"
    if not stamp.is_file() or stamp.read_bytes() != lock.read_bytes():
        npm(session, "ci", "--no-audit", "--no-fund")
        shutil.copyfile(lock, stamp)
    return True


@nox.session(venv_backend="none", default=False)
def web(session: nox.Session) -> None:
    """Builds the browser part, `js/`, into `web/js`."""
    if prepare_js(session):
        npm(session, "run", "format")
        npm(session, "run", "build")


@nox.session(venv_backend="none", requires=SHARED)
def test(session: nox.Session) -> None:
    """Lint, types, import contracts, unit, host and browser tests, in the time of tests/budget.json. What follows `--` goes to
    pytest instead of the folders."""
    began = time.time()
    if find_comfyui() is None:
        session.warn("no ComfyUI found (COMFYUI_PATH, the folder above, ~/comfy/ComfyUI): the host tests are skipped")
    with ThreadPoolExecutor() as pool:
        for checked in [pool.submit(check_python, session), pool.submit(check_js, session)]:
            checked.result()
    if session.posargs:
        run(session, PYTHON, "-m", "pytest", *session.posargs)
        return
    run(session, PYTHON, "-m", "pytest", "-m", "quiet and not long", *marked("quiet"))
    folders = ("tests/unit", "tests/host", "tests/browser")
    run(session, PYTHON, "-m", "pytest", "-n", "2", "-m", "not quiet and not long", f"--budget={began}", *folders)


@nox.session(venv_backend="none", requires=SHARED, default=False)
def smoke(session: nox.Session) -> None:
    """One test for each node, route and command, on one ComfyUI: for every save."""
    run(session, PYTHON, "-m", "pytest", "-q", "tests/smoke", *session.posargs)


@nox.session(venv_backend="none", requires=SHARED, default=False)
def long(session: nox.Session) -> None:
    """What takes too long for every day: figures over many pictures, every combination."""
    tests = session.posargs or [*marked("long"), "tests/browser"]  # whose pages conftest.py deals out
    run(session, PYTHON, "-m", "pytest", "-n", "2", "-m", "long and not quiet", *tests)
    if not session.posargs:
        run(session, PYTHON, "-m", "pytest", "-m", "long and quiet", *marked("quiet"))
        session.notify("test-llm", ["-m", "long", *llama_tests()])


@nox.session(venv_backend="none", requires=SHARED, default=False)
def crash(session: nox.Session) -> None:
    """A thousand kills of a process that works on a session, at random moments."""
    run(session, PYTHON, "-m", "pytest", "-q", "-s", "tests/unit/test_crash.py", "-m", "long")


@nox.session(venv_backend="none", requires=SHARED, default=False)
def fuzz(session: nox.Session) -> None:
    """Twenty thousand texts for each reader, and a line on how many of them it took. What follows `--` goes to pytest."""
    env = {**BYTECODE, "RESONANCE_FUZZ": "20000"}
    command = (str(PYTHON), "-m", "pytest", "-q", "-s", "tests/unit/test_fuzz.py", *session.posargs)
    session.run(*command, external=True, env=env)


@nox.session(venv_backend="none", requires=SHARED, default=False)
def screenshots(session: nox.Session) -> None:
    """Writes docs/images anew: run it after the editor or the gallery looks different."""
    env = {**BYTECODE, "RESONANCE_SCREENSHOTS": "1"}
    files = ("tests/browser/test_screenshots.py", "tests/browser/test_films.py")
    session.run(str(PYTHON), "-m", "pytest", *files, external=True, env=env)


def with_llama(session: nox.Session) -> dict[str, str]:
    """llama-cpp-python, compiled once, and a real language model where there is one, on top of the shared environment. Returns
    the variables to run in it."""
    version = next(line.split("==")[1] for line in (ROOT / CONSTRAINTS).read_text().splitlines() if "llama" in line)
    wheel = next(WHEELS.glob(f"llama_cpp_python-{version}-*.whl"), None)
    if wheel is None:
        session.log(f"compiling llama-cpp-python {version} into {WHEELS}: about five minutes")
        session.install("pip")
        build = ("python", "-m", "pip", "wheel", "--no-deps", "-w", str(WHEELS), f"llama-cpp-python=={version}")
        session.run(*build, success_codes=range(256))
        wheel = next(WHEELS.glob(f"llama_cpp_python-{version}-*.whl"), None)
        if wheel is None:
            session.skip(f"llama-cpp-python {version} cannot be installed here")
    session.install("-c", CONSTRAINTS, f"llama-cpp-python[server] @ {wheel.as_uri()}")
    session.install(PACKAGE, success_codes=range(256), silent=True)  # without it some tests are skipped
    # The shared environment's packages come first, so that what was added here cannot replace them.
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    shared = session.run(PYTHON, "-c", ask, silent=True, external=True)
    return {**BYTECODE, "PYTHONPATH": shared.strip(), "RESONANCE_REQUIRE_LLAMA": "1"}


@nox.session(name="test-llm", requires=SHARED, reuse_venv=True, default=False)
def test_llm(session: nox.Session) -> None:
    """The tests that need llama-cpp-python."""
    env = with_llama(session)
    session.run("python", "-m", "pytest", *(session.posargs or llama_tests()), env=env)


@nox.session(name="bench-llm", requires=SHARED, reuse_venv=True, default=False)
def bench_llm(session: nox.Session) -> None:
    """The claim of speed that needs llama-cpp-python and a real language model."""
    session.run("python", "bench/grammar.py", *session.posargs, env=with_llama(session))


@nox.session(venv_backend="none", requires=SHARED, default=False)
def bench(session: nox.Session) -> None:
    """Every claim of speed, measured here: all scripts of bench/, or those named after `--`."""
    for script in session.posargs or sorted(map(str, Path("bench").glob("*.py"))):
        run(session, PYTHON, script)


@nox.session(default=False, venv_backend="none" if find_comfyui() else None)
def comfyui(session: nox.Session) -> None:
    """ComfyUI itself, fetched by comfy-cli into ~/comfy/ComfyUI where none is found."""
    if found := find_comfyui():
        session.log(f"ComfyUI: {found}")
        return
    target = Path.home() / "comfy" / "ComfyUI"
    session.install("comfy-cli")
    skip = ("--skip-manager", "--skip-torch-or-directml", "--skip-requirement")
    fetch = ("install", "--cpu", "--version", COMFYUI_VERSION, *skip)
    session.run("comfy", "--skip-prompt", "--workspace", str(target), *fetch, success_codes=range(256), silent=True)
    if find_comfyui() is None:
        session.warn(
            f"comfy-cli could not fetch ComfyUI: put it into {target}, or name its folder in COMFYUI_PATH. Going on without."
        )


@nox.session(venv_backend="none", requires=["comfyui", *SHARED], default=False)
def demo(session: nox.Session) -> None:
    """Three rounds over four pictures with tiny models, and one page that shows them: in ComfyUI, or without where none is found."""
    run(session, PYTHON, "tests/demo.py" if find_comfyui() else "tests/demo_toyworld.py", *session.posargs)


@nox.session(venv_backend="none", requires=SHARED, default=False)
def locales(session: nox.Session) -> None:
    """Writes locales/en/nodeDefs.json from what the nodes' schemas say."""
    run(session, PYTHON, "tests/write_locales.py")
