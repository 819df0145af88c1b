"""HTTP for the writer: each request goes out once.

clickhouse-connect takes an insert for repeatable and sends it again when the connection closes before its reply, though
it may have been applied by then. Whether it was, the shipper asks; a second copy would stand in the record for ever.
"""

from typing import Any

from clickhouse_connect.driver.httputil import get_pool_manager_options
from urllib3 import PoolManager
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

PROGRESS = "x-clickhouse-progress"


class OncePool(PoolManager):
    def request(self, method: str, url: str, *arguments: Any, **options: Any) -> BaseHTTPResponse:
        """Raises a bare HTTPError: the client repeats by the kind of the error below it, so there must be none."""
        try:
            answer = super().request(method, url, *arguments, **{**options, "retries": False})
        except HTTPError as error:
            failed = type(error).__name__
        else:
            if any(name.lower() != PROGRESS for name in answer.headers):
                return answer
            answer.close()
            failed = "the reply ended within its headers"
        raise HTTPError(failed)


def once_pool(**trust: str) -> OncePool:
    """`trust`: ca_cert, client_cert and client_cert_key. The client looks at its own only for a pool of its own."""
    return OncePool(**{**get_pool_manager_options(**trust), "retries": False})
