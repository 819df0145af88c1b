"""ASGI apps on free loopback ports, in a thread of their own, for the length of a `with`."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn

from console.dev.house import any_port


@contextlib.contextmanager
def http(app: Any, port: int = 0) -> Iterator[int]:
    """Yields the port."""
    handle = socket.create_server(("127.0.0.1", port))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="auto", http="h11"))
    server.config.timeout_graceful_shutdown = 1
    thread = threading.Thread(target=server.run, kwargs={"sockets": [handle]}, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    try:
        yield handle.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(5)
        handle.close()


@contextlib.contextmanager
def thread(server: uvicorn.Server) -> Iterator[None]:
    """Runs a server that binds by itself."""
    running = threading.Thread(target=server.run, daemon=True)
    running.start()
    while not server.started and running.is_alive():
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        running.join(5)


free_port = any_port
