"""What a grammar costs a model with a large vocabulary: answers without one, filtered as llama-cpp-python does, and drawn first.

    python bench/grammar.py [--tokens 160] [--rounds 3]

The model is a real one, gemma-3-270m with 262,144 tokens, on the CPU. It lays out pictures in JSON, asked as Canvas Chat asks. The
three ways take turns at each picture; all tokens of all rounds count, but for the first of an answer, for which the prompt is
read. ``ratio`` in the last line is how many times as many tokens a second drawing first gives as filtering.

Without llama-cpp-python or the model's package (`nox -s test-llm` has both) nothing is measured, which the last line says.
"""

import argparse
import importlib
import json
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from models.real_llm import MISSING, gemma  # noqa: E402

from resonance.canvas import chat  # noqa: E402
from resonance.llm.chat import Request, Sampling, fit  # noqa: E402
from resonance.llm.conversation import Conversation  # noqa: E402
from resonance.llm.llamacpp import Model, Settings  # noqa: E402

PICTURES = ("a lighthouse in a storm, a red boat on the left", "two cats on a sofa", "a market at night in the rain")


def timed(model: Any, request: Request) -> tuple[int, float]:
    """Tokens of an answer without its first, and their seconds."""
    llama, begun = model._llama, list[tuple[int, float]]()
    model.chat(request, lambda text, _: begun or begun.append((llama.n_tokens, time.perf_counter())), lambda: False)
    return llama.n_tokens - begun[0][0], time.perf_counter() - begun[0][1]


def measure(model: Any, tokens: int, rounds: int) -> dict[str, Any]:
    """Tokens a second of each way, and the share of draws that the grammar refused."""
    lib = importlib.import_module("llama_cpp")
    llama, told = model._llama, {"free": [0, 0.0], "filtered": [0, 0.0], "drawn first": [0, 0.0]}
    refused = drawn = 0
    for seed in range(rounds):
        for picture in PICTURES:
            sampling = Sampling(tokens, 0.6, 0.9, seed=seed)
            asked = chat.request(Conversation(), picture, "", chat.JSON, True, sampling)
            request, _ = fit(asked, model.settings.abilities)
            for way, sums in told.items():
                if way == "filtered":
                    llama._init_sampler = partial(lib.Llama._init_sampler, llama)
                held = replace(request, grammar=None) if way == "free" else request
                for n, more in enumerate(timed(model, held)):
                    sums[n] += more
                llama.__dict__.pop("_init_sampler", None)
            refused += llama._sampler.refused
            drawn += llama._sampler.drawn
    return {way: count / seconds for way, (count, seconds) in told.items()} | {"refused": refused / drawn}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = gemma(Path(folder))
        if path is None or find_spec("llama_cpp") is None:
            why = MISSING if path is None else "llama-cpp-python is not installed: nox -s test-llm has it"
            print(json.dumps({"name": "grammar", "ratio": None, "skipped": why}))
            return
        model = Model(Settings(path, context=4096))
        found = measure(model, args.tokens, args.rounds)
        model.close()
    refused = found.pop("refused")
    print(f"{'':12}{'tokens/s':>9}{'of free':>9}")
    for way, speed in found.items():
        print(f"{way:12}{speed:9.1f}{speed / found['free']:9.2f}")
    print(f"refused: {refused:.1%} of the draws")
    ratio = found["drawn first"] / found["filtered"]
    speeds = {way.replace(" ", "_"): round(speed, 2) for way, speed in found.items()}
    print(
        json.dumps(
            {"name": "grammar", "ratio": round(ratio, 2), "tokens_per_second": speeds, "refused": round(refused, 4)}
        )
    )


if __name__ == "__main__":
    main()
