//! Collections that are described by their columns: what each takes, refuses, shows to whom, and leaves in the trail.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::fixtures::{bind_phone, execute, person};
use crate::support::{TestApp, spawn_app};

struct Desk<'a> {
    app: &'a TestApp,
    token: String,
}

impl Desk<'_> {
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.app.client.request(method, self.app.at(&format!("/admin/api/v1/{path}")));
        let request = request.bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(Method::POST, path, Some(body)).await
    }

    async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(Method::PATCH, path, Some(body)).await
    }

    async fn delete(&self, path: &str) -> (u16, Value) {
        self.ask(Method::DELETE, path, None).await
    }
}

async fn owner(app: &TestApp) -> Desk<'_> {
    Desk { app, token: app.admin_token().await }
}

async fn with_role<'a>(owner: &Desk<'a>, role: &str) -> Desk<'a> {
    let new = json!({"username": role, "password": "a password", "role": role});
    assert_eq!(owner.post("admins", new).await.0, 201);
    let session = owner.post("login", json!({"username": role, "password": "a password"})).await.1;
    Desk { app: owner.app, token: session["token"].as_str().unwrap().to_owned() }
}

/// (collection, a good new row, what it is after a change, a member it must have)
fn collections() -> Vec<(&'static str, Value, Value, Option<&'static str>)> {
    vec![
        (
            "competitions",
            json!({"title": "夜跑", "play_time": "2030-05-01 19:00:00"}),
            json!({"score": "2:1"}),
            Some("title"),
        ),
        ("lives", json!({"title": "机位"}), json!({"live_status": 1}), Some("title")),
        ("videos", json!({"title": "回放", "type": 1, "file_id": 4}), json!({"file_id": null}), Some("type")),
        ("teams", json!({"name": "山海队"}), json!({"logo": "/static/img/team-1.svg"}), Some("name")),
        ("members", json!({"cn_name": "周舟"}), json!({"number": "10", "team_ids": [1, 2]}), Some("cn_name")),
        ("businesses", json!({"title": "会员", "cost": 199, "price": "99.50"}), json!({"price": 0.01}), Some("price")),
        ("banners", json!({"title": "横幅", "position": 2}), json!({"display": 0}), Some("position")),
        ("files", json!({"cate": 1, "path": "/uploads/a.jpg"}), json!({"size": 7}), Some("path")),
        ("configs", json!({"code": "about", "content": "<p>x</p>"}), json!({"title": "关于"}), Some("content")),
    ]
}

#[actix_web::test]
async fn every_collection_is_made_changed_and_deleted_with_a_trail() {
    let app = spawn_app(&[]).await;
    let desk = owner(&app).await;
    for (name, new, patch, required) in collections() {
        let (status, row) = desk.post(name, new.clone()).await;
        assert_eq!(status, 201, "{name}: {row}");
        let id = row["id"].as_i64().unwrap();
        let path = format!("{name}/{id}");
        assert_eq!(desk.get(&path).await, (200, row.clone()), "{name}");
        let (status, changed) = desk.patch(&path, patch.clone()).await;
        assert_eq!(status, 200, "{name}: {changed}");
        for (member, value) in patch.as_object().unwrap() {
            assert_eq!(&changed[member], value, "{name}");
        }
        assert_eq!(desk.get(&path).await.1, changed);
        assert_eq!(desk.get(name).await.1["data"][0], changed, "{name}: newest first");
        let by_id = desk.get(&format!("{name}?search={id}")).await.1;
        assert!(by_id["data"].as_array().unwrap().contains(&changed), "{name}");

        let mut without = new.clone();
        without.as_object_mut().unwrap().remove(required.unwrap());
        let (status, problem) = desk.post(name, without).await;
        assert_eq!((status, problem["field"].as_str()), (422, required), "{name}");
        for bad in [json!({"nothing": 1}), json!({"id": 7}), json!({"create_time": "2026-01-01"})] {
            let (status, problem) = desk.patch(&path, bad.clone()).await;
            assert_eq!((status, &problem["code"]), (422, &json!("invalid_field")), "{name} {bad}");
            assert_eq!(problem["field"].as_str(), bad.as_object().unwrap().keys().next().map(String::as_str));
        }
        assert_eq!(desk.get(&path).await.1, changed, "{name}: refusals change nothing");

        assert_eq!(desk.delete(&path).await.0, 204, "{name}");
        for answer in [desk.get(&path).await, desk.patch(&path, json!({})).await, desk.delete(&path).await] {
            assert_eq!((answer.0, &answer.1["code"]), (404, &json!("not_found")), "{name}");
        }
        let trail = desk.get(&format!("audit?search={path}")).await.1;
        let acts: Vec<&str> =
            trail["data"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
        assert_eq!(acts, ["delete", "update", "create"], "{name}");
    }
}

#[actix_web::test]
async fn roles_see_and_write_what_they_may() {
    let app = spawn_app(&[]).await;
    let owner = owner(&app).await;
    let sql = "UPDATE lives SET plug_flow = 'rtmp://push.example/a?auth_key=secret' WHERE id = 1";
    execute(&app.context.db, sql, matchday::args![]).await;
    let content = ["competitions", "lives", "videos", "teams", "businesses", "banners", "files", "configs"];
    let persons = ["members", "feeds", "applications", "registrations"];
    for (role, writes) in [("editor", true), ("cashier", false), ("moderator", false)] {
        let desk = with_role(&owner, role).await;
        for name in content {
            assert_eq!(desk.get(name).await.0, 200, "{role} {name}");
        }
        for name in persons {
            assert_eq!(desk.get(name).await.0, if writes { 200 } else { 403 }, "{role} {name}");
        }
        for (name, new, patch, _) in collections() {
            assert_eq!(desk.post(name, new).await.0, if writes { 201 } else { 403 }, "{role} {name}");
            assert_eq!(
                desk.patch(&format!("{name}/1"), patch).await.0,
                if writes { 200 } else { 403 },
                "{role} {name}"
            );
        }
        let push = desk.get("lives/1").await.1["plug_flow"].clone();
        assert_eq!(push, if writes { "rtmp://push.example/a?auth_key=secret" } else { "" }, "{role}");
        if writes {
            assert_eq!(
                desk.get("members?search=%E6%9E%97%E6%99%93%E5%B3%B0").await.1["data"][0]["mobile"],
                "138****0001"
            );
        }
    }
    assert_eq!(owner.get("members/1").await.1["mobile"], "13800000001");
    // Who has no need of persons or orders sees neither through a line's back door.
    let runner = crate::reg::client::Registrant::sign_in(&app, "somebody").await;
    let order = runner.order(1, crate::reg::client::players(&[1])).await;
    let id = person(&app, "somebody").await.account.0;
    for (role, sees) in [("editor", true), ("cashier", true), ("moderator", false)] {
        let session = owner.post("login", json!({"username": role, "password": "a password"})).await.1;
        let desk = Desk { app: &app, token: session["token"].as_str().unwrap().to_owned() };
        let (status, story) = desk.get("games/1/tokens/1").await;
        assert_eq!(status, if sees { 200 } else { 403 }, "{role}");
        assert_eq!(story.to_string().contains(&order), sees, "{role}");
        assert_eq!(desk.get(&format!("accounts/{id}")).await.1["openid"], Value::Null, "{role}");
    }
    assert_eq!(owner.get(&format!("accounts/{id}")).await.1["openid"], "somebody");
    let nobody = Desk { app: &app, token: String::new() };
    for name in content.into_iter().chain(persons) {
        assert_eq!(nobody.get(name).await.0, 401, "{name}");
    }
    let trail = owner.get("audit?size=100").await.1.to_string();
    assert!(!trail.contains("auth_key") && !trail.contains("13800000001") && !trail.contains("林晓峰"));
}

#[actix_web::test]
async fn rich_text_is_cleaned_when_it_is_stored() {
    let app = spawn_app(&[]).await;
    let desk = owner(&app).await;
    let dirty = "<p onclick=\"x()\">a<script>alert(1)</script></p><a href=\"javascript:x()\">b</a>";
    let clean = "<p>a</p><a rel=\"noopener noreferrer\">b</a>";
    for (path, member) in [
        ("competitions/1", "description"),
        ("businesses/1", "content"),
        ("configs/1", "content"),
        ("members/1", "experience"),
    ] {
        let (status, row) = desk.patch(path, json!({member: dirty})).await;
        assert_eq!((status, &row[member]), (200, &json!(clean)), "{path}");
    }
    let plain = desk.patch("competitions/1", json!({"title": "A & B <c>"})).await.1;
    assert_eq!(plain["title"], "A & B <c>", "what is no rich text stays as typed");
    for path in ["banners/1", "videos/1", "lives/1", "teams/1", "files/1"] {
        let member = match path {
            "banners/1" => "jump_url",
            "teams/1" => "logo",
            "files/1" => "path",
            _ => "main_img_url",
        };
        for bad in ["javascript:alert(1)", "//evil.example/x", "data:text/html,x", "/a\" onload=\"x"] {
            let (status, problem) = desk.patch(path, json!({member: bad})).await;
            assert_eq!((status, problem["field"].as_str()), (422, Some(member)), "{path} {bad}");
        }
    }
}

#[actix_web::test]
async fn rows_refer_to_rows_that_are_there() {
    let app = spawn_app(&[]).await;
    let desk = owner(&app).await;
    for (path, body) in [
        ("videos/1", json!({"competition_id": 99})),
        ("videos/1", json!({"file_id": 99})),
        ("competitions/1", json!({"team_ids": [1, 99]})),
        ("members/1", json!({"team_ids": [99]})),
    ] {
        assert_eq!(desk.patch(path, body.clone()).await.0, 404, "{path} {body}");
    }
    assert_eq!(desk.get("competitions/1").await.1["team_ids"], json!([1, 2]), "nothing was changed");
    let third = desk.post("teams", json!({"name": "第三队"})).await.1["id"].clone();
    for bad in [json!([1, 2, third]), json!([1, 1]), json!("1"), json!([0.5]), json!(null)] {
        let (status, problem) = desk.patch("competitions/1", json!({"team_ids": bad})).await;
        assert_eq!((status, problem["field"].as_str()), (422, Some("team_ids")), "{bad}");
    }
    assert_eq!(desk.patch("competitions/1", json!({"team_ids": [third]})).await.1["team_ids"], json!([third]));
    let team = desk.get("teams/1").await.1;
    assert_eq!((&team["competition_ids"], &team["member_ids"]), (&json!([2]), &json!([1, 2, 3])));
    assert_eq!(desk.patch("teams/1", json!({"member_ids": [1]})).await.0, 422, "written at the other side");
    assert_eq!(desk.delete("teams/1").await.0, 204);
    assert_eq!(desk.get("members/1").await.1["team_ids"], json!([]), "a deleted team is nobody's");
    let (status, problem) = desk.delete("files/4").await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")), "{problem}");
    let (status, problem) = desk.post("configs", json!({"code": "ICP", "content": "x"})).await;
    assert_eq!((status, problem["field"].as_str()), (409, Some("code")));
}

#[actix_web::test]
async fn a_member_belongs_to_the_account_with_its_phone() {
    let app = spawn_app(&[]).await;
    let desk = owner(&app).await;
    let (alice, bob) = (person(&app, "alice").await, person(&app, "bob").await);
    bind_phone(&app, alice.account, "13911111111").await;
    bind_phone(&app, bob.account, "13922222222").await;
    let new = json!({"cn_name": "周舟", "mobile": "+86 139-1111-1111"});
    let (status, member) = desk.post("members", new.clone()).await;
    assert_eq!((status, &member["account_id"]), (201, &json!(alice.account.0)));
    assert_eq!(member["mobile"], "13911111111");
    let path = format!("members/{}", member["id"]);
    let (status, problem) = desk.post("members", new).await;
    assert_eq!((status, problem["field"].as_str()), (409, Some("mobile")));
    assert_eq!(desk.patch(&path, json!({"mobile": "13922222222"})).await.1["account_id"], json!(bob.account.0));
    assert_eq!(desk.patch(&path, json!({"photo": "/uploads/a.jpg"})).await.1["account_id"], json!(bob.account.0));
    // Bob has another phone now, and is the athlete still, whatever else is changed.
    bind_phone(&app, bob.account, "13944444444").await;
    for change in [json!({"number": "7"}), json!({"mobile": "139 2222 2222"})] {
        assert_eq!(desk.patch(&path, change).await.1["account_id"], json!(bob.account.0));
    }
    assert_eq!(desk.patch(&path, json!({"mobile": "13933333333"})).await.1["account_id"], Value::Null);
    // Who binds the phone of a member that is there joins it; who has bound it is joined to one that is made or changed.
    assert_eq!(desk.patch(&path, json!({"mobile": "13944444444"})).await.1["account_id"], json!(bob.account.0));
    let (status, problem) = desk.post("members", json!({"cn_name": "另一个", "account_id": 1})).await;
    assert_eq!((status, problem["field"].as_str()), (422, Some("account_id")));
    let nobodys = desk.patch(&path, json!({"mobile": null})).await.1;
    assert_eq!((&nobodys["mobile"], &nobodys["account_id"]), (&Value::Null, &Value::Null));
    // Deleted, its phone is free.
    assert_eq!(desk.patch(&path, json!({"mobile": "13911111111"})).await.0, 200);
    assert_eq!(desk.delete(&path).await.0, 204);
    let again = desk.post("members", json!({"cn_name": "周舟", "mobile": "13911111111"})).await;
    assert_eq!((again.0, &again.1["account_id"]), (201, &json!(alice.account.0)));
}

#[actix_web::test]
async fn what_people_left_is_read_and_removed_but_not_written() {
    let app = spawn_app(&[]).await;
    let desk = owner(&app).await;
    let alice = person(&app, "alice").await;
    bind_phone(&app, alice.account, "13800000001").await;
    for (path, body) in [
        ("/api/v1/feeds", json!({"content": "补给不够", "phone": "13800000001"})),
        ("/api/v1/competition/apply/commit", json!({"id": 2})),
    ] {
        let request = app.client.post(app.at(path)).header("token", &alice.token).json(&body);
        assert_eq!(request.send().await.unwrap().status(), 201);
    }
    let feed = desk.get("feeds").await.1["data"][0].clone();
    let shown = ["content", "phone", "type", "address"].map(|name| feed[name].clone());
    assert_eq!(shown, [json!("补给不够"), json!("13800000001"), json!(1), json!("127.0.0.1")]);
    assert_eq!(desk.get("feeds?search=%E8%A1%A5%E7%BB%99").await.1["total"], 1);
    assert_eq!(desk.patch("feeds/1", json!({"content": "x"})).await.0, 405);
    assert_eq!(desk.delete("feeds/1").await.0, 204);
    assert_eq!(desk.get("feeds").await.1["total"], 0);
    let mut application = desk.get("applications").await.1["data"][0].clone();
    application.as_object_mut().unwrap().remove("create_time");
    let title = "秋山越野挑战赛 晨风队 VS 江潮队";
    let expected =
        json!({"id": 1, "member_id": 1, "member_name": "林晓峰", "competition_id": 2, "competition_title": title});
    assert_eq!(application, expected);
    assert_eq!(desk.delete("applications/1").await.0, 405);
    assert_eq!(desk.get("registrations").await, (200, json!({"current_page": 1, "total": 0, "data": []})));
    let trail = desk.get("audit?search=feeds/1").await.1.to_string();
    assert!(trail.contains("\"delete\"") && !trail.contains("补给不够") && !trail.contains("1380000"));
}

#[actix_web::test]
async fn a_key_makes_one_row_of_two_requests() {
    let app = spawn_app(&[]).await;
    let token = app.admin_token().await;
    let post = async || {
        let request = app.client.post(app.at("/admin/api/v1/teams")).bearer_auth(&token);
        let request = request.header("Idempotency-Key", "k-1").json(&json!({"name": "山海队"}));
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    let (first, again) = tokio::join!(post(), post());
    assert_eq!(first, again);
    let desk = owner(&app).await;
    assert_eq!(desk.get("teams").await.1["total"], 3);
}

/// The rows of `GET collections` by name.
async fn listed(desk: &Desk<'_>) -> BTreeMap<String, Value> {
    let (status, told) = desk.get("collections").await;
    assert_eq!(status, 200, "{told}");
    let rows = told["collections"].as_array().unwrap();
    rows.iter().map(|row| (row["name"].as_str().unwrap().to_owned(), row.clone())).collect()
}

#[actix_web::test]
async fn the_list_of_collections_says_what_each_role_may() {
    let app = spawn_app(&[]).await;
    let owner = owner(&app).await;
    let all = listed(&owner).await;
    assert!(all.len() >= 13, "{all:?}");
    let mut desks = vec![];
    for role in ["editor", "cashier", "moderator"] {
        desks.push((role, with_role(&owner, role).await));
    }
    desks.push(("owner", owner));
    for (role, desk) in &desks {
        let seen = listed(desk).await;
        for name in all.keys() {
            let told = seen.get(name);
            assert_eq!(desk.get(name).await.0, if told.is_some() { 200 } else { 403 }, "{role} {name}");
            let may = |act: &str| told.is_some_and(|told| told["may"][act] == json!(true));
            let nobody = format!("{name}/999999");
            let new = match name.as_str() {
                "games" => {
                    json!({"competition_id": 999_999, "name": "x", "price": 1, "limitation": 1, "start_time": "2030-01-01"})
                }
                "agents" | "sso-apps" => json!({}),
                "hawk-credentials" => json!({"hawk_id": "?", "class": "official"}),
                _ => json!({"nothing": 1}),
            };
            let mut acts = vec![("create", desk.post(name, new).await)];
            // Its rows have no address of their own.
            if name != "sms" {
                acts.push(("change", desk.patch(&nobody, json!({})).await));
                acts.push(("delete", desk.delete(&nobody).await));
            }
            for (act, (status, _)) in acts {
                // Its `DELETE` disables, which is a change.
                if (name.as_str(), act) == ("sso-apps", "delete") {
                    continue;
                }
                // Who may is told what is wrong with the request.
                let expected: &[u16] = if may(act) { &[404, 422] } else { &[403, 405] };
                assert!(expected.contains(&status), "{role} {act} {name}: {status}");
            }
        }
    }
    assert!(!listed(&desks[1].1).await.contains_key("members"), "athletes are persons");
}

#[actix_web::test]
async fn the_list_of_collections_names_every_member_of_a_row() {
    let app = spawn_app(&[]).await;
    let desk = owner(&app).await;
    for (name, new, ..) in collections() {
        assert_eq!(desk.post(name, new).await.0, 201, "{name}");
    }
    assert_eq!(desk.post("agents", json!({"name": "甲", "username": "jia"})).await.0, 201);
    let mut compared = 0;
    for (name, told) in listed(&desk).await {
        let names = |list: &str| {
            let list = told[list].as_array().unwrap().clone();
            list.into_iter().map(|it| it["name"].as_str().unwrap().to_owned())
        };
        let all: BTreeSet<String> = names("columns").chain(names("links")).chain(["id".to_owned()]).collect();
        let hidden = |member: &String| name == "agents" && member == "password";
        let described: BTreeSet<String> = all.into_iter().filter(|member| !hidden(member)).collect();
        assert!(described.contains(told["title"].as_str().unwrap()), "{name}");
        let rows = desk.get(&format!("{name}?size=1")).await.1;
        let Some(row) = rows["data"].get(0) else { continue };
        assert_eq!(row.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>(), described, "{name}");
        compared += 1;
        // What is said of a column holds for what is written.
        if told["may"]["change"] == json!(true) {
            for column in told["columns"].as_array().unwrap() {
                let member = column["name"].as_str().unwrap();
                let wrong = match (column["kind"].as_str().unwrap(), column["most"].as_i64()) {
                    _ if column["read_only"] == json!(true) || column["only_new"] == json!(true) => json!(1),
                    ("int", Some(most)) => json!(most + 1),
                    (_, Some(most)) => json!("/".repeat(most as usize + 1)),
                    (_, None) => continue,
                };
                let (status, problem) = desk.patch(&format!("{name}/{}", row["id"]), json!({ member: wrong })).await;
                assert_eq!(status, 422, "{name} {member}: {problem}");
                if column["most"].is_i64() && column["only_new"].is_null() {
                    assert_eq!(problem["field"], json!(member), "{name} {member}: {problem}");
                }
            }
        }
    }
    assert!(compared >= 13, "{compared}");
    let all = listed(&desk).await;
    let column = |name: &str, member: &str| {
        let columns = all[name]["columns"].as_array().unwrap();
        columns.iter().find(|it| it["name"] == json!(member)).cloned()
    };
    let position = json!({"name": "position", "kind": "int", "required": true, "least": 1, "most": 3, "unset": 0});
    assert_eq!(column("banners", "position"), Some(position));
    let competition = json!({"name": "competition_id", "kind": "ref", "nullable": true, "of": "competitions"});
    assert_eq!(column("lives", "competition_id"), Some(competition));
    let logo = json!({"name": "logo", "kind": "address", "most": 1000, "picture": true});
    assert_eq!(column("teams", "logo"), Some(logo));
    assert_eq!(column("members", "mobile_key"), None);
    let teams = json!([{"name": "team_ids", "of": "teams", "most": 2, "read_only": false}]);
    assert_eq!(all["competitions"]["links"], teams);
}

#[actix_web::test]
async fn rich_text_is_shown_before_it_is_stored() {
    let app = spawn_app(&[]).await;
    let desk = owner(&app).await;
    let html = "<p onclick=\"x()\">一<script>alert(1)</script></p><iframe src=\"/\"></iframe>";
    let (status, shown) = desk.post("rich-text", json!({"html": html})).await;
    assert_eq!((status, &shown), (200, &json!({"html": "<p>一</p>"})));
    let (_, stored) = desk.post("configs", json!({"code": "shown", "content": html})).await;
    assert_eq!(stored["content"], shown["html"]);
    let (status, problem) = desk.post("rich-text", json!({"html": "x".repeat(60_001)})).await;
    assert_eq!((status, &problem["field"]), (422, &json!("html")));
    assert_eq!(Desk { app: &app, token: String::new() }.get("collections").await.0, 401);
}
