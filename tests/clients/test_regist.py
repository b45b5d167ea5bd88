"""The HAWK-signed registration API as an independent client sees it: mohawk verifies every answer of the server."""

import time
import unittest

import bson
from mohawk.base import EmptyValue
from mohawk.util import calculate_ts_mac, parse_authorization_header

import regist
import sso
import support

INTEGERS = {"errcode", "memberid"}


class Formats(unittest.TestCase):
    def test_every_format_in_and_every_format_out(self):
        for kind in regist.WRITERS:
            for accept in regist.READERS:
                with self.subTest(kind=kind, accept=accept):
                    name, phone = support.fresh_name(), support.fresh_phone()
                    answer = regist.register(regist.members(name, phone, support.sms_code(phone)), kind, accept)
                    self.assertEqual((answer.status, answer.kind), (200, accept))
                    told = answer.read()
                    self.assertEqual((int(told["errcode"]), told["memberusername"]), (0, name), told)
                    self.assertGreater(int(told["memberid"]), 0)
                    self.assertEqual((told["bindingtoagent"], told["agentid"], told["openid"]), ("0", None, None))
                    if accept == "application/bson":
                        integers = {key for key, value in told.items() if isinstance(value, int)}
                        self.assertEqual(integers, INTEGERS)

    def test_what_is_missing_is_named_in_each_format(self):
        phone = support.fresh_phone()
        sent = {"password": regist.wrap("x"), "mobile": phone + "1", "verifycode": "123456"}
        for kind in ("application/json", "application/xml", "application/bson"):
            answer = regist.register(sent, kind, "application/json")
            self.assertEqual(answer.status, 400)
            state = answer.read()["ModelState"]
            self.assertEqual(set(state), {"parm.username", "parm.mobile"}, state)
            self.assertEqual(state["parm.username"], ["The username field is required."])
        answer = regist.register(sent, "application/bson", "application/bson")
        self.assertEqual(bson.decode(answer.body)["Message"], "The request is invalid.")

    def test_what_is_no_document_is_refused_and_the_refusal_is_signed(self):
        bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><PersonalMemberRegistParm>&b;</PersonalMemberRegistParm>'
        deep = b"\x05\x00\x00\x00\x00"
        for _ in range(200):
            deep = (len(deep) + 8).to_bytes(4, "little") + b"\x03x\x00" + deep + b"\x00"
        for kind, body in [("application/json", b"{"), ("application/xml", bomb), ("application/bson", deep)]:
            sender = regist.sign(body, kind)
            answer = regist.post(sender, body, kind, "application/json")
            regist.verify(sender, answer)
            self.assertEqual(answer.status, 400, answer.body)
            self.assertEqual(answer.read()["Message"], "The request is invalid.")
        large = b"username=" + b"a" * (1024 * 1024)
        sender = regist.sign(large, "application/x-www-form-urlencoded")
        answer = regist.post(sender, large, "application/x-www-form-urlencoded", "application/json")
        self.assertEqual(answer.status, 413)


class Signatures(unittest.TestCase):
    def setUp(self):
        self.name, self.phone = support.fresh_name(), support.fresh_phone()
        parameters = regist.members(self.name, self.phone, support.sms_code(self.phone))
        self.body = regist.WRITERS["application/json"](parameters)

    def post(self, sender, body=None):
        return regist.post(sender, body or self.body, "application/json", "application/json")

    def refused(self, answer, challenge):
        self.assertEqual((answer.status, answer.headers["WWW-Authenticate"]), (401, challenge))

    def test_a_request_is_taken_once(self):
        sender = regist.sign(self.body, "application/json")
        self.assertEqual(self.post(sender).read()["errcode"], 0)
        self.refused(self.post(sender), 'Hawk error="Invalid nonce"')

    def test_a_wrong_key_a_wrong_name_and_another_body(self):
        wrong = regist.sign(self.body, "application/json", regist.CREDENTIALS | {"key": "another key"})
        self.refused(self.post(wrong), 'Hawk error="Bad mac"')
        nobody = regist.sign(self.body, "application/json", regist.CREDENTIALS | {"id": "nobody"})
        self.refused(self.post(nobody), 'Hawk error="Unknown credentials"')
        right = regist.sign(self.body, "application/json")
        self.refused(self.post(right, self.body + b" "), 'Hawk error="Bad payload hash"')
        unsigned = regist.sign(EmptyValue, EmptyValue, always_hash_content=False)
        self.refused(self.post(unsigned), 'Hawk error="Missing required payload hash"')
        self.assertEqual(self.post(regist.sign(self.body, "application/json")).read()["errcode"], 0, "and now it is good")

    def test_a_caller_with_a_wrong_clock_learns_the_right_time(self):
        slow = regist.sign(self.body, "application/json", _timestamp=int(time.time()) - 3600)
        answer = self.post(slow)
        self.assertEqual(answer.status, 401)
        told = parse_authorization_header(answer.headers["WWW-Authenticate"])
        self.assertEqual(told["error"], "Stale timestamp")
        proof = calculate_ts_mac(told["ts"], regist.CREDENTIALS)
        self.assertEqual(told["tsm"], proof.decode() if isinstance(proof, bytes) else proof)
        right = regist.sign(self.body, "application/json", _timestamp=int(told["ts"]))
        answer = self.post(right)
        regist.verify(right, answer)
        self.assertEqual(answer.read()["errcode"], 0)

    def test_an_agents_key_does_not_register(self):
        agent = {"id": "agent-demo", "key": "matchday-demo-agent-session-key", "algorithm": "sha256"}
        sender = regist.sign(self.body, "application/json", agent)
        answer = self.post(sender)
        regist.verify(sender, answer)
        self.assertEqual(answer.status, 403)


class OneTable(unittest.TestCase):
    def test_a_name_of_regist_is_taken_in_sso_and_a_phone_has_one_account(self):
        name, phone = support.fresh_name(), support.fresh_phone()
        told = regist.register(regist.members(name, phone, support.sms_code(phone))).read()
        self.assertEqual(told["errcode"], 0, told)
        client = sso.Client()
        self.assertEqual(client.check("chkname", user_name=name)["rcode"], "y010102")
        self.assertEqual(client.register(name)["rcode"], "x010404")
        other = support.fresh_phone()
        again = regist.members(name.upper(), other, support.sms_code(other))
        self.assertEqual(regist.register(again).read()["errcode"], 3)

    def test_wrong_codes_and_blobs_have_their_numbers(self):
        phone = support.fresh_phone()
        code = support.sms_code(phone)
        good = regist.members(support.fresh_name(), phone, code)
        for change, errcode in [
            ({"verifycode": f"{(int(code) + 1) % 1_000_000:06d}"}, 2),
            ({"mobile": "12345678901"}, 6),
            ({"password": "AAAA"}, 5),
        ]:
            self.assertEqual(regist.register(good | change).read()["errcode"], errcode, change)
        self.assertEqual(regist.register(good).read()["errcode"], 0)

    def test_who_registered_signs_in_by_the_phone(self):
        name, phone = support.fresh_name(), support.fresh_phone()
        self.assertEqual(regist.register(regist.members(name, phone, support.sms_code(phone))).read()["errcode"], 0)
        # The first code is used up, so that the next may be sent at once.
        code = support.sms_code(phone)
        status, told = support.call("/api/v1/token/phone", {"phone": phone, "code": code})
        self.assertEqual(status, 200, told)
        user = support.user_info(told["token"])
        self.assertEqual((user["username"], user["mobile"]), (name, phone))
        again, _ = support.call("/api/v1/token/phone", {"phone": phone, "code": code})
        self.assertEqual(again, 400, "a code makes one session")


if __name__ == "__main__":
    unittest.main()
