//! Every field of a player, good and bad.

use super::*;

fn draft() -> PlayerDraft {
    PlayerDraft {
        name: "张三".to_owned(),
        certificate_type: 0,
        certificate_no: "11010519491231002x".to_owned(),
        mobile: "13800000001".to_owned(),
        email: "a@b.cn".to_owned(),
        country: "中国".to_owned(),
        gender: 2,
        birth_date: "1949-12-31".to_owned(),
        emergency_contact_name: "李四".to_owned(),
        emergency_contact_mobile: "+86-13800000002".to_owned(),
        ..PlayerDraft::default()
    }
}

fn check(change: impl FnOnce(&mut PlayerDraft)) -> Result<Player> {
    let mut draft = draft();
    change(&mut draft);
    Player::new(draft, "players[0]", "2026-11-22".parse().unwrap())
}

fn field(change: impl FnOnce(&mut PlayerDraft)) -> String {
    match check(change) {
        Err(DomainError::InvalidField { field, .. }) => field.into_owned(),
        other => panic!("expected a field's error, got {other:?}"),
    }
}

#[test]
fn good_player_is_taken_and_normalised() {
    let player = check(|_| ()).unwrap();
    assert_eq!(player.certificate_no, "11010519491231002X");
    assert_eq!(player.certificate().lookup_text(), "0|11010519491231002X");
    assert!(check(|it| it.birth_date = "1949-12-31 08:30:00".to_owned()).is_ok());
    assert!(check(|it| it.extra_info_json = r#"{"a":[1,2]}"#.to_owned()).is_ok());
}

#[test]
fn each_bad_field_is_named() {
    type Change = fn(&mut PlayerDraft);
    let cases: Vec<(&str, Change)> = vec![
        ("name", |it| it.name = "  ".to_owned()),
        ("name", |it| it.name = "长".repeat(33)),
        ("name", |it| it.name = "a\u{0}b".to_owned()),
        ("name", |it| it.name = "a\u{202e}b".to_owned()),
        ("city", |it| it.city = "\u{2066}".to_owned()),
        ("certificate_type", |it| it.certificate_type = 6),
        ("certificate_no", |it| it.certificate_no = "110105194912310021".to_owned()),
        ("certificate_no", |it| it.certificate_no = "11010519491231002".to_owned()),
        ("certificate_no", |it| it.certificate_no = String::new()),
        ("mobile", |it| it.mobile = "12345".to_owned()),
        ("mobile", |it| it.mobile = "138 0000 0001".to_owned()),
        ("email", |it| it.email = "a@b@c".to_owned()),
        ("email", |it| it.email = "@b".to_owned()),
        ("email", |it| it.email = String::new()),
        ("country", |it| it.country = String::new()),
        ("province", |it| it.province = "x".repeat(33)),
        ("zip", |it| it.zip = "1234567".to_owned()),
        ("gender", |it| it.gender = 3),
        ("gender", |it| it.gender = 1),
        ("birth_date", |it| it.birth_date = "31.12.1949".to_owned()),
        ("birth_date", |it| it.birth_date = "1949-12-30".to_owned()),
        ("birth_date", |it| it.birth_date = "2026-11-22".to_owned()),
        ("birth_date", |it| it.birth_date = "1949-12-31 99:99:99".to_owned()),
        ("emergency_contact_name", |it| it.emergency_contact_name = String::new()),
        ("emergency_contact_mobile", |it| it.emergency_contact_mobile = String::new()),
        ("t_shirt_size", |it| it.t_shirt_size = 9),
        ("extra_info_json", |it| it.extra_info_json = "{".to_owned()),
        ("extra_info_json", |it| it.extra_info_json = format!("\"{}\"", "x".repeat(5000))),
    ];
    for (name, change) in cases {
        assert_eq!(field(change), format!("players[0].{name}"));
    }
}

#[test]
fn passport_carries_no_birth_date() {
    let player = check(|it| {
        it.certificate_type = 1;
        it.certificate_no = " e1234567 ".to_owned();
        it.gender = 0;
        it.birth_date = "1990-01-01".to_owned();
    });
    assert_eq!(player.unwrap().certificate_no, "E1234567");
}

#[test]
fn shirt_sizes_come_as_letters_or_numbers() {
    assert_eq!(
        ["", "0", "XXS", "m", "8", "XXXL"].map(parse_shirt_size),
        [Some(0), Some(0), Some(1), Some(4), Some(8), Some(8)]
    );
    assert_eq!(["9", "-1", "XXXXL", "1.5"].map(parse_shirt_size), [None; 4]);
}

#[test]
fn dates_with_odd_bytes_are_refused_without_a_panic() {
    for bad in ["", "1949", "１９４９-12-31", "1949-12-3é", "1949-13-01", "1949/12/31", "1949-12-31x", "-949-12-31"]
    {
        assert_eq!(parse_date(bad), None, "{bad:?}");
    }
}

#[test]
fn one_number_has_one_spelling() {
    let passport = CertificateType::new(1).unwrap();
    let folded = Certificate::new(passport, " Ｅ７６５4321 ").unwrap();
    assert_eq!(folded, Certificate::new(passport, "e7654321").unwrap());
    for look_alike in ["\u{415}7654321", "ß1", "İ1", "中文", "E 1", "E_1", "١٢٣"] {
        assert!(Certificate::new(passport, look_alike).is_err(), "{look_alike}");
    }
    assert!(Certificate::new(CertificateType::MILITARY_CARD, "南字第01234567号").is_ok());
    let card = Certificate::new(CertificateType::IDENTITY_CARD, "１１０１０５１９４９１２３１００２ｘ").unwrap();
    assert_eq!(card.number, "11010519491231002X");
}
