"""Runs in .venv-peers: Presidio's recognisers, without language models, over texts; CPU seconds as JSON.

Standard input: {name: text}. Standard output: {version, sets: {set: {count, seconds: {name: seconds}}}}. Two sets: what
its registry loads for English, and every pattern recogniser that the package has.
"""

import inspect
import json
import sys
import time
from importlib.metadata import version
from typing import Any

from presidio_analyzer import PatternRecognizer, RecognizerRegistry, predefined_recognizers  # type: ignore[import-not-found]


def english() -> list[Any]:
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    return [each for each in registry.recognizers if "Spacy" not in type(each).__name__]


def everything() -> list[Any]:
    kinds = {each for each in vars(predefined_recognizers).values() if inspect.isclass(each)}
    kinds = {each for each in kinds if issubclass(each, PatternRecognizer) and each is not PatternRecognizer}
    return [each() for each in sorted(kinds, key=lambda kind: kind.__name__)]


def seconds(recognizers: list[Any], text: str) -> float:
    taken = []
    for _ in range(2):
        start = time.thread_time()
        for each in recognizers:
            each.analyze(text, each.supported_entities, None)
        taken.append(time.thread_time() - start)
    return min(taken)


def main() -> None:
    texts: dict[str, str] = json.load(sys.stdin)
    sets = {}
    for name, made in (("English", english()), ("all", everything())):
        sets[name] = {"count": len(made), "seconds": {what: seconds(made, text) for what, text in texts.items()}}
    print(json.dumps({"version": version("presidio-analyzer"), "sets": sets}))


if __name__ == "__main__":
    main()
