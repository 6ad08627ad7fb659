"""A site that listens to a kaltura-mirror hook: it verifies each delivery and keeps a file an entry.

Python's standard library only. To try it:

    WEBHOOK_SECRET=whsec_... python3 receiver.py 8000 site/

The secret is the hook's, in script_config.toml. While it is being exchanged, give both, with a space between.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SECRETS = [base64.b64decode(text.removeprefix("whsec_")) for text in os.environ["WEBHOOK_SECRET"].split()]
SITE = Path(sys.argv[2] if len(sys.argv) > 2 else "site")
TOLERANCE_SECONDS = 5 * 60
BODY_MAX_BYTES = 1 << 20


def is_genuine(headers, body):
    """Whether one of our secrets signed exactly these bytes, lately."""
    delivery, timestamp, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{delivery}.{timestamp}.".encode() + body
    expected = [b"v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)) for secret in SECRETS]
    return any(hmac.compare_digest(one, text.encode()) for one in expected for text in given.split(" "))


def take(delivery, event):
    """Does what a delivery asks for. The same delivery may come twice: what it did stays done."""
    seen = SITE / "seen" / re.sub(r"\W", "_", delivery)
    if seen.exists():
        return
    if event["type"].startswith("entry."):
        page = SITE / "entries" / (re.sub(r"\W", "_", event["data"]["id"]) + ".json")
        if event["type"] == "entry.removed":
            page.unlink(missing_ok=True)
        else:
            # Your code here: whatever the site does with an entry.
            unfinished = page.with_suffix(f".{seen.name}")
            unfinished.write_text(json.dumps(event["data"]["entry"]))
            unfinished.replace(page)
    # Any other type, such as "test", asks for nothing.
    seen.touch()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        if length > BODY_MAX_BYTES:
            return self.answer(413)
        body = self.rfile.read(length)
        if not is_genuine(self.headers, body):
            return self.answer(401)
        try:
            take(self.headers["webhook-id"], json.loads(body))
        except Exception as error:  # Anything but 2xx is tried again later.
            print(f"{self.headers['webhook-id']}: {error!r}", file=sys.stderr)
            return self.answer(500)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    for folder in ("entries", "seen"):
        (SITE / folder).mkdir(parents=True, exist_ok=True)
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1] if len(sys.argv) > 1 else 8000)), Receiver)
    print(f"listening at http://127.0.0.1:{server.server_address[1]}/", flush=True)
    server.serve_forever()
