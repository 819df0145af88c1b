"""The API's routes: its operations, its OpenAPI document."""

from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console.web.api.openapi import document
from console.web.api.operation import PREFIX
from console.web.api.operations import OPERATIONS
from console.web.menu import EVERYBODY
from console.web.people import needs

DOCUMENT = document(OPERATIONS, version("exeat"))


@needs(*EVERYBODY)
async def openapi(request: Request) -> Response:
    return JSONResponse(DOCUMENT)


ROUTES = [Route(f"{PREFIX}/openapi.json", openapi), *(each.route() for each in OPERATIONS)]
