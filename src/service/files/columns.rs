//! The columns of a registrations file: their names in English and Chinese, and their texts from and to a player.

use actors::domain::registration::{Player, PlayerDraft, parse_shirt_size};

/// What names and words of a file are written in. Both are always read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    #[default]
    En,
    Zh,
}

/// (English, Chinese, required in an import).
pub const FIELDS: [(&str, &str, bool); 17] = [
    ("name", "姓名", true),
    ("certificate_type", "证件类型", true),
    ("certificate_no", "证件号码", true),
    ("gender", "性别", true),
    ("birth_date", "出生日期", true),
    ("mobile", "手机", true),
    ("email", "邮箱", true),
    ("country", "国家和地区", true),
    ("province", "省份", false),
    ("city", "城市", false),
    ("address1", "街道地址 1", false),
    ("address2", "街道地址 2", false),
    ("zip", "邮编", false),
    ("emergency_contact_name", "紧急联系人姓名", true),
    ("emergency_contact_mobile", "紧急联系人手机", true),
    ("t_shirt_size", "T 恤尺码", false),
    ("extra_info_json", "附加信息", false),
];

pub const GROUP: (&str, &str) = ("group", "团队");
pub const USER: (&str, &str) = ("user_id", "用户编号");
/// Columns of an export that an import passes over.
pub const PASSED_OVER: [(&str, &str); 3] =
    [("reg_id", "报名编号"), ("pay_status", "支付状态"), ("pay_time", "支付时间")];

const CERTIFICATES: [(i64, &str); 7] =
    [(-1, "无"), (0, "居民身份证"), (1, "护照"), (2, "军官证"), (3, "台胞证"), (4, "港澳通行证"), (5, "回乡证")];
const GENDERS: [(i64, &str); 3] = [(0, "未填"), (1, "男"), (2, "女")];
const SHIRTS: [&str; 9] = ["", "XXS", "XS", "S", "M", "L", "XL", "XXL", "XXXL"];

/// The English name of a heading in either language; case and blanks do not matter.
pub fn canonical(heading: &str) -> Option<&'static str> {
    let plain = |text: &str| text.chars().filter(|it| !it.is_whitespace()).flat_map(char::to_lowercase).collect();
    let heading: String = plain(heading.trim().trim_end_matches('*'));
    FIELDS
        .iter()
        .map(|(english, chinese, _)| (*english, *chinese))
        .chain([GROUP, USER])
        .chain(PASSED_OVER)
        .find(|(english, chinese)| [*english, *chinese].map(plain).contains(&heading))
        .map(|(english, _)| english)
}

/// Puts a cell's text into a draft. `Err` is the reason why it cannot be one.
pub fn read(draft: &mut PlayerDraft, field: &str, text: &str) -> Result<(), &'static str> {
    match field {
        "certificate_type" => {
            draft.certificate_type = coded(&CERTIFICATES, text)
                .ok_or("must be -1 to 5, or 居民身份证, 护照, 军官证, 台胞证, 港澳通行证, 回乡证")?;
        }
        "gender" => draft.gender = coded(&GENDERS, text).ok_or("must be 0 to 2, or 男, 女")?,
        "t_shirt_size" => draft.t_shirt_size = parse_shirt_size(text).ok_or("must be 0 to 8 or XXS to XXXL")?,
        "birth_date" => draft.birth_date = date(text),
        _ => {
            let target = match field {
                "name" => &mut draft.name,
                "certificate_no" => &mut draft.certificate_no,
                "mobile" => &mut draft.mobile,
                "email" => &mut draft.email,
                "country" => &mut draft.country,
                "province" => &mut draft.province,
                "city" => &mut draft.city,
                "address1" => &mut draft.address1,
                "address2" => &mut draft.address2,
                "zip" => &mut draft.zip,
                "emergency_contact_name" => &mut draft.emergency_contact_name,
                "emergency_contact_mobile" => &mut draft.emergency_contact_mobile,
                "extra_info_json" => &mut draft.extra_info_json,
                _ => return Err("is no column of a player"),
            };
            text.clone_into(target);
        }
    }
    Ok(())
}

fn coded(words: &[(i64, &str)], text: &str) -> Option<i64> {
    let short = if text == "身份证" { "居民身份证" } else { text };
    words.iter().find(|(code, word)| *word == short || code.to_string() == short).map(|(code, _)| *code)
}

/// `1990/3/7`, `1990.3.7`, `1990年3月7日` and `19900307` as `1990-03-07`; anything else as it is.
fn date(text: &str) -> String {
    let day = text.split([' ', 'T']).next().unwrap_or_default();
    if day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..]);
    }
    let parts: Vec<&str> = day.trim_end_matches('日').split(['/', '-', '.', '年', '月']).collect();
    match parts.as_slice() {
        [year, month, day] => match (year.parse::<u16>(), month.parse::<u8>(), day.parse::<u8>()) {
            (Ok(year), Ok(month), Ok(day)) => format!("{year:04}-{month:02}-{day:02}"),
            _ => text.to_owned(),
        },
        _ => text.to_owned(),
    }
}

/// A player's fields in the order of `FIELDS`.
pub fn write(player: &Player, language: Language) -> [String; 17] {
    let word = |words: &[(i64, &str)], code: i64| match language {
        Language::Zh => {
            words.iter().find(|(known, _)| *known == code).map_or(String::new(), |(_, it)| (*it).to_owned())
        }
        Language::En => code.to_string(),
    };
    let shirt = usize::try_from(player.t_shirt_size).ok().and_then(|size| SHIRTS.get(size)).copied();
    [
        player.name.clone(),
        word(&CERTIFICATES, player.certificate_type.code()),
        player.certificate_no.clone(),
        word(&GENDERS, player.gender.code()),
        player.birth_date.to_string(),
        player.mobile.clone(),
        player.email.clone(),
        player.country.clone(),
        player.province.clone(),
        player.city.clone(),
        player.address1.clone(),
        player.address2.clone(),
        player.zip.clone(),
        player.emergency_contact_name.clone(),
        player.emergency_contact_mobile.clone(),
        shirt.unwrap_or_default().to_owned(),
        player.extra_info_json.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_known_in_both_languages() {
        for (heading, name) in [
            ("姓名", "name"),
            (" Name* ", "name"),
            ("T恤尺码", "t_shirt_size"),
            ("街道地址1", "address1"),
            ("团队", "group"),
        ] {
            assert_eq!(canonical(heading), Some(name), "{heading}");
        }
        assert_eq!(canonical("身高"), None);
    }

    #[test]
    fn dates_of_spreadsheets_are_understood() {
        for text in ["1990/3/7", "1990-03-07", "1990.3.07", "1990年3月7日", "19900307", "1990/3/7 0:00"] {
            assert_eq!(date(text), "1990-03-07", "{text}");
        }
        assert_eq!(date("7 March"), "7 March");
    }

    #[test]
    fn words_and_codes_mean_the_same() {
        let mut draft = PlayerDraft::default();
        for (field, text) in [("gender", "女"), ("certificate_type", "身份证"), ("t_shirt_size", "xl")] {
            read(&mut draft, field, text).unwrap();
        }
        assert_eq!((draft.gender, draft.certificate_type, draft.t_shirt_size), (2, 0, 6));
        assert!(read(&mut draft, "gender", "3").is_err() && read(&mut draft, "certificate_type", "").is_err());
    }
}
