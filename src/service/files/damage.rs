//! What spreadsheets do to numbers that are names: 15 digits are kept of them, leading zeros go, long ones become
//! `1.38E+10`, and days become serial numbers. Each is named as what happened, because "check digit is wrong" lets nobody
//! find the cause.

use std::borrow::Cow;

use actors::domain::registration::Player;
use chrono::{Days, NaiveDate};

/// Digits that a spreadsheet keeps of a number.
const KEPT_DIGITS: usize = 15;
const AS_TEXT: &str = "format the column as text and enter it again";
/// Columns whose digits are a name and not a number.
const NUMBERS: [&str; 6] = ["certificate_no", "mobile", "emergency_contact_mobile", "zip", "user_id", "game_id"];
const COUNTS: [&str; 2] = ["limitation", "balance"];
const ERRORS: [&str; 8] = ["#N/A", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#DIV/0!", "#NULL!", "#GETTING_DATA"];

/// Why a cell can only be what a spreadsheet made of another text.
pub fn certain(member: &str, text: &str) -> Option<Cow<'static, str>> {
    let is_error = ERRORS.contains(&text) || (text.len() > 1 && text.bytes().all(|byte| byte == b'#'));
    if is_error {
        return Some("holds an error of the spreadsheet, or a column that was too narrow".into());
    }
    if NUMBERS.contains(&member) || COUNTS.contains(&member) {
        if is_shortened_number(text) {
            return Some(format!("was shortened by the spreadsheet: {AS_TEXT}").into());
        }
        if whole_with_decimals(text).is_some() {
            return Some(format!("was written as a number with decimals by the spreadsheet: {AS_TEXT}").into());
        }
        if has_separators(text) {
            return Some(format!("was written with separators by the spreadsheet: {AS_TEXT}").into());
        }
    }
    if member == "birth_date" {
        let day = serial_day(text)?;
        return Some(format!("is a spreadsheet's number for the day {day}: format the column as date or text").into());
    }
    None
}

/// Why a certificate's number that is refused may be the spreadsheet's fault.
pub fn of_certificate(number: &str) -> Option<Cow<'static, str>> {
    is_cut(number).then(|| cut_words().into())
}

/// Cells that passed every check and still look changed: members and reasons.
pub fn suspected(player: &Player) -> Vec<(&'static str, Cow<'static, str>)> {
    let mut found: Vec<(&'static str, Cow<'static, str>)> = Vec::new();
    if is_cut(&player.certificate_no) {
        found.push(("certificate_no", cut_words().into()));
    }
    // Travel permits of Taiwan residents have eight digits, many of which begin with 0.
    if player.certificate_type.code() == 3 && player.certificate_no.len() == 7 && is_digits(&player.certificate_no) {
        found.push(("certificate_no", zero_words("seven digits").into()));
    }
    if is_china(&player.country) {
        if player.zip.len() == 5 && is_digits(&player.zip) {
            found.push(("zip", zero_words("five digits").into()));
        }
        for (member, number) in
            [("mobile", &player.mobile), ("emergency_contact_mobile", &player.emergency_contact_mobile)]
        {
            if lost_trunk_zero(number) {
                found.push((member, zero_words("no 0 before the area code").into()));
            }
        }
    }
    found
}

fn cut_words() -> String {
    format!("ends in zeros after {KEPT_DIGITS} digits, which are all that a spreadsheet keeps of a number: {AS_TEXT}")
}

fn zero_words(has: &str) -> String {
    format!("has {has}: a spreadsheet leaves leading zeros out. {AS_TEXT}")
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `440106199003077000`
fn is_cut(text: &str) -> bool {
    text.len() > KEPT_DIGITS && is_digits(text) && text.bytes().skip(KEPT_DIGITS).all(|byte| byte == b'0')
}

/// `4.40106E+17`
fn is_shortened_number(text: &str) -> bool {
    let Some((digits, exponent)) = text.split_once(['E', 'e']) else { return false };
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    exponent.strip_prefix('+').is_some_and(is_digits) && plain(digits)
}

/// The digits of `13800138000.0`.
fn whole_with_decimals(text: &str) -> Option<&str> {
    let (whole, decimals) = text.split_once('.')?;
    (is_digits(whole) && is_digits(decimals) && decimals.bytes().all(|byte| byte == b'0')).then_some(whole)
}

/// `13,800,138,000`
fn has_separators(text: &str) -> bool {
    let mut groups = text.split(',');
    let first = groups.next().unwrap_or_default();
    let mut others = groups.peekable();
    (1..=3).contains(&first.len())
        && is_digits(first)
        && others.peek().is_some()
        && others.all(|group| group.len() == 3 && is_digits(group))
}

/// The day of `32939`, from 1927 to 2099; fewer digits may be a year.
fn serial_day(text: &str) -> Option<NaiveDate> {
    let whole = text.split('.').next().unwrap_or_default();
    let number: u64 = whole.parse().ok().filter(|number| (10_000..=73_050).contains(number))?;
    let is_number = is_digits(whole)
        && text.len() != whole.len() + 1
        && text[whole.len()..].bytes().skip(1).all(|byte| byte.is_ascii_digit());
    if !is_number {
        return None;
    }
    NaiveDate::from_ymd_opt(1899, 12, 30)?.checked_add_days(Days::new(number))
}

fn is_china(country: &str) -> bool {
    ["中国", "中國", "中华人民共和国", "China", "CN", "CHN", "PRC"]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(country))
}

/// A number of digits that is no mobile and has not the 0 that area codes in China begin with.
fn lost_trunk_zero(number: &str) -> bool {
    let is_mobile = number.len() == 11 && matches!(number.as_bytes(), [b'1', b'3'..=b'9', ..]);
    let is_service = number.starts_with("400") || number.starts_with("800");
    (9..=11).contains(&number.len()) && is_digits(number) && !number.starts_with('0') && !is_mobile && !is_service
}

#[cfg(test)]
mod tests {
    use actors::domain::registration::PlayerDraft;

    use super::*;

    #[test]
    fn what_a_spreadsheet_did_is_named() {
        for (member, text, word) in [
            ("certificate_no", "4.40106E+17", "shortened"),
            ("mobile", "1.38E+10", "shortened"),
            ("mobile", "13800138000.0", "decimals"),
            ("emergency_contact_mobile", "13800138000.00", "decimals"),
            ("mobile", "13,800,138,000", "separators"),
            ("user_id", "7.0", "decimals"),
            ("limitation", "1,000", "separators"),
            ("birth_date", "32939", "1990-03-07"),
            ("birth_date", "32939.0", "1990-03-07"),
            ("name", "#N/A", "error"),
            ("birth_date", "########", "narrow"),
        ] {
            let reason = certain(member, text).unwrap_or_else(|| panic!("{member} {text}"));
            assert!(reason.contains(word), "{member} {text}: {reason}");
        }
        for (member, text) in [
            ("certificate_no", "440106199003077510"),
            ("certificate_no", "E1234567"),
            ("certificate_no", "1E123456"),
            ("mobile", "13800138000"),
            ("mobile", "0755-12345678"),
            ("birth_date", "1990-03-07"),
            ("birth_date", "19900307"),
            ("birth_date", "1990"),
            ("birth_date", "32939."),
            ("name", "3.0"),
            ("address1", "#3"),
            ("name", ""),
        ] {
            assert_eq!(certain(member, text), None, "{member} {text}");
        }
    }

    fn player(change: impl FnOnce(&mut PlayerDraft)) -> Player {
        let mut draft = PlayerDraft {
            name: "跑者".to_owned(),
            certificate_type: 1,
            certificate_no: "E1234567".to_owned(),
            mobile: "13800138000".to_owned(),
            email: "a@example.org".to_owned(),
            country: "中国".to_owned(),
            gender: 1,
            birth_date: "1990-03-07".to_owned(),
            emergency_contact_name: "家人".to_owned(),
            emergency_contact_mobile: "075512345678".to_owned(),
            ..PlayerDraft::default()
        };
        change(&mut draft);
        Player::new(draft, "", NaiveDate::from_ymd_opt(2026, 1, 1).unwrap()).unwrap()
    }

    #[test]
    fn what_passes_by_chance_is_suspected() {
        assert_eq!(suspected(&player(|_| {})), []);
        let members = |player: Player| suspected(&player).into_iter().map(|(member, _)| member).collect::<Vec<_>>();
        // Its check digit is 0, too.
        let cut = player(|draft| {
            draft.certificate_type = 0;
            draft.certificate_no = "440106199003077000".to_owned();
            draft.gender = 2;
        });
        assert_eq!(members(cut), ["certificate_no"]);
        let permit = player(|draft| (draft.certificate_type, draft.certificate_no) = (3, "1234567".to_owned()));
        assert_eq!(members(permit), ["certificate_no"]);
        let zeros = player(|draft| (draft.zip, draft.mobile) = ("10000".to_owned(), "1012345678".to_owned()));
        assert_eq!(members(zeros), ["zip", "mobile"]);
        let abroad = player(|draft| {
            (draft.zip, draft.mobile, draft.country) = ("10000".to_owned(), "1012345678".to_owned(), "USA".to_owned());
        });
        assert_eq!(members(abroad), Vec::<&str>::new());
        assert!(of_certificate("440106199003077000").is_some() && of_certificate("440106199003077510").is_none());
    }
}
