"""A client of the encrypted SSO registration API, on pycryptodome."""

import base64
import hashlib
import json
import time
import urllib.parse

from Crypto.Cipher import AES
from Crypto.Util.Padding import pad, unpad

import support

# The demo's application.
APP_ID = "1"
KEY = "0123456789abcdef0123456789abcdef"
SECRET = "AbCdEfGhIjKlMnOp"


class Client:
    def __init__(self, app_id=APP_ID, key=KEY, secret=SECRET):
        self.app_id, self.key, self.secret = app_id, key, secret

    def _cipher(self):
        return AES.new(self.key[:16].encode(), AES.MODE_CBC, self.secret.encode())

    def _sign(self, plain):
        return hashlib.md5(plain + self.key.encode() + self.secret.encode()).hexdigest().upper()

    def seal(self, members):
        """The parameters of a call."""
        plain = json.dumps(members, ensure_ascii=False).encode()
        code = base64.urlsafe_b64encode(self._cipher().encrypt(pad(plain, 16))).rstrip(b"=").decode()
        return {"app_id": self.app_id, "app_key": self.key, "code": code, "sign": self._sign(plain)}

    def open(self, answer):
        """The sealed part of an answer; fails unless the server signed it."""
        code = answer["code"].encode()
        plain = unpad(self._cipher().decrypt(base64.urlsafe_b64decode(code + b"=" * (-len(code) % 4))), 16)
        assert answer["sign"] == self._sign(plain), "the server's sign is wrong"
        return json.loads(plain)

    def post(self, act, parameters):
        body = urllib.parse.urlencode(parameters).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._read(support.send("POST", f"/index.php/api/reg/{act}/", body, headers))

    def get(self, act, parameters):
        return self._read(support.send("GET", f"/index.php/api/reg/{act}?{urllib.parse.urlencode(parameters)}"))

    @staticmethod
    def _read(answer):
        status, headers, body = answer
        assert status == 200, body
        assert headers["Content-Type"].startswith("application/json"), headers["Content-Type"]
        return json.loads(body)

    def register(self, name, password="correct horse", **more):
        members = {"user_name": name, "user_pass": support.md5(password), "timestamp": str(int(time.time()))}
        return self.post("reg", self.seal(members | more))

    def check(self, act, **members):
        return self.get(act, self.seal(members | {"timestamp": str(int(time.time()))}))
