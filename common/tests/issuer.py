"""An identity provider on this machine: keys that anybody may read, and tokens signed with them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from jwt.algorithms import ECAlgorithm

AUDIENCE = "lectern"


class Issuer:
    """The provider at `url`. `fetches` counts who has read its keys; while `is_up` is false, nobody can."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.is_up = True
        self.fetches = 0
        self.keys: dict[str, EllipticCurvePrivateKey] = {}
        self.add_key("first")

    def add_key(self, key_id: str) -> None:
        """From now on it signs with this key as well."""
        self.keys[key_id] = ec.generate_private_key(ec.SECP256R1())

    def key_set(self) -> dict[str, Any]:
        """What it publishes."""
        return {
            "keys": [
                {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": key_id, "use": "sig", "alg": "ES256"}
                for key_id, key in self.keys.items()
            ]
        }

    def token(self, subject: str = "ada", *, key_id: str = "first", **claims: Any) -> str:
        """A token for somebody, with these claims in place of the usual; those that are None are left out."""
        said = {"iss": self.url, "aud": AUDIENCE, "sub": subject, "exp": int(time()) + 600, **claims}
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(said, self.keys[key_id], algorithm="ES256", headers={"kid": key_id})


@contextmanager
def an_issuer() -> Iterator[Issuer]:
    """A provider that answers in the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.fetches += 1
            content = json.dumps(issuer.key_set()).encode()
            self.send_response(200 if issuer.is_up else 503)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer = Issuer(server.server_port)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
