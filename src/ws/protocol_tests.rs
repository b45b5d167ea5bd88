use serde_json::json;

use super::*;

fn parsed(value: Value) -> Inbound {
    parse(&value.to_string())
}

fn command_of(value: Value) -> Command {
    match parsed(value.clone()) {
        Inbound::Command(command) => command,
        other => panic!("{value}: {other:?}"),
    }
}

#[test]
fn what_is_not_a_message_is_malformed() {
    for bad in [
        "",
        "x",
        "[]",
        "1",
        "null",
        "\"LOGIN\"",
        "{",
        "{}",
        r#"{"type":""}"#,
        r#"{"type":5}"#,
        r#"{"type":"SEND_ALL","room_id":"1"}"#,
        r#"{"type":"SEND_ALL","room_id":"1","content":""}"#,
        r#"{"type":"SEND_ALL","content":"x"}"#,
        r#"{"type":"SEND_ONE","room_id":"1","content":"x"}"#,
        r#"{"type":"LOGIN"}"#,
        r#"{"type":"LOGIN","room_id":true}"#,
        r#"{"type":"QUEUE"}"#,
        r#"{"type":"SEND_ALL","room_id":"1","content":"x","client_id":[]}"#,
    ] {
        assert!(matches!(parse(bad), Inbound::Malformed { .. }), "{bad}");
    }
}

#[test]
fn a_refused_line_is_named_by_its_client_id() {
    let Inbound::Malformed { client_id, .. } = parsed(json!({"type": "SEND_ALL", "room_id": "1", "client_id": "a"}))
    else {
        panic!()
    };
    assert_eq!(client_id.as_deref(), Some("a"));
}

#[test]
fn the_type_is_read_in_any_case_and_the_room_in_its_form() {
    let Command::Say { room, content, .. } =
        command_of(json!({"type": "send_All", "room_id": 7, "content": "x", "user": {"username": "fake"}}))
    else {
        panic!()
    };
    assert_eq!(content, "x");
    assert_eq!((room.id, room.form), (Some(LiveId(7)), RoomForm::Number));
    for odd in [json!("07"), json!("x"), json!(-1), json!(1.5), json!("1 ")] {
        let Command::Login { room, .. } = command_of(json!({"type": "LOGIN", "room_id": odd})) else { panic!() };
        assert_eq!(room.id, None, "{odd}");
    }
}

#[test]
fn the_count_question_needs_no_token() {
    for id in [json!("99999999"), json!(99_999_999)] {
        let command = command_of(json!({"type": "SEND_ALL", "room_id": id, "content": "6"}));
        assert!(matches!(command, Command::Count { .. }));
    }
}

#[test]
fn a_resume_without_an_epoch_cannot_be_recovered() {
    let Command::Login { resume, .. } = command_of(json!({"type": "LOGIN", "room_id": "1", "last_offset": 5})) else {
        panic!()
    };
    assert_eq!(resume, Some(Resume { offset: 5, epoch: String::new() }));
}

#[test]
fn history_gives_a_hundred_lines_at_most() {
    for (asked, given) in
        [(json!(null), 100), (json!(7), 7), (json!("7"), 7), (json!(1000), 100), (json!(1i64 << 40), 100)]
    {
        let Command::History { limit, .. } = command_of(json!({"type": "HISTORY", "room_id": "1", "limit": asked}))
        else {
            panic!()
        };
        assert_eq!(limit, given, "{asked}");
    }
}

#[test]
fn a_history_with_a_wrong_limit_or_offset_is_refused() {
    for wrong in [json!(-1), json!(1.5), json!("x"), json!(""), json!(true), json!([]), json!({}), json!(u64::MAX)] {
        for member in ["limit", "before"] {
            let mut message = json!({"type": "HISTORY", "room_id": "1"});
            message[member] = wrong.clone();
            assert!(matches!(parsed(message), Inbound::Malformed { .. }), "{member}: {wrong}");
        }
    }
    assert!(matches!(parsed(json!({"type": "HISTORY", "room_id": "1", "limit": 0})), Inbound::Malformed { .. }));
    for (asked, given) in [(json!(null), None), (json!(0), Some(0)), (json!("9"), Some(9))] {
        let Command::History { before, .. } = command_of(json!({"type": "HISTORY", "room_id": "1", "before": asked}))
        else {
            panic!()
        };
        assert_eq!(before, given);
    }
}

#[test]
fn other_types_are_unknown() {
    let command = command_of(json!({"type": "DANCE", "room_id": "1"}));
    assert!(matches!(command, Command::Unknown { room: Some(_) }));
}
