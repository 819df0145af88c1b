"""JSON Schemas inside documents: `password` among their `properties` declares a field and holds no password.

Lists of tools (MCP, the models' APIs) and OpenAPI documents would come out broken if a key rule masked the types of
what it names. What a schema says of such a property stays, but for its samples.
"""

from masking.select import Path

_BEGIN = frozenset(
    {"inputSchema", "outputSchema", "input_schema", "requestedSchema", "json_schema", "parameters", "schema", "schemas"}
)
SAMPLES = frozenset({"const", "default", "enum", "example", "examples", "value"})


def declares(path: Path) -> bool:
    """Does an object at this path say what a property is?"""
    return len(path) > 2 and path[-2] == "properties" and not _BEGIN.isdisjoint(path[:-2])
