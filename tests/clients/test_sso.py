"""The encrypted SSO registration API as an independent client sees it."""

import time
import unittest

import regist
import sso
import support


class Registering(unittest.TestCase):
    def setUp(self):
        self.client = sso.Client()

    def test_the_answer_is_sealed_and_signed_with_the_callers_pair(self):
        name = support.fresh_name()
        contact = {"tel": {"key": "电话", "value": "0755-1234"}}
        answer = self.client.register(name, user_mail=f"{name}@example.org", user_nick="跑者", user_contact=contact)
        self.assertEqual((answer["rcode"], answer["prd_sso_ver"], answer["prd_sso_pub"]), ("y010101", "4.0", 20220604))
        inside = self.client.open(answer)
        self.assertEqual((inside["user_name"], inside["user_status"]), (name, "enable"))
        self.assertEqual({type(value) for value in inside.values()}, {str}, "every scalar inside is a text")
        self.assertLess(abs(int(inside["timestamp"]) - time.time()), 60)
        self.assertGreater(int(inside["user_id"]), 0)
        self.assertEqual(set(inside), {"user_id", "user_name", "user_status", "timestamp"})

    def test_names_and_addresses_are_checked(self):
        name = support.fresh_name()
        mail = f"{name}@example.org"
        free = {"chkname": {"user_name": name}, "chkmail": {"user_mail": mail}}
        for act, members in free.items():
            answer = self.client.check(act, **members)
            self.assertEqual(answer["rcode"], "y010401", answer)
            self.assertNotIn("code", answer)
        self.assertEqual(self.client.register(name, user_mail=mail)["rcode"], "y010101")
        for act, members in {"chkname": {"user_name": name.upper()}, "chkmail": {"user_mail": mail}}.items():
            self.assertEqual(self.client.check(act, **members)["rcode"], "y010102")
        self.assertEqual(self.client.register(name)["rcode"], "x010404")
        again = self.client.register(support.fresh_name(), user_mail=mail.upper())
        self.assertEqual(again["rcode"], "x010404", again)

    def test_the_same_call_is_taken_once(self):
        members = {"user_name": support.fresh_name(), "user_pass": support.md5("x"), "timestamp": str(int(time.time()))}
        parameters = self.client.seal(members)
        self.assertEqual(self.client.post("reg", parameters)["rcode"], "y010101")
        self.assertEqual(self.client.post("reg", parameters)["rcode"], "x050403")

    def test_a_clock_that_is_off_is_refused(self):
        for off in (-3600, 3600):
            answer = self.client.register(support.fresh_name(), timestamp=str(int(time.time()) + off))
            self.assertEqual(answer["rcode"], "x050201", answer)

    def test_wrong_keys_codes_and_signs(self):
        name = support.fresh_name()
        members = {"user_name": name, "user_pass": support.md5("x"), "timestamp": str(int(time.time()))}
        right = self.client.seal(members)
        wrong_key = sso.Client(key="f" * 32).register(name)
        self.assertEqual(wrong_key["rcode"], "x050201", wrong_key)
        # The right key is told, but sealed with another secret: neither code nor sign fit.
        forged = sso.Client(secret="ponmlkjihgfedcba").seal(members)
        bad_padding = right | {"code": right["code"][:-2] + ("AA" if right["code"][-2:] != "AA" else "BB")}
        other_sign = right | {"sign": right["sign"].lower()}
        answers = [self.client.post("reg", parameters) for parameters in (forged, bad_padding, other_sign)]
        self.assertEqual([answer["rcode"] for answer in answers], ["x050403"] * 3)
        self.assertEqual(answers[0], answers[1], "a bad padding and a bad sign are one answer")
        self.assertEqual(self.client.check("chkname", user_name=name)["rcode"], "y010401", "nothing was registered")

    def test_a_get_registers_nobody(self):
        name = support.fresh_name()
        members = {"user_name": name, "user_pass": support.md5("x"), "timestamp": str(int(time.time()))}
        self.assertEqual(self.client.get("reg", self.client.seal(members))["rcode"], "")
        self.assertEqual(self.client.check("chkname", user_name=name)["rcode"], "y010401")


class OneTable(unittest.TestCase):
    """A name that one dialect took is taken in the other, and both kinds of accounts sign in to the H5 API."""

    def test_a_name_of_sso_is_taken_in_regist(self):
        name = support.fresh_name()
        self.assertEqual(sso.Client().register(name)["rcode"], "y010101")
        phone = support.fresh_phone()
        told = regist.register(regist.members(name.upper(), phone, support.sms_code(phone))).read()
        self.assertEqual((told["errcode"], told["memberid"]), (3, 0), told)

    def test_an_account_of_sso_binds_a_phone_and_signs_in(self):
        name, phone = support.fresh_name(), support.fresh_phone()
        client = sso.Client()
        client.open(client.register(name, password="秘密", user_nick="Ann"))
        code = support.sms_code(phone)
        status, told = support.call("/api/v1/token/phone", {"phone": phone, "code": code})
        self.assertEqual((status, told["error_code"]), (404, 10004), "nobody has this phone yet")
        named = {"phone": phone, "code": code, "user_name": name}
        status, told = support.call("/api/v1/token/phone", named | {"user_pass": support.md5("wrong")})
        self.assertEqual((status, told["error_code"]), (401, 10008))
        status, told = support.call("/api/v1/token/phone", named | {"user_pass": support.md5("秘密")})
        self.assertEqual(status, 200, told)
        user = support.user_info(told["token"])
        self.assertEqual((user["username"], user["mobile"]), ("Ann", phone))


if __name__ == "__main__":
    unittest.main()
