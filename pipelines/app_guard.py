"""What keeps the web demo on this machine: the switches it is launched with, and a guard before every request.

The guard answers only names of this machine, lets through only the paths the page needs (no uploads to disk, no files,
no proxy), bounds every request's bytes, and tells the browser to talk to nobody else.
"""

import ipaddress
import json
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

MAX_REQUEST_BYTES = 60_000_000
"""Six images of the largest size allowed, as text, and a little more."""
MAX_UPLOAD = "1kb"
"""Gradio's own uploads write to disk; none is needed, and the guard answers none."""
ENVIRONMENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_SHARE": "False",
    "GRADIO_RUN_HISTORY": "False",
    "GRADIO_NUM_PORTS": "100",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}
_UNWANTED = ("GRADIO_ALLOWED_PATHS", "GRADIO_ROOT_PATH", "GRADIO_SERVER_NAME", "GRADIO_NODE_PATH", "GRADIO_SSR_MODE")
_EXACT = {"/", "/config", "/theme.css", "/favicon.ico", "/manifest.json", "/pwa_icon"}
_UNDER = ("/assets/", "/static/", "/svelte/")
_API = ("/gradio_api/startup-events", "/gradio_api/queue/join", "/gradio_api/queue/data", "/gradio_api/cancel",
        "/gradio_api/heartbeat/", "/gradio_api/app_id", "/gradio_api/reset")  # fmt: skip
POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # Gradio's page compiles its templates
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "frame-ancestors 'self'",
        "form-action 'none'",
        "object-src 'none'",
        "base-uri 'self'",
    ]
)
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def private_folder() -> Path:
    """Return a fresh folder that only this user can read, and point Gradio's temporary files to it."""
    folder = Path(tempfile.mkdtemp(prefix="paraph-app-"))
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    return folder


def forget_folder(folder: Path) -> None:
    """Remove a private folder with whatever is in it."""
    shutil.rmtree(folder, ignore_errors=True)


def set_environment() -> None:
    """Switch off what Gradio would send or read; to be called before it is imported."""
    os.environ.update(ENVIRONMENT)
    for name in _UNWANTED:
        os.environ.pop(name, None)
    for name in ("NO_PROXY", "no_proxy"):  # the server asks itself whether it is up; a proxy has no part in that
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1", "localhost"]))


def launch_options(port: int | None) -> dict[str, Any]:
    """Return how the page is launched: this machine only, no public link, nothing recorded.

    Args:
        port: A free one from 7860 on if None.
    """
    from starlette.middleware import Middleware

    return {
        "server_name": "127.0.0.1",
        "server_port": port,
        "share": False,  # None would make a public link on hosted notebooks
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "mcp_server": False,
        "pwa": False,
        "show_error": False,
        "footer_links": [],
        "max_file_size": MAX_UPLOAD,
        "allowed_paths": [],
        "strict_cors": True,
        "inbrowser": False,
        "quiet": True,
        "_frontend": False,  # the check that a busy machine fails, and whose advice is a public link
        "state_session_capacity": 200,
        "max_threads": 40,
        "app_kwargs": {"middleware": [Middleware(Guard)], "docs_url": None, "redoc_url": None, "openapi_url": None},
    }


def is_local(host: str) -> bool:
    """Whether the host of an address, with or without a port, is this machine by name.

    Example:
        >>> is_local("127.0.0.1:7860"), is_local("evil.example")
        (True, False)
    """
    name = host.strip().lower()
    if name.startswith("["):
        name = name[1:].split("]")[0]
    elif name.count(":") == 1:
        name = name.split(":")[0]
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_needed(path: str, method: str) -> bool:
    """Whether the page needs a path at all."""
    if method not in ("GET", "HEAD", "POST") or "\\" in path or "/../" in path:
        return False
    if method == "POST":
        return path.rstrip("/") in ("/gradio_api/queue/join", "/gradio_api/cancel", "/gradio_api/reset")
    return path in _EXACT or path.startswith((*_UNDER, *_API))


class Guard:
    """Refuse what comes from elsewhere, asks for too much, or for what the page does not need.

    A page of another site cannot reach this one through a name of its own that it points here, nor by a form.

    Args:
        app: The application behind it.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get("origin", "")
        if not is_local(headers.get("host", "")) or (origin and not is_local(origin.split("://")[-1])):
            return await _refuse(send, 403, "this page answers this machine only")
        if not is_needed(scope["path"], scope["method"]):
            return await _refuse(send, 404, "there is nothing here")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_REQUEST_BYTES:
            return await _refuse(send, 413, f"more than {MAX_REQUEST_BYTES // 10**6} MB in one request")
        await self.app(scope, _bounded(receive), _with_headers(send))


def _bounded(receive: Receive) -> Receive:
    """Return a reader that stops at the limit, for requests that do not say how long they are."""
    seen = 0

    async def read() -> MutableMapping[str, Any]:
        nonlocal seen
        part = await receive()
        seen += len(part.get("body", b""))
        return {"type": "http.disconnect"} if seen > MAX_REQUEST_BYTES else part

    return read


def _with_headers(send: Send) -> Send:
    async def write(part: MutableMapping[str, Any]) -> None:
        if part["type"] == "http.response.start":
            kept = [(k, v) for k, v in part.get("headers", []) if k.decode("latin-1").lower() not in HEADERS]
            part = {**part, "headers": kept + [(k.encode(), v.encode()) for k, v in HEADERS.items()]}
        await send(part)

    return write


async def _refuse(send: Send, status: int, why: str) -> None:
    body = json.dumps({"error": why}).encode()
    headers = [(b"content-type", b"application/json"), *((k.encode(), v.encode()) for k, v in HEADERS.items())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
