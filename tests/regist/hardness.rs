//! Bodies that were made to hurt, and nothing that bad input changes.

use super::client::{Call, JSON, PATH, members};
use crate::reg::digest::{changed, digest};
use crate::support::{TestApp, spawn_app};

const PARM: &str = "http://schemas.datacontract.org/2004/07/DigitalScience.DataTransfer.Tour.V5.Parm.WebInterface";
const FORM: &str = "application/x-www-form-urlencoded";

fn nested_bson(levels: usize) -> Vec<u8> {
    (0..levels).fold(bson::doc! {}, |inner, _| bson::doc! {"x": inner}).to_vec().unwrap()
}

/// Status of a signed reply.
async fn status(app: &TestApp, content_type: &str, body: impl Into<Vec<u8>>) -> u16 {
    let told = Call::new(app, content_type, body).send(app).await;
    assert_eq!(told.signed, Some(true));
    told.status
}

#[actix_web::test]
async fn large_bodies_are_refused_in_the_dialect_s_words() {
    let app = spawn_app(&[]).await;
    let before = digest(&app.context.db).await;
    let large = format!("{}&x={}", "username=a", "y".repeat(1024 * 1024));
    for (content_type, body) in [
        (FORM, large.clone()),
        (JSON, format!("{{\"x\":\"{}\"}}", "y".repeat(1024 * 1024))),
        ("text/xml", " ".repeat(1024 * 1024)),
        (FORM, "&".repeat(64 * 1024 + 1)),
    ] {
        let told = Call::new(&app, content_type, body).header("accept", JSON).send(&app).await;
        assert_eq!(told.refusal(), (413, "The request entity is too large.".to_owned()));
    }
    let stranger = Call { authorization: Some(None), ..Call::new(&app, FORM, large) };
    assert_eq!(stranger.send(&app).await.status, 401);
    assert_eq!(changed(&before, &digest(&app.context.db).await), Vec::<String>::new());
    assert_eq!(status(&app, FORM, "&".repeat(64 * 1024)).await, 400, "this much is read");
}

#[actix_web::test]
async fn bombs_are_refused_and_change_nothing() {
    let app = spawn_app(&[]).await;
    let before = digest(&app.context.db).await;
    let entities: String = (1..20).map(|n| format!("<!ENTITY a{n} \"&a{0};&a{0};\">", n - 1)).collect();
    let bomb = format!(
        "<!DOCTYPE r [<!ENTITY a0 \"ha\">{entities}]><PersonalMemberRegistParm xmlns=\"{PARM}\"><username>&a19;\
         </username></PersonalMemberRegistParm>"
    );
    let external = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><PersonalMemberRegistParm \
         xmlns=\"{PARM}\"><username>&e;</username></PersonalMemberRegistParm>"
    );
    let depth = 9_000;
    let deep_xml = format!(
        "<PersonalMemberRegistParm xmlns=\"{PARM}\">{}{}</PersonalMemberRegistParm>",
        "<x>".repeat(depth),
        "</x>".repeat(depth)
    );
    let deep_json = format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let namespaces: String = (0..200).map(|n| format!(" xmlns:n{n}=\"u:{n}\"")).collect();
    let namespaces = format!("<PersonalMemberRegistParm xmlns=\"{PARM}\"{namespaces}/>");
    let nested: String = (0..30)
        .map(|n| (0..10).fold(format!("<x{n}"), |tag, at| tag + &format!(" xmlns:n{n}_{at}=\"u\"")) + ">")
        .collect();
    let nested = format!("<PersonalMemberRegistParm xmlns=\"{PARM}\">{nested}");
    let wide =
        format!("<PersonalMemberRegistParm xmlns=\"{PARM}\">{}</PersonalMemberRegistParm>", "<x/>".repeat(9_000));
    for (content_type, body) in [
        ("text/xml", bomb.into_bytes()),
        ("application/xml", external.into_bytes()),
        ("text/xml", deep_xml.into_bytes()),
        ("text/xml", wide.into_bytes()),
        ("text/xml", namespaces.into_bytes()),
        ("text/xml", nested.into_bytes()),
        (JSON, deep_json.into_bytes()),
        ("application/bson", nested_bson(60)),
        ("application/bson", {
            // A text that claims to be longer than the document.
            let mut bytes = bson::doc! {"username": "a"}.to_vec().unwrap();
            bytes[14] = 0x7f;
            bytes
        }),
    ] {
        let call = Call::new(&app, content_type, body).header("accept", JSON);
        let told = call.send(&app).await;
        assert_eq!(told.refusal(), (400, "The request is invalid.".to_owned()), "{content_type}");
        let state = told.json()["ModelState"].clone();
        assert!(state["parm"][0].is_string(), "{state}");
        let text = told.text();
        for inner in ["root:", "haha", "::", "Resolver", "Error("] {
            assert!(!text.contains(inner), "{inner}: {text}");
        }
    }
    let after = changed(&before, &digest(&app.context.db).await);
    assert_eq!(after, ["hawk_nonces"], "a nonce is spent, nothing else");
}

#[actix_web::test]
async fn refusals_change_nothing() {
    let app = spawn_app(&[]).await;
    let before = digest(&app.context.db).await;
    let right = || Call::new(&app, JSON, members("runner", "13900000001", "123456"));
    for call in [
        Call { authorization: Some(None), ..right() },
        Call { authorization: Some(Some("Hawk x".to_owned())), ..right() },
        right().by(("nobody", "x")),
        right().by(("official-demo", "x")),
        Call { hashed: None, ..right() },
        Call { hashed: Some(b"other".to_vec()), ..right() },
        Call { ts: 1, ..right() },
        Call { method: "GET", ..right() },
        Call { path: format!("{PATH}/x"), ..right() },
    ] {
        let told = call.send(&app).await;
        assert!((400..=405).contains(&told.status), "{}", told.text());
    }
    assert_eq!(changed(&before, &digest(&app.context.db).await), Vec::<String>::new());
    let agent = right().by(super::client::AGENT);
    for call in
        [Call::new(&app, "text/plain", "x"), Call::new(&app, JSON, "{"), Call::new(&app, JSON, ""), agent, right()]
    {
        call.send(&app).await;
    }
    assert_eq!(changed(&before, &digest(&app.context.db).await), ["hawk_nonces"]);
}
