"""`llm.generate`: what is asked of a model, the same words for every provider. Pure.

    api (messages, count_tokens, chat, responses, completions, embeddings, generate_content), model, stream,
    max_tokens (0: not said), n, tools (names), tool_digests {name: sha256 of its definition},
    tool_choice {type, name}, tool_results, images, files, mcp_servers (addresses that the provider itself would call),
    stored_context (the provider adds text we do not see), system_digest (sha256 of the system prompt, "" without one),
    tokenized (the prompt is numbers, in which nobody finds anything), prompt_tokens_estimate

Sources: Anthropic Messages API; OpenAI Chat Completions, Responses and Embeddings; Azure OpenAI data plane; Gemini API
(v1beta). What the upstream would refuse anyway is not checked here; what would make the description untrue (a model
that is no text) ends the request. Digests are of the masked document, as is all that Rego sees.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from authz.errors import BodyMalformed
from authz.llm import anthropic, gemini, openai
from authz.llm.words import Document

Describer = Callable[[Document], dict[str, Any]]
ANTHROPIC: Mapping[str, Describer] = {
    "/messages": anthropic.messages,
    "/messages/count_tokens": anthropic.count_tokens,
}
OPENAI: Mapping[str, Callable[[Document, str], dict[str, Any]]] = {
    "/chat/completions": openai.chat,
    "/responses": openai.responses,
    "/embeddings": openai.embeddings,
    "/completions": openai.completions,
}
GEMINI: Mapping[str, Callable[[Document, str], dict[str, Any]]] = {
    "generatecontent": gemini.generate_content,
    "streamgeneratecontent": gemini.stream_generate_content,
    "counttokens": gemini.count_tokens,
    "embedcontent": gemini.embed_content,
    "batchembedcontents": gemini.batch_embed_contents,
}
KINDS = ("anthropic", "openai", "azure_openai", "gemini")
DEPLOYMENT = re.compile(r"(?:/openai)?/deployments/(?P<model>[^/]+)(?P<rest>/.+)", re.IGNORECASE)
GEMINI_PATH = re.compile(
    r"(?:/v1(?:alpha|beta)?[0-9]?)?/(?P<family>models|tunedmodels)/(?P<model>[^/:]+):(?P<verb>\w+)", re.IGNORECASE
)


def generation(kind: str, path: str, document: Any) -> dict[str, Any] | None:
    """What a POST to `path` (decoded) of an API of this kind asks of a model; None where it generates nothing.

    Raises BodyMalformed when the body is not what that endpoint takes.
    """
    describer = _describer(kind, path)
    if describer is None:
        return None
    if not isinstance(document, dict):
        raise BodyMalformed("The body is not a JSON object.")
    _check_spelling(document)
    return describer(document)


def _describer(kind: str, path: str) -> Describer | None:
    if kind == "anthropic":
        return ANTHROPIC.get(_endpoint(path))
    if kind == "gemini":
        return _gemini(path)
    found = DEPLOYMENT.fullmatch(path) if kind == "azure_openai" else None
    deployment = found["model"] if found else ""
    shorter = found["rest"] if found else path
    if kind == "azure_openai":
        shorter = re.sub(r"^/openai(?=/)", "", shorter, flags=re.IGNORECASE)
    elif kind != "openai":
        return None
    describer = OPENAI.get(_endpoint(shorter))
    return (lambda body: describer(body, deployment)) if describer else None


def _gemini(path: str) -> Describer | None:
    found = GEMINI_PATH.fullmatch(path.rstrip("/"))
    describer = GEMINI.get(found["verb"].lower()) if found else None
    if found is None or describer is None:
        return None
    model = found["model"] if found["family"].lower() == "models" else f"tunedModels/{found['model']}"
    return lambda body: describer(body, model)


def _endpoint(path: str) -> str:
    """The path as lenient servers read it, so that no spelling of a generating endpoint escapes its description.

    The version is a part of the upstream (`https://api.openai.com/v1`) or of the path.
    """
    return path.lower().rstrip("/").removeprefix("/v1")


def _check_spelling(document: Document) -> None:
    """Some servers read keys without regard to case (Go's encoding/json): `model` and `Model` would be one there."""
    if len({key.lower() for key in document}) != len(document):
        raise BodyMalformed("Two keys of the body differ in case only.")
