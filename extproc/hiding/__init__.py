"""Taking out what a caller is not to see: tools that a policy hides (`tools.hide`), and requests that an MCP server may
not make. Pure.

`names.py`     which names are meant
`asked.py`     tools that a request brings to a model: they are taken out before it is forwarded
`listed.py`    lists of tools in the answers of MCP servers, and what these ask of their clients
"""

from extproc.hiding.asked import ToolsForced, without_tools
from extproc.hiding.listed import Listing, Seen
from extproc.hiding.names import Hidden

__all__ = ["Hidden", "Listing", "Seen", "ToolsForced", "without_tools"]
