//! Replies and errors in the words of ASP.NET Web API, written as JSON, XML or BSON.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use bson::{Bson, Document};

use super::media_type::{Charset, Format, Output};

const NAMESPACE: &str =
    "http://schemas.datacontract.org/2004/07/DigitalScience.DataTransfer.Tour.V5.Result.WebInterface";
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// The contract's answer to a registration.
#[derive(Debug, Clone, Default)]
pub struct PersonalLoginResult {
    pub errcode: i32,
    pub errmsg: &'static str,
    pub memberid: i64,
    pub memberusername: Option<String>,
    pub name: Option<String>,
    /// "1": bound to an agent and signed in as it.
    pub bindingtoagent: Option<&'static str>,
    pub agentid: Option<String>,
    pub agenttypecode: Option<String>,
    pub agenttypename: Option<String>,
    pub agentpassword: Option<String>,
    pub agentkey: Option<String>,
    pub agentname: Option<String>,
    pub agentusername: Option<String>,
    pub openid: Option<String>,
}

enum Field<'a> {
    Int(i64),
    Text(Option<&'a str>),
}

impl PersonalLoginResult {
    /// In the order in which they are declared.
    fn members(&self) -> [(&'static str, Field<'_>); 14] {
        fn of(text: &Option<String>) -> Field<'_> {
            Field::Text(text.as_deref())
        }
        [
            ("errcode", Field::Int(self.errcode.into())),
            ("errmsg", Field::Text(Some(self.errmsg))),
            ("memberid", Field::Int(self.memberid)),
            ("memberusername", of(&self.memberusername)),
            ("name", of(&self.name)),
            ("bindingtoagent", Field::Text(self.bindingtoagent)),
            ("agentid", of(&self.agentid)),
            ("agenttypecode", of(&self.agenttypecode)),
            ("agenttypename", of(&self.agenttypename)),
            ("agentpassword", of(&self.agentpassword)),
            ("agentkey", of(&self.agentkey)),
            ("agentname", of(&self.agentname)),
            ("agentusername", of(&self.agentusername)),
            ("openid", of(&self.openid)),
        ]
    }

    fn json(&self) -> String {
        let members = self.members().map(|(name, field)| match field {
            Field::Int(number) => format!("\"{name}\":{number}"),
            Field::Text(None) => format!("\"{name}\":null"),
            Field::Text(Some(text)) => format!("\"{name}\":{}", quoted(text)),
        });
        format!("{{{}}}", members.join(","))
    }

    /// Members in the order of their names.
    fn xml(&self) -> String {
        let mut members = self.members();
        members.sort_by_key(|(name, _)| *name);
        let members = members.map(|(name, field)| match field {
            Field::Int(number) => element(name, &number.to_string()),
            Field::Text(None) => format!("<{name} i:nil=\"true\"/>"),
            Field::Text(Some(text)) => element(name, &escaped(text)),
        });
        let (root, members) = ("PersonalLoginResult", members.concat());
        format!("<{root} xmlns:i=\"{INSTANCE}\" xmlns=\"{NAMESPACE}\">{members}</{root}>")
    }

    fn bson(&self) -> Document {
        let value = |field| match field {
            Field::Int(number) => i32::try_from(number).map_or(Bson::Int64(number), Bson::Int32),
            Field::Text(None) => Bson::Null,
            Field::Text(Some(text)) => Bson::String(text.to_owned()),
        };
        self.members().into_iter().map(|(name, field)| (name.to_owned(), value(field))).collect()
    }
}

/// A refusal of the framework.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpError {
    pub message: Cow<'static, str>,
    pub detail: Option<String>,
    /// What is wrong with the model, by its members' names.
    pub model_state: Vec<(String, String)>,
}

impl HttpError {
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    fn json(&self) -> String {
        let mut members = vec![format!("\"Message\":{}", quoted(&self.message))];
        members.extend(self.detail.as_ref().map(|text| format!("\"MessageDetail\":{}", quoted(text))));
        if !self.model_state.is_empty() {
            let state = self.model_state.iter().map(|(name, text)| format!("{}:[{}]", quoted(name), quoted(text)));
            members.push(format!("\"ModelState\":{{{}}}", state.collect::<Vec<_>>().join(",")));
        }
        format!("{{{}}}", members.join(","))
    }

    fn xml(&self) -> String {
        let mut members = element("Message", &escaped(&self.message));
        members.extend(self.detail.as_ref().map(|text| element("MessageDetail", &escaped(text))));
        if !self.model_state.is_empty() {
            // The names are ours: the parameter's, and its members'.
            let state: String = self.model_state.iter().map(|(name, text)| element(name, &escaped(text))).collect();
            members.push_str(&element("ModelState", &state));
        }
        element("Error", &members)
    }

    fn bson(&self) -> Document {
        let mut document = Document::new();
        document.insert("Message", self.message.as_ref());
        if let Some(detail) = &self.detail {
            document.insert("MessageDetail", detail.as_str());
        }
        if !self.model_state.is_empty() {
            let state = self.model_state.iter().map(|(name, text)| (name.clone(), vec![text.as_str()].into()));
            document.insert("ModelState", state.collect::<Document>());
        }
        document
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn element(name: &str, inner: &str) -> String {
    format!("<{name}>{inner}</{name}>")
}

/// As text of an element; what XML cannot say becomes U+FFFD.
fn escaped(text: &str) -> String {
    let allowed = |letter: char| match letter {
        '\t' | '\n' | '\r' => letter,
        letter if letter < ' ' || matches!(letter, '\u{fffe}' | '\u{ffff}') => char::REPLACEMENT_CHARACTER,
        letter => letter,
    };
    quick_xml::escape::escape(text.chars().map(allowed).collect::<String>()).into_owned()
}

#[derive(Debug, Clone)]
pub enum Body {
    Result(Box<PersonalLoginResult>),
    Error(HttpError),
}

/// A reply that is not written yet.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Body,
}

impl Reply {
    pub fn refused(status: StatusCode, error: HttpError) -> Self {
        Self { status, headers: Vec::new(), body: Body::Error(error) }
    }

    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// A fault of ours.
    pub fn fault() -> Self {
        Self::refused(StatusCode::INTERNAL_SERVER_ERROR, HttpError::new("An error has occurred."))
    }
}

impl Body {
    /// The bytes in a format.
    pub fn write(&self, output: Output) -> Vec<u8> {
        let text = match (output.format, self) {
            (Format::Bson, Self::Result(result)) => return bytes(&result.bson()),
            (Format::Bson, Self::Error(error)) => return bytes(&error.bson()),
            (Format::Xml, Self::Result(result)) => result.xml(),
            (Format::Xml, Self::Error(error)) => error.xml(),
            (Format::Json | Format::Form, Self::Result(result)) => result.json(),
            (Format::Json | Format::Form, Self::Error(error)) => error.json(),
        };
        match output.charset {
            Charset::Utf8 => text.into_bytes(),
            Charset::Utf16 => ['\u{feff}'.to_string(), text]
                .iter()
                .flat_map(|part| part.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>())
                .collect(),
        }
    }
}

fn bytes(document: &Document) -> Vec<u8> {
    // Names are ours and have no NUL, the only thing that cannot be written.
    document.to_vec().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::super::media_type::{Wishes, negotiate};
    use super::*;

    fn output(accept: &str) -> Output {
        negotiate(&Wishes { accept, ..Wishes::default() })
    }

    fn written(body: &Body, accept: &str) -> String {
        String::from_utf8(body.write(output(accept))).unwrap()
    }

    fn result() -> Body {
        Body::Result(Box::new(PersonalLoginResult {
            errmsg: "注册成功",
            memberid: 7,
            memberusername: Some("跑<者>&\"'".to_owned()),
            name: Some("跑者".to_owned()),
            bindingtoagent: Some("0"),
            ..PersonalLoginResult::default()
        }))
    }

    fn refusal() -> Body {
        Body::Error(HttpError {
            message: "The request is invalid.".into(),
            detail: None,
            model_state: vec![
                ("parm.username".to_owned(), "The username field is required.".to_owned()),
                ("parm".to_owned(), "expected `,` or `}` <\u{1}>".to_owned()),
            ],
        })
    }

    #[test]
    fn results() {
        insta::assert_snapshot!(written(&result(), ""), @r#"{"errcode":0,"errmsg":"注册成功","memberid":7,"memberusername":"跑<者>&\"'","name":"跑者","bindingtoagent":"0","agentid":null,"agenttypecode":null,"agenttypename":null,"agentpassword":null,"agentkey":null,"agentname":null,"agentusername":null,"openid":null}"#);
        insta::assert_snapshot!(written(&result(), "text/xml"), @r#"<PersonalLoginResult xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns="http://schemas.datacontract.org/2004/07/DigitalScience.DataTransfer.Tour.V5.Result.WebInterface"><agentid i:nil="true"/><agentkey i:nil="true"/><agentname i:nil="true"/><agentpassword i:nil="true"/><agenttypecode i:nil="true"/><agenttypename i:nil="true"/><agentusername i:nil="true"/><bindingtoagent>0</bindingtoagent><errcode>0</errcode><errmsg>注册成功</errmsg><memberid>7</memberid><memberusername>跑&lt;者&gt;&amp;&quot;&apos;</memberusername><name>跑者</name><openid i:nil="true"/></PersonalLoginResult>"#);
        let read = Document::from_reader(&result().write(output("application/bson"))[..]).unwrap();
        insta::assert_snapshot!(read.to_string(), @r#"{ "errcode": 0, "errmsg": "注册成功", "memberid": 7, "memberusername": "跑<者>&"'", "name": "跑者", "bindingtoagent": "0", "agentid": null, "agenttypecode": null, "agenttypename": null, "agentpassword": null, "agentkey": null, "agentname": null, "agentusername": null, "openid": null }"#);
        assert_eq!((read["errcode"].clone(), read["memberid"].clone()), (Bson::Int32(0), Bson::Int32(7)));
        let large = PersonalLoginResult { memberid: 1 << 40, ..PersonalLoginResult::default() };
        assert_eq!(large.bson()["memberid"], Bson::Int64(1 << 40));
    }

    #[test]
    fn refusals() {
        insta::assert_snapshot!(written(&refusal(), ""), @r#"{"Message":"The request is invalid.","ModelState":{"parm.username":["The username field is required."],"parm":["expected `,` or `}` <\u0001>"]}}"#);
        insta::assert_snapshot!(written(&refusal(), "text/xml"), @"<Error><Message>The request is invalid.</Message><ModelState><parm.username>The username field is required.</parm.username><parm>expected `,` or `}` &lt;�&gt;</parm></ModelState></Error>");
        let read = Document::from_reader(&refusal().write(output("application/bson"))[..]).unwrap();
        let state =
            doc! {"parm.username": ["The username field is required."], "parm": ["expected `,` or `}` <\u{1}>"]};
        assert_eq!(read, doc! {"Message": "The request is invalid.", "ModelState": state});
        let missing = HttpError { detail: Some("detail".to_owned()), ..HttpError::new("message") };
        insta::assert_snapshot!(missing.json(), @r#"{"Message":"message","MessageDetail":"detail"}"#);
        insta::assert_snapshot!(missing.xml(), @"<Error><Message>message</Message><MessageDetail>detail</MessageDetail></Error>");
    }

    #[test]
    fn utf_16_has_its_mark() {
        let utf16 = negotiate(&Wishes { accept_charset: "utf-16", ..Wishes::default() });
        let bytes = Body::Error(HttpError::new("跑")).write(utf16);
        assert_eq!(&bytes[..4], [0xff, 0xfe, b'{', 0]);
        assert_eq!(encoding_rs::UTF_16LE.decode(&bytes).0, r#"{"Message":"跑"}"#);
    }
}
