"""From a parsed statement to what policies read of it. Pure.

A statement that writes in several places (a write inside WITH, a MERGE) gives one description for each of them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlglot import exp
from sqlglot.optimizer.simplify import simplify

from authz.sql.lexer import Token

Description = dict[str, Any]
UNPARSABLE: Description = {"verb": "unparsable", "tables": [], "where": False, "columns": [], "functions": []}
READS = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)
ROOTS: dict[type[exp.Expr], str] = {
    exp.Create: "create",
    exp.Alter: "alter",
    exp.Drop: "drop",
    exp.TruncateTable: "truncate",
    exp.Grant: "grant",
    exp.Revoke: "revoke",
    exp.Describe: "describe",
    exp.Transaction: "transaction",
    exp.Commit: "transaction",
    exp.Rollback: "transaction",
}
WRITES: dict[type[exp.Expr], str] = {
    exp.Insert: "insert",
    exp.Update: "update",
    exp.Delete: "delete",
    exp.Merge: "merge",
}
# a word that begins a write must be one of the writes that the parser saw: T-SQL needs no semicolon between two
BEGINS = frozenset(
    {"insert", "update", "delete", "merge", "replace", "drop", "truncate", "alter", "create", "grant", "revoke", "exec",
     "execute", "into"}
)  # fmt: skip
AFTER = frozenset({"for", "on", "do", "key", "then", "or", "no"})  # FOR UPDATE, ON DELETE, THEN DELETE, OR REPLACE …
CALLS = frozenset({"insert", "replace", "truncate"})  # functions of the same name, with a parenthesis behind
OWN = {"alter": {"drop"}, "insert": {"into"}, "create": {"into"}, "merge": {"into", "update", "delete", "insert"}}
DROPPED = frozenset({"table", "database", "schema", "view", "user", "role", "index", "procedure", "function"})
NAMING = frozenset({"insert", "update", "delete", "merge", "drop", "truncate", "alter"})  # always of something
BY_WORD = {"call": "call", "grant": "grant", "revoke": "revoke"}  # what the parser leaves as text


def describe(tree: exp.Expr, words: Sequence[Token]) -> list[Description]:
    """`words`: the tokens of the same statement."""
    if isinstance(tree, exp.Command):
        verb = BY_WORD.get(words[0].word)
        return [_description(verb, tree)] if verb else [UNPARSABLE]
    found = _descriptions(tree)
    nameless = any(each["verb"] in NAMING and not each["tables"] for each in found)
    if not found or nameless or not _accounted({each["verb"] for each in found}, words):
        return [UNPARSABLE]
    return found


def _descriptions(tree: exp.Expr) -> list[Description]:
    writes = [_write(node) for node in tree.find_all(*WRITES) if not isinstance(node.parent, exp.When)]
    writes += [description for node in tree.find_all(exp.Select) for description in _into(node)]
    if isinstance(tree, READS):
        return writes or [_description("select", tree, where=_bounds(tree.args.get("where")))]
    if type(tree) in WRITES:
        overwritten = isinstance(tree, exp.Insert) and tree.args.get("overwrite")
        return [*writes, _description("truncate", tree)] if overwritten else writes
    verb = ROOTS.get(type(tree))
    return [_description(verb, tree), *writes] if verb else []


def _write(node: exp.Expr) -> Description:
    return _description(WRITES[type(node)], node, where=_bounds(node.args.get("where")), columns=_columns(node))


def _into(select: exp.Expr) -> Iterator[Description]:
    if select.args.get("into") is not None:
        yield _description("create", select)


def _description(verb: str, node: exp.Expr, *, where: bool = False, columns: Sequence[str] = ()) -> Description:
    names = [_name(table) for table in node.find_all(exp.Table)]
    functions = [call.name.lower() for call in node.find_all(exp.Anonymous)]
    return {
        "verb": verb,
        "tables": list(dict.fromkeys(name for name in names if name)),
        "where": where,
        "columns": list(columns),
        "functions": sorted(set(functions)),
    }


def _name(table: exp.Expr) -> str:
    """`catalog.schema.table`, in lower case unless quoted; "" for what is no name (a function that gives rows)."""
    parts = [part for part in getattr(table, "parts", []) if isinstance(part, exp.Identifier)]
    return ".".join(part.name if part.args.get("quoted") else part.name.lower() for part in parts)


def _columns(node: exp.Expr) -> list[str]:
    """What an INSERT names, and what it sets in a row that is there already; what an UPDATE or MERGE sets."""
    if isinstance(node, exp.Insert):
        given = node.this.expressions if isinstance(node.this, exp.Schema) else []
        conflict = node.args.get("conflict")
        settings = conflict.expressions if conflict is not None else []
        named = [part.name for part in given]
        named += [column.name for item in settings if isinstance(item, exp.EQ) for column in _targets(item.this)]
    else:
        whens = [when for when in node.find_all(exp.Update)] if isinstance(node, exp.Merge) else [node]
        settings = [item for each in whens for item in each.expressions]
        named = [column.name for item in settings if isinstance(item, exp.EQ) for column in _targets(item.this)]
    return list(dict.fromkeys(name.lower() for name in named))


def _targets(left: exp.Expr) -> Iterator[exp.Expr]:
    yield from left.find_all(exp.Column)


def _bounds(where: exp.Expr | None) -> bool:
    """Whether a WHERE can leave a row out: one that is true of every row is none."""
    if where is None:
        return False
    condition = simplify(where.this.transform(_plainly_true))
    return condition.find(exp.Column) is not None


NEUTRAL: dict[type[exp.Expr], str] = {exp.Add: "0", exp.Sub: "0", exp.Mul: "1", exp.Div: "1"}
OPPOSITE: dict[type[exp.Expr], type[exp.Expr]] = {exp.EQ: exp.NEQ, exp.LT: exp.GTE, exp.GT: exp.LTE}


def _plainly_true(node: exp.Expr) -> exp.Expr:
    """`x = x`, `x IN (x)`, `x LIKE '%'`, `x < 5 OR x >= 5` and `x OR NOT x` are true of every row (but of NULL, which
    is no bound either)."""
    same = isinstance(node, exp.EQ | exp.GTE | exp.LTE | exp.NullSafeEQ) and _same(node.left, node.right)
    listed = isinstance(node, exp.In) and any(_same(node.this, each) for each in node.expressions)
    pattern = node.expression if isinstance(node, exp.Like | exp.ILike) else None
    anything = isinstance(pattern, exp.Literal) and pattern.is_string and not pattern.name.strip("%") and pattern.name
    either = isinstance(node, exp.Or) and (_denies(node.left, node.right) or _denies(node.right, node.left))
    return exp.true() if same or listed or anything or either else node


def _same(one: exp.Expr, other: exp.Expr) -> bool:
    """The same value in every row: `a.id` and `id` too, and `id + 0`."""
    one, other = _bare(one), _bare(other)
    if isinstance(one, exp.Column) and isinstance(other, exp.Column) and not (one.table and other.table):
        return one.name.lower() == other.name.lower()
    return one == other


def _bare(node: exp.Expr) -> exp.Expr:
    node = node.unnest()
    neutral = NEUTRAL.get(type(node))
    if neutral is not None and isinstance(node.expression, exp.Literal) and node.expression.name == neutral:
        return _bare(node.this)
    return node


def _denies(node: exp.Expr, other: exp.Expr) -> bool:
    node, other = node.unnest(), other.unnest()
    if isinstance(other, exp.Is) and other.args.get("negate"):  # how the parser keeps PostgreSQL's IS NOT
        return isinstance(node, exp.Is) and not node.args.get("negate") and node.this == other.this
    if type(other) is OPPOSITE.get(type(node)):
        return _same(node.this, other.this) and _same(node.expression, other.expression)
    return isinstance(other, exp.Not) and other.this.unnest() == node


def _accounted(verbs: set[str], words: Sequence[Token]) -> bool:
    """No word begins a write that the parser did not see as one."""
    if verbs & {"grant", "revoke"}:
        return True  # they name what they grant
    own = verbs | {word for verb in verbs for word in OWN.get(verb, ())}
    following = [*words[1:], Token("mark", "")]
    before = ""
    for token, after in zip(words, following, strict=True):
        called = token.word in CALLS and after.text == "("
        dropped = token.word == "drop" and after.word in DROPPED and "drop" not in verbs
        if dropped or (token.word in BEGINS and token.word not in own and before not in AFTER and not called):
            return False
        before = token.word
    return True
