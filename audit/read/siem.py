"""Events as a SIEM takes them: Elastic Common Schema 8 and OCSF 1.3. Pure; from the body that was signed.

Sources: ECS field reference 8.11 (event, user, labels); OCSF 1.3.0, API Activity (class 6003) for decisions and Base
Event (class 0) for all else. What has no field of its own stays whole: ECS `exeat.data`, OCSF `unmapped.data`.
Neither holds content: events carry facts.
"""

import datetime
from collections.abc import Mapping
from typing import Any

ECS_VERSION, OCSF_VERSION = "8.11.0", "1.3.0"
CATEGORIES = {"decision": "api", "approval": "iam", "config": "configuration", "exchange": "api",
              "person": "authentication"}  # fmt: skip
REFUSING = ("deny", "refused")


def ecs(event: Mapping[str, Any], log_index: int) -> dict[str, Any]:
    caller, data = event["caller"], event["data"]
    effect = _effect(event)
    types = {"allow": ["allowed"], "deny": ["denied"], "refused": ["denied"]}.get(effect, ["info"])
    outcome = "failure" if effect in REFUSING else "success" if effect == "allow" else "unknown"
    return {
        "@timestamp": _instant(event["ts"]),
        "ecs": {"version": ECS_VERSION},
        "event": {
            "id": event["id"],
            "kind": "event",
            "category": [CATEGORIES.get(event["kind"], "process")],
            "type": types,
            "action": event["type"],
            "outcome": outcome,
            "dataset": "exeat.audit",
            "module": "exeat",
            "sequence": log_index,
        },
        "observer": {"name": event["gateway"], "type": "gateway", "vendor": "Exeat"},
        "user": {"id": caller["subject"], "domain": caller["issuer"], "email": _email(data)},
        "message": _message(event, effect),
        "labels": {
            "agent": caller["agent"],
            "connection": event["connection"],
            "exchange": event["exchange"],
            "session": event["session"],
            "writer": f"{event['writer']}/{event['seq']}",
        },
        "exeat": {"data": data},
    }


def ocsf(event: Mapping[str, Any], log_index: int) -> dict[str, Any]:
    caller, data = event["caller"], event["data"]
    effect = _effect(event)
    api = event["kind"] == "decision"
    activity, class_uid, category = 99, 6003 if api else 0, 6 if api else 0
    told: dict[str, Any] = {
        "activity_id": activity,
        "activity_name": event["type"],
        "category_uid": category,
        "class_uid": class_uid,
        "type_uid": class_uid * 100 + activity,
        "severity_id": 3 if effect in REFUSING else 1,
        "status_id": 2 if effect in REFUSING else 1 if effect == "allow" else 99,
        "time": event["ts"] // 1000,  # milliseconds
        "message": _message(event, effect),
        "metadata": {
            "version": OCSF_VERSION,
            "uid": event["id"],
            "sequence": log_index,
            "log_name": event["gateway"],
            "product": {"name": "Exeat", "vendor_name": "Exeat"},
        },
        "unmapped": {"data": data, "session": event["session"], "writer": f"{event['writer']}/{event['seq']}"},
    }
    if api:
        user = {"uid": caller["subject"], "domain": caller["issuer"], "email_addr": _email(data)}
        told["actor"] = {"user": user, "app_name": caller["agent"]}
        operation = f"{data.get('method', '')} {data.get('path', '')}".strip()
        request = {"uid": event["exchange"]}
        told["api"] = {"operation": operation, "service": {"name": event["connection"]}, "request": request}
        told["src_endpoint"] = {"name": caller["agent"] or "unknown"}
    return told


FORMATS = {"ecs": ecs, "ocsf": ocsf}


def _effect(event: Mapping[str, Any]) -> str:
    return str(event["data"].get("effect", "")) if event["kind"] == "decision" else ""


def _email(data: Mapping[str, Any]) -> str:
    identity = data.get("identity", {})
    return str(identity.get("email", "")) if isinstance(identity, dict) else ""


def _message(event: Mapping[str, Any], effect: str) -> str:
    reasons = event["data"].get("reasons") or [{}]
    why = f": {reasons[0].get('message', '')}" if effect and reasons[0].get("message") else ""
    return f"{event['type']}{why}"


def _instant(us: int) -> str:
    moment = datetime.datetime.fromtimestamp(0, datetime.UTC) + datetime.timedelta(microseconds=us)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
