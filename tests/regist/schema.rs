//! What the schema refuses: media types, bodies that cannot be read, members that are missing or too long.

use serde_json::{Value, json};

use super::client::{Call, JSON, blob, members};
use crate::support::{TestApp, spawn_app};

async fn state(app: &TestApp, content_type: &str, body: impl Into<Vec<u8>>) -> Value {
    let told = Call::new(app, content_type, body).header("accept", JSON).send(app).await;
    assert_eq!(told.refusal(), (400, "The request is invalid.".to_owned()));
    told.json()["ModelState"].clone()
}

#[actix_web::test]
async fn media_types_that_nobody_reads_are_415() {
    let app = spawn_app(&[]).await;
    for (content_type, named) in [
        ("text/plain", "text/plain"),
        ("Image/PNG; q=1", "image/png"),
        ("multipart/form-data; boundary=x", "multipart/form-data"),
        ("application/problem+json", "application/problem+json"),
    ] {
        let text = format!("The request entity's media type '{named}' is not supported for this resource.");
        let told = Call::new(&app, content_type, members("a", "13900000001", "1")).send(&app).await;
        assert_eq!(told.refusal(), (415, text));
    }
    let text = "The request contains an entity body but no Content-Type header. The inferred media type \
                'application/octet-stream' is not supported for this resource.";
    let missing = Call { content_type: None, ..Call::new(&app, "", "{}") };
    assert_eq!(missing.send(&app).await.refusal(), (415, text.to_owned()));
    assert_eq!(Call::new(&app, "json", "{}").send(&app).await.refusal(), (415, text.to_owned()));
}

#[actix_web::test]
async fn no_body_is_no_member() {
    let app = spawn_app(&[]).await;
    let required = json!({
        "parm.username": ["The username field is required."],
        "parm.password": ["The password field is required."],
        "parm.mobile": ["The mobile field is required."],
        "parm.verifycode": ["The verifycode field is required."],
    });
    for (content_type, body) in
        [(JSON, ""), (JSON, "null"), (JSON, "{}"), ("text/plain", ""), ("application/x-www-form-urlencoded", "x=1")]
    {
        assert_eq!(state(&app, content_type, body).await, required, "{content_type} {body}");
    }
    let nothing = Call { content_type: None, ..Call::new(&app, "", "") };
    assert_eq!(nothing.send(&app).await.json()["ModelState"], required);
    let wrapped = bson::doc! {"Value": [1, 2, 3]}.to_vec().unwrap();
    assert_eq!(state(&app, "application/bson", wrapped).await, required);
}

#[actix_web::test]
async fn members_are_named_with_what_is_wrong() {
    let app = spawn_app(&[]).await;
    let long = |name: &str, most: usize| {
        json!([format!("The field {name} must be a string or array type with a maximum length of '{most}'.")])
    };
    for (name, most) in [("username", 20), ("password", 64), ("mobile", 11), ("verifycode", 6)] {
        let mut sent = json!({"username": "a", "password": blob(), "mobile": "13900000001", "verifycode": "1"});
        sent[name] = "1".repeat(most + 1).into();
        assert_eq!(state(&app, JSON, sent.to_string()).await, json!({format!("parm.{name}"): long(name, most)}));
        for empty in [json!(null), json!(""), json!(" \t")] {
            sent[name] = empty;
            let required = json!([format!("The {name} field is required.")]);
            assert_eq!(state(&app, JSON, sent.to_string()).await, json!({format!("parm.{name}"): required}));
        }
        sent[name] = json!({"a": 1});
        let state = state(&app, JSON, sent.to_string()).await;
        assert_eq!(state, json!({format!("parm.{name}"): ["The value is not a string."]}));
    }
    let told = Call::new(&app, JSON, members(&"跑".repeat(20), "13900000001", "000000")).send(&app).await;
    assert_eq!(told.errcode(), 2, "twenty letters of three bytes each");
}

#[actix_web::test]
async fn bodies_that_cannot_be_read_name_the_parameter() {
    let app = spawn_app(&[]).await;
    for (content_type, body, said) in [
        (JSON, &b"{"[..], "EOF while parsing an object at line 1 column 1"),
        (JSON, b"[]", "invalid type: sequence, expected an object at line 1 column 2"),
        (JSON, b"\"\xff\"", "The body is not in its character encoding."),
        ("application/bson", b"{}", "no BSON document"),
        ("application/x-www-form-urlencoded", b"username=%FF", "The form is not in UTF-8."),
        ("text/xml", b"<a/>", "Expecting element 'PersonalMemberRegistParm' from namespace"),
        ("text/xml", b"<!DOCTYPE a><a/>", "For security reasons DTD is prohibited in this XML document."),
        ("text/xml", b"<", "syntax error"),
    ] {
        let state = state(&app, content_type, body).await;
        let texts = state["parm"].as_array().unwrap();
        assert!(texts.len() == 1 && texts[0].as_str().unwrap().contains(said), "{content_type}: {state}");
        assert_eq!(state.as_object().unwrap().len(), 1);
    }
}
