"""The page's files and plotly, read once at start and served from memory.

The surprise: their addresses carry a fingerprint of the content, so that browsers may keep them for ever and still get a new
release at once.
"""

import importlib.resources
import zlib
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from fastapi import FastAPI, HTTPException, Request, Response
from plotly.offline import get_plotlyjs

TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
FOR_EVER = "public, max-age=31536000, immutable"
GZIP_LEVEL = 6  # plotly: 4.8 MB to 1.4 MB in 0.2 s; level 9 takes three times as long for 1 %
GZIP_WINDOW = 31  # zlib's way to ask for the gzip format


class Page(NamedTuple):
    """`html` is index.html as a template, then the other files by name, and the fingerprint of all."""

    html: str
    files: Mapping[str, bytes]
    plotly: bytes
    fingerprint: str


def read_page() -> Page:
    """Read the files of this package's folder `page` and plotly."""
    folder = importlib.resources.files("streams.board") / "page"
    texts = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.name.rpartition(".")[2] in TYPES}
    plotly = get_plotlyjs().encode()
    fingerprint = sha256(b"".join(texts[name] for name in sorted(texts)) + plotly).hexdigest()[:12]
    return Page((folder / "index.html").read_text(encoding="utf-8"), texts, _gzip(plotly), fingerprint)


def render(page: Page, start: bytes) -> str:
    """index.html with addresses and the first snapshot; '<' is escaped, so that no name in the data can end the script
    element."""
    data = start.decode().replace("<", "\\u003c")
    parts = {"files": f"/files/{page.fingerprint}", "plotly": f"/files/{page.fingerprint}/plotly.js"}
    text = page.html
    for key, value in parts.items():
        text = text.replace("{{" + key + "}}", value)
    return text.replace("{{start}}", data)


def add_files(app: FastAPI, page: Page) -> None:
    """Serve the files under their fingerprint."""

    @app.get("/files/{fingerprint}/{name}", include_in_schema=False)
    async def files(fingerprint: str, name: str, request: Request) -> Response:
        if fingerprint != page.fingerprint or (name not in page.files and name != "plotly.js"):
            raise HTTPException(404, "no such file in this release")
        headers = {"Cache-Control": FOR_EVER}
        if name != "plotly.js":
            return Response(page.files[name], media_type=TYPES[name.rpartition(".")[2]], headers=headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return Response(
                page.plotly, media_type=TYPES["js"], headers={**headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
            )
        return Response(zlib.decompress(page.plotly, GZIP_WINDOW), media_type=TYPES["js"], headers=headers)


def _gzip(data: bytes) -> bytes:
    """Gzip without a time stamp: equal input, equal output."""
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
    return packer.compress(data) + packer.flush()
