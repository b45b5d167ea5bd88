"""A client of the HAWK-signed registration API: mohawk signs and verifies, pycryptodome wraps passwords, pymongo's bson
and lxml write and read bodies."""

import base64
import hashlib
import json
import logging
import urllib.parse

import bson
import mohawk
from Crypto.Cipher import DES3
from Crypto.Util.Padding import pad
from lxml import etree

import support

# It warns at each answer that nonces are not remembered, which a client of single calls has no need to.
logging.getLogger("mohawk").setLevel(logging.ERROR)

PATH = "/api/WebInterface/Personal/Regist"
# The demo's caller.
CREDENTIALS = {"id": "official-demo", "key": "matchday-demo-official-session-key", "algorithm": "sha256"}
OF_REQUEST = "http://schemas.datacontract.org/2004/07/DigitalScience.DataTransfer.Tour.V5.Parm.WebInterface"
OF_RESULT = "http://schemas.datacontract.org/2004/07/DigitalScience.DataTransfer.Tour.V5.Result.WebInterface"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def wrap(password, session_key=CREDENTIALS["key"]):
    """The password as the contract wraps it: 3DES under a key that is made of the password itself."""
    upper = hashlib.md5(password.encode()).hexdigest().upper()
    key = hashlib.sha256((session_key + upper).encode()).digest()[:24]
    return base64.b64encode(DES3.new(key, DES3.MODE_ECB).encrypt(pad(upper.encode(), 8))).decode()


def members(name, phone, code, password="correct horse"):
    return {"username": name, "password": wrap(password), "mobile": phone, "verifycode": code}


def _xml(parameters):
    root = etree.Element(f"{{{OF_REQUEST}}}PersonalMemberRegistParm", nsmap={None: OF_REQUEST})
    # Not in alphabetical order: the server takes any.
    for name, value in parameters.items():
        etree.SubElement(root, f"{{{OF_REQUEST}}}{name}").text = value
    return etree.tostring(root)


WRITERS = {
    "application/json": lambda parameters: json.dumps(parameters).encode(),
    "text/json": lambda parameters: json.dumps(parameters, ensure_ascii=False).encode(),
    "application/xml": _xml,
    "text/xml": _xml,
    "application/x-www-form-urlencoded": lambda parameters: urllib.parse.urlencode(parameters).encode(),
    "application/bson": bson.encode,
}


def _read_xml(body):
    root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    names = [etree.QName(child).localname for child in root]
    assert names == sorted(names), f"members are not in the order of their names: {names}"
    assert {etree.QName(child).namespace for child in [root, *root]} == {OF_RESULT}, body
    return {name: None if child.get(NIL) == "true" else child.text or "" for name, child in zip(names, root)}


READERS = {
    "application/json": json.loads,
    "text/json": json.loads,
    "application/xml": _read_xml,
    "text/xml": _read_xml,
    "application/bson": bson.decode,
}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.kind = (headers["Content-Type"] or "").split(";")[0]

    def read(self):
        return READERS[self.kind](self.body)


def sign(body, kind, credentials=CREDENTIALS, **more):
    return mohawk.Sender(credentials, support.URL + PATH, "POST", content=body, content_type=kind, **more)


def post(sender, body, kind, accept):
    headers = {"Authorization": sender.request_header, "Content-Type": kind, "Accept": accept}
    return Answer(*support.send("POST", PATH, body, headers))


def verify(sender, answer):
    """Fails unless the server signed this answer to this request, body and content type included."""
    sender.accept_response(
        answer.headers["Server-Authorization"], content=answer.body, content_type=answer.headers["Content-Type"]
    )


def register(parameters, kind="application/json", accept="application/json"):
    """Registers and verifies the answer, whatever it is."""
    body = WRITERS[kind](parameters)
    sender = sign(body, kind)
    answer = post(sender, body, kind, accept)
    verify(sender, answer)
    return answer
