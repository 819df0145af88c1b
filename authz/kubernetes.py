"""`kubernetes.<verb>`: what a request asks of the Kubernetes API, read from its path as the API server does. Pure.

    kubernetes.get | list | watch | create | update | patch | delete | deletecollection
    kubernetes.exec | attach | portforward | proxy      a way into a container, whatever the method
    kubernetes {verb, api_group, api_version, namespace, resource, name, subresource, command}

`verb` is that of RBAC rules; the four above are named after their subresource besides, because `get pods/exec` is no
reading. A path outside of /api and /apis has no resource, and the verb of its method.

Source: k8s.io/apiserver/pkg/endpoints/request/requestinfo.go; kubernetes.io, "Kubernetes API Concepts".
"""

from collections.abc import Mapping, Sequence
from typing import Any

VERBS = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
OF_NAMESPACES = ("status", "finalize")  # subresources of a namespace; anything else after its name is in it
OLD_VERBS = ("proxy", "watch")  # /api/v1/watch/…, deprecated and still read
WAYS_IN = {"exec": "exec", "attach": "attach", "portforward": "portforward", "proxy": "proxy"}
Query = Mapping[str, Sequence[str]]


def asked(method: str, path: str, query: Query) -> tuple[str, dict[str, Any]]:
    """The action's kind and its attributes. `path`: decoded."""
    parts = [part for part in path.split("/") if part]
    verb = VERBS.get(method, method.lower())
    found = {"verb": verb, "api_group": "", "api_version": "", "namespace": "", "resource": "", "name": ""}
    found |= {"subresource": ""}
    if not _is_resource(parts):
        return f"kubernetes.{verb}", {"kubernetes": found}
    found["api_group"], found["api_version"], rest = _group(parts)
    old = rest[0] if rest[:1] and rest[0] in OLD_VERBS else ""
    rest = rest[1:] if old else rest
    found["namespace"], rest = _namespace(rest)
    found["resource"], found["name"], found["subresource"] = (*rest[:3], "", "", "")[:3]
    found["verb"] = old or _verb(verb, found["name"], query)
    command = list(query.get("command", ()))
    way = WAYS_IN.get(found["subresource"]) or ("proxy" if old == "proxy" else "")
    attributes: dict[str, Any] = {**found, "command": command} if way else {**found}
    return f"kubernetes.{way or found['verb']}", {"kubernetes": attributes}


def _is_resource(parts: Sequence[str]) -> bool:
    return (parts[:1] == ["api"] and len(parts) >= 3) or (parts[:1] == ["apis"] and len(parts) >= 4)


def _group(parts: list[str]) -> tuple[str, str, list[str]]:
    return ("", parts[1], parts[2:]) if parts[0] == "api" else (parts[1], parts[2], parts[3:])


def _namespace(rest: list[str]) -> tuple[str, list[str]]:
    """`namespaces/x/pods/y` is the pod y of x; `namespaces/x` and its own subresources are of the namespace itself."""
    if rest[:1] != ["namespaces"] or len(rest) < 2:
        return "", rest
    if len(rest) > 2 and rest[2] not in OF_NAMESPACES:
        return rest[1], rest[2:]
    return rest[1], rest


def _verb(verb: str, name: str, query: Query) -> str:
    if verb == "get" and not name:
        return "watch" if _is_on(query.get("watch", ())) else "list"
    if verb == "get" and _is_on(query.get("watch", ())):
        return "watch"  # the server ignores it for most resources; to watch is at least to read
    return "deletecollection" if verb == "delete" and not name else verb


def _is_on(values: Sequence[str]) -> bool:
    """As the API server converts a text into a flag: whatever is not false is true."""
    return bool(values) and values[0] != "0" and values[0].lower() != "false"
