"""What the pack promises about its own files: who imports whom, what ships, and what shipped code never does."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import contracts
import pytest
from host.surface import PRIVATE
from packaging.requirements import Requirement
from places import PACK, shipped_files

BIN = Path(sys.executable).parent
PROJECT = tomllib.loads((PACK / "pyproject.toml").read_text())["project"]

RUNS_TEXT = {"eval", "exec", "compile", "__import__", "breakpoint"}
PROGRAMS_AND_PICKLES = {"subprocess", "pty", "runpy", "pickle", "shelve", "marshal", "dill", "cloudpickle", "ctypes"}
OF_OS = ("system", "popen", "environ", "getenv", "putenv", "startfile", "fork", "exec", "spawn", "posix_spawn")


def offences(source: str) -> Iterator[str]:
    """What in a Python source runs text, starts programs, unpickles, reads the environment, or prints."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (f"import {n.name}" for n in names if n.name.split(".")[0] in PROGRAMS_AND_PICKLES)
            case ast.ImportFrom(module=str(module), level=0, names=names):
                if module.split(".")[0] in PROGRAMS_AND_PICKLES:
                    yield f"from {module} import"
                if module == "os":
                    yield from (f"from os import {n.name}" for n in names if n.name.startswith(OF_OS))
            case ast.Call(func=ast.Name(id=name)) if name in RUNS_TEXT | {"print"}:
                yield f"{name}()"
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(module)), *_]):
                if module.split(".")[0] in PROGRAMS_AND_PICKLES:
                    yield f"import_module({module!r})"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="torch"), attr="load"), keywords=keywords):
                safe = [k for k in keywords if k.arg == "weights_only" and getattr(k.value, "value", None) is True]
                if not safe:
                    yield "torch.load() without weights_only=True"
            case ast.Attribute(value=ast.Name(id="os"), attr=attribute) if attribute.startswith(OF_OS):
                yield f"os.{attribute}"


def speaks_sql(source: str) -> list[str]:
    """Texts in a Python source that are SQL."""
    sql = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE FROM|CREATE (TABLE|INDEX|VIEW)|WITH RECURSIVE|PRAGMA)\b")
    texts = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return [text for text in texts if isinstance(text, str) and sql.match(text)]


def test_only_the_ledger_its_schema_and_its_questions_speak_sql() -> None:
    allowed = {PACK / "resonance" / "session" / f"{name}.py" for name in ("ledger", "opening", "schema", "query")}
    files = [*(PACK / "resonance").rglob("*.py"), *(PACK / "nodes").rglob("*.py")]
    assert [file for file in files if file not in allowed and speaks_sql(file.read_text())] == []
    assert all(speaks_sql(file.read_text()) for file in allowed)
    assert speaks_sql('db.execute(f"SELECT {columns} FROM item")') and not speaks_sql('"Select a picture."')


COMFYUI = [
    PACK / "resonance" / "host" / f"{name}.py"
    for name in (
        "core",
        "core_attention",
        "core_control",
        "core_gradient",
        "core_joint",
        "core_lora",
        "core_noise",
        "core_sampling",
        "core_text",
        "core_unet",
        "core_vision",
    )
]


def names(tree: ast.AST) -> set[str]:
    """All names in a Python source, and all texts, which may be keys."""
    found = set[str]()
    for node in ast.walk(tree):
        match node:
            case (
                ast.Attribute(attr=name)
                | ast.Name(id=name)
                | ast.keyword(arg=str(name))
                | ast.Constant(value=str(name))
            ):
                found.add(name)
            case ast.alias(name=name):
                found |= set(name.split("."))
            case ast.MatchClass(kwd_attrs=attributes):
                found |= set(attributes)
            case _:
                pass
    return found


def test_comfyuis_insides_are_known_in_one_place_and_touched_once() -> None:
    files = [*(PACK / "resonance" / "host").rglob("*.py"), *(PACK / "nodes").rglob("*.py")]
    others = {file: PRIVATE & names(ast.parse(file.read_text())) for file in files if file not in COMFYUI}
    assert len(others) > 40 and {file.name: found for file, found in others.items() if found} == {}
    places = [
        each for file in COMFYUI for each in ast.parse(file.read_text()).body if not isinstance(each, ast.ImportFrom)
    ]
    assert sorted(name for place in places for name in PRIVATE & names(place)) == sorted(PRIVATE)


@pytest.mark.parametrize(
    "source",
    [
        "clip.cond_stage_model = None",
        "queue.get_history(run, map_function=len)",
        "node['is_changed']",
        "from comfy_execution.utils import get_executing_context",
        "match tokenizer:\n    case object(clip_name=name): pass",
    ],
)
def test_the_search_finds_what_is_private(source: str) -> None:
    assert PRIVATE & names(ast.parse(source))


@pytest.mark.parametrize("file", COMFYUI, ids=lambda file: file.name)
def test_comfyui_is_not_probed(file: Path) -> None:
    assert not {"getattr", "hasattr", "AttributeError", "TypeError"} & names(ast.parse(file.read_text()))


def shipped_python() -> list[Path]:
    return [PACK / name for name in shipped_files() if name.endswith(".py")]


@pytest.mark.parametrize("file", shipped_python(), ids=lambda file: str(file.relative_to(PACK)))
def test_shipped_code_runs_no_text_and_no_programs(file: Path) -> None:
    assert list(offences(file.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "def f(): exec(text)",
        "compile(text, '', 'exec')",
        "import subprocess",
        "from subprocess import run",
        "import pickle as p",
        "import ctypes.util",
        "import os\nos.system('ls')",
        "from os import popen",
        "import os\nkey = os.environ['KEY']",
        "import importlib\nimportlib.import_module('pickle')",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "print('hello')",
    ],
)
def test_the_scan_finds_what_it_looks_for(source: str) -> None:
    assert list(offences(source))


@pytest.mark.parametrize("source", ["re.compile('a')", "torch.load(path, weights_only=True)", "os.replace(a, b)"])
def test_the_scan_leaves_alone_what_is_harmless(source: str) -> None:
    assert list(offences(source)) == []


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A copy of the pack that a test may spoil."""
    return contracts.copy_pack(tmp_path)


def bans(pack: Path) -> subprocess.CompletedProcess[str]:
    command = [BIN / "ruff", "check", "--no-cache", "--select", "TID251", "resonance"]
    return subprocess.run(command, cwd=pack, capture_output=True, text=True)


def test_the_pack_keeps_its_contracts(pack: Path) -> None:
    found = contracts.lint(pack)
    assert found.returncode == 0, found.stdout
    assert re.search(r"Analyzed \d{3} files, \d{4} dependencies", found.stdout)
    assert bans(pack).returncode == 0


def test_a_planted_import_of_comfyui_is_found(pack: Path) -> None:
    (pack / "resonance" / "images.py").open("a").write("\nimport comfy.utils\n")
    assert "pack.resonance is not allowed to import comfy" in contracts.lint(pack).stdout
    assert "`comfy` is banned" in bans(pack).stdout


@pytest.mark.parametrize(
    ("folder", "module", "found"),
    [
        ("resonance/interpret", "..host.folders", "resonance.host.folders"),
        ("resonance/interpret", "...nodes.tag", "nodes.tag"),
        ("nodes", "..resonance.cli.rounds", "resonance.cli.rounds"),
        ("nodes/old", "...resonance.toyworld.painter", "resonance.toyworld.painter"),
    ],
)
def test_a_planted_import_is_found(pack: Path, folder: str, module: str, found: str) -> None:
    (pack / folder / "planted.py").write_text(f"def late():\n    from {module} import it\n    return it\n")
    linted = contracts.lint(pack)
    assert linted.returncode != 0
    assert f"pack.{folder.replace('/', '.')}.planted -> pack.{found}" in linted.stdout


def test_the_archive_holds_what_users_need_and_nothing_else() -> None:
    files = shipped_files()
    assert {name.split("/")[0] for name in files} == {
        *("__init__.py", "nodes", "resonance", "web", "locales", "example_workflows", "subgraphs", "samples", "docs"),
        *("pyproject.toml", "requirements.txt"),
        *(f"requirements-{extra}.txt" for extra in ("onnx", "llm", "cli", "headless", "cluster")),
        *("README.md", "CHANGELOG.md", "LICENSE"),
    }
    for folder in ("web/docs", "example_workflows", "subgraphs", "samples"):
        assert {f"{folder}/{path.name}" for path in (PACK / folder).iterdir() if path.is_file()} <= set(files)
    assert not [name for name in files if "__pycache__" in name or name.endswith((".pyc", ".part", ".safetensors"))]


def test_shipped_files_name_no_place_of_a_developer() -> None:
    texts = [PACK / name for name in shipped_files() if not name.endswith((".jpg", ".png", ".webp"))]
    places = "|".join(re.escape(f"{folder}/") for folder in (Path.home(), PACK.parent) if folder != folder.parent)
    private = re.compile(rf"{places}|/home/|C:\\Users|py(pi|thonhosted)\.org")
    assert [(t.name, found[0]) for t in texts if (found := private.search(t.read_text(encoding="utf-8")))] == []


def test_the_pack_is_small_enough_to_clone() -> None:
    assert sum((PACK / name).stat().st_size for name in shipped_files()) < 10 * 2**20


def test_the_samples_are_three_small_pictures() -> None:
    samples = [PACK / name for name in shipped_files() if name.startswith("samples/")]
    assert len(samples) == 3 and sum(path.stat().st_size for path in samples) < 600_000


def requirements(name: str) -> set[str]:
    lines = (PACK / name).read_text().splitlines()
    return {line.replace('"', "'").strip() for line in lines if line and not line.startswith("#")}


def test_requirements_files_say_what_the_project_says() -> None:
    assert requirements("requirements.txt") == set(PROJECT["dependencies"])
    extras = PROJECT["optional-dependencies"]
    for extra, wanted in extras.items():
        assert requirements(f"requirements-{extra}.txt") == {w.replace('"', "'") for w in wanted}
    assert {f"requirements-{extra}.txt" for extra in extras} == {p.name for p in PACK.glob("requirements-*.txt")}


@pytest.mark.parametrize("file", sorted(PACK.glob("requirements*.txt")), ids=lambda file: file.name)
def test_requirements_are_such_that_pip_reads(file: Path) -> None:
    for line in file.read_text().splitlines():
        Requirement(line)


@pytest.mark.parametrize("file", sorted(PACK.glob("requirements*.txt")), ids=lambda file: file.name)
def test_every_requirement_has_a_lower_bound_and_a_version_that_was_tested(file: Path) -> None:
    lines = (PACK / "tests" / "constraints.txt").read_text().splitlines()
    tested = dict(line.lower().split("==") for line in lines if "==" in line)
    for wanted in map(Requirement, file.read_text().splitlines()):
        assert [bound.operator for bound in wanted.specifier] == [">="], wanted
        assert wanted.specifier.contains(tested[wanted.name.lower()]), wanted


def test_one_onnxruntime_is_wanted_on_every_machine() -> None:
    wanted = [Requirement(line) for line in (PACK / "requirements-onnx.txt").read_text().splitlines()]
    for system, machine in (("linux", "x86_64"), ("linux", "aarch64"), ("win32", "AMD64"), ("darwin", "arm64")):
        here = {"sys_platform": system, "platform_machine": machine}
        assert sum(each.marker is None or each.marker.evaluate(here) for each in wanted) == 1


def test_the_changelog_knows_this_version() -> None:
    assert f"## [{PROJECT['version']}]" in (PACK / "CHANGELOG.md").read_text()


def test_the_entry_point_does_nothing_at_import_in_comfyui() -> None:
    tree = ast.parse((PACK / "__init__.py").read_text())
    done = [ast.unparse(node.test) if isinstance(node, ast.If) else type(node).__name__ for node in tree.body]
    assert done == ["Expr", "Assign", "__name__ == 'resonance'", "AsyncFunctionDef"]
