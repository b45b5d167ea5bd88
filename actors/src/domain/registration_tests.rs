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
fn good_player_is_taken_and_kept_as_typed() {
    let player = check(|_| ()).unwrap();
    assert_eq!(player.certificate_no, "11010519491231002x");
    assert_eq!(player.certificate().lookup_text(), "0|11010519491231002X");
    assert_eq!(player.emergency_contact_mobile, "13800000002");
    assert!(check(|it| it.birth_date = "1949-12-31 08:30:00".to_owned()).is_ok());
    assert!(check(|it| it.extra_info_json = r#"{"a":[1,2]}"#.to_owned()).is_ok());
}

#[test]
fn texts_are_as_long_as_the_contract_says() {
    type Field = fn(&mut PlayerDraft) -> &mut String;
    let fields: [(&str, usize, Field); 8] = [
        ("name", 64, |it| &mut it.name),
        ("emergency_contact_name", 64, |it| &mut it.emergency_contact_name),
        ("country", 64, |it| &mut it.country),
        ("province", 64, |it| &mut it.province),
        ("city", 64, |it| &mut it.city),
        ("address1", 128, |it| &mut it.address1),
        ("address2", 128, |it| &mut it.address2),
        ("zip", 12, |it| &mut it.zip),
    ];
    for (name, most, of) in fields {
        let longest = "长".repeat(most);
        let player = check(|it| of(it).clone_from(&longest)).unwrap();
        assert_eq!(of(&mut PlayerDraft::from(&player)), &longest);
        assert_eq!(field(|it| *of(it) = "长".repeat(most + 1)), format!("players[0].{name}"));
    }
    let mail = |count: usize| format!("{}@example.org", "m".repeat(count - 12));
    assert!(check(|it| it.email = mail(254)).is_ok());
    assert_eq!(field(|it| it.email = mail(255)), "players[0].email");
}

#[test]
fn phones_are_folded_before_they_are_judged() {
    for typed in ["+86 138 0013 8000", "86-13800138000", "0086\u{a0}138 0013 8000", "１３８００１３８０００"]
    {
        let player = check(|it| {
            it.mobile = typed.to_owned();
            it.emergency_contact_mobile = typed.to_owned();
        });
        let player = player.unwrap();
        assert_eq!((player.mobile.as_str(), player.emergency_contact_mobile.as_str()), ("13800138000", "13800138000"));
    }
    assert_eq!(check(|it| it.mobile = "+44 7911 123456".to_owned()).unwrap().mobile, "+447911123456");
}

#[test]
fn names_that_join_letters_are_taken() {
    for name in ["می\u{200c}خواهم", "क\u{94d}\u{200d}ष", "欧阳 娜娜", "Zoë O’Neil-Ünal"] {
        assert_eq!(check(|it| it.name = name.to_owned()).unwrap().name, name);
    }
}

#[test]
fn each_bad_field_is_named() {
    type Change = fn(&mut PlayerDraft);
    let cases: Vec<(&str, Change)> = vec![
        ("name", |it| it.name = "  ".to_owned()),
        ("name", |it| it.name = "a\u{0}b".to_owned()),
        ("name", |it| it.name = "a\u{202e}b".to_owned()),
        ("name", |it| it.name = "\u{3164}".to_owned()),
        ("name", |it| it.name = "\u{2800}\u{200b}".to_owned()),
        ("name", |it| it.name = "张三\u{200d}".to_owned()),
        ("city", |it| it.city = "\u{2066}".to_owned()),
        ("address1", |it| it.address1 = "\u{200b}".to_owned()),
        ("email", |it| it.email = "a@b\u{200b}.cn".to_owned()),
        ("certificate_type", |it| it.certificate_type = 6),
        ("certificate_no", |it| it.certificate_no = "110105194912310021".to_owned()),
        ("certificate_no", |it| it.certificate_no = "11010519491231002".to_owned()),
        ("certificate_no", |it| it.certificate_no = String::new()),
        ("mobile", |it| it.mobile = "12345".to_owned()),
        ("mobile", |it| it.mobile = "------".to_owned()),
        ("mobile", |it| it.mobile = String::new()),
        ("email", |it| it.email = "a@b@c".to_owned()),
        ("email", |it| it.email = "@b".to_owned()),
        ("email", |it| it.email = String::new()),
        ("country", |it| it.country = String::new()),
        ("gender", |it| it.gender = 3),
        ("gender", |it| it.gender = 1),
        ("birth_date", |it| it.birth_date = "31.12.1949".to_owned()),
        ("birth_date", |it| it.birth_date = "1949-12-30".to_owned()),
        ("birth_date", |it| it.birth_date = "2026-11-22".to_owned()),
        ("birth_date", |it| it.birth_date = "1949-12-31 99:99:99".to_owned()),
        ("birth_date", |it| {
            (it.certificate_type, it.certificate_no) = (1, "E1".to_owned());
            it.birth_date = "0027-05-01".to_owned();
        }),
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
    let player = player.unwrap();
    assert_eq!((player.certificate_no.as_str(), player.certificate().number.as_str()), ("e1234567", "E1234567"));
}

#[test]
fn shirt_sizes_come_as_letters_or_numbers() {
    assert_eq!(
        ["", "0", "XXS", "m", "8", "XXXL"].map(parse_shirt_size),
        [Some(0), Some(0), Some(1), Some(4), Some(8), Some(8)]
    );
    assert_eq!(["9", "-1", "XXXXL", "1.5"].map(parse_shirt_size), [None; 4]);
}
