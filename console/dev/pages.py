"""The development issuer's two pages: choose who you are; a sentence."""

from collections.abc import Mapping, Sequence
from html import escape

STYLE = "body{font:1.1rem system-ui;max-width:30rem;margin:4rem auto;padding:0 1rem;color-scheme:light dark}"
STYLE += "button{font:inherit;display:block;width:100%;margin:.5rem 0;padding:.6rem}input{font:inherit}"


def say(sentence: str) -> str:
    return _page(f"<p>{escape(sentence)}</p>")


def choose(action: str, fields: Mapping[str, str], names: Sequence[str]) -> str:
    """A form that carries `fields` on and adds the chosen name; an empty `user_code` is asked for."""
    carried = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
        if value or name != "user_code"
    )
    if fields.get("user_code", "-") == "":
        carried += '<p><label>Code <input name="user_code" required autofocus></label></p>'
    buttons = "".join(
        f'<button name="username" value="{escape(name)}">Sign in as {escape(name.title())}</button>' for name in names
    )
    refuse = '<button name="username" value="">Refuse</button>' if action == "/device" else ""
    return _page(f'<form method="post" action="{escape(action)}">{carried}{buttons}{refuse}</form>')


def _page(body: str) -> str:
    head = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Development sign-in</title><style>{STYLE}</style>'
    )
    return f"{head}<h1>Development issuer</h1>{body}</html>"
