"""What the clients share: the server under test, plain HTTP, SMS codes from the sandbox, fresh names and phones."""

import hashlib
import http.client
import itertools
import json
import os
import secrets
import urllib.parse

URL = os.environ["MATCHDAY_URL"]
_ADDRESS = urllib.parse.urlsplit(URL)
_RUN = secrets.token_hex(4)
_NUMBERS = itertools.count(1)
_PHONES = itertools.count(secrets.randbelow(80_000_000) + 10_000_000)


def fresh_name():
    return f"py-{_RUN}-{next(_NUMBERS)}"


def fresh_phone():
    return f"139{next(_PHONES):08d}"


def send(method, path, body=b"", headers=None):
    """Status, headers and body of an answer. A header may come several times, so they stay a message."""
    connection = http.client.HTTPConnection(_ADDRESS.hostname, _ADDRESS.port, timeout=20)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def call(path, members, token=None):
    """An operation of the H5 API."""
    headers = {"Content-Type": "application/json"} | ({"token": token} if token else {})
    status, _, body = send("POST", path, json.dumps(members).encode(), headers)
    return status, json.loads(body)


def sms_code(phone):
    """Asks for a code and reads it where the sandbox keeps it."""
    status, told = call("/api/v1/token/code", {"phone": phone})
    assert (status, told["error_code"]) == (200, 0), told
    status, _, body = send("GET", f"/sandbox/sms/{phone}")
    assert status == 200, body
    return json.loads(body)["code"]


def user_info(token):
    status, _, body = send("GET", "/api/v1/user/info", headers={"token": token})
    assert status == 200, body
    return json.loads(body)


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()
