//! `POST /api/WebInterface/Personal/Regist`, from the known caller to the result.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Payload;

use super::authenticate::{Caller, unavailable};
use super::body::{self, Received};
use super::codes::{OK, errcode};
use super::media_type::MediaType;
use super::members::{self, Unreadable};
use super::reply::{Body, HttpError, PersonalLoginResult, Reply};
use crate::api::bodies;
use crate::api::client_address::ClientAddress;
use crate::context::Context;
use crate::service::body_budget::FULL;
use crate::service::hawk::Class;
use crate::service::regist::{self, Member, Person};

/// The reply to a caller whose key is proven, and who told the body's hash if it must.
pub async fn answer(context: &Context, request: &HttpRequest, caller: &Caller, payload: Payload) -> Reply {
    registered(context, request, caller, payload).await.unwrap_or_else(|refusal| refusal)
}

async fn registered(
    context: &Context,
    request: &HttpRequest,
    caller: &Caller,
    payload: Payload,
) -> Result<Reply, Reply> {
    let body = match body::receive(payload).await {
        Received::Whole(body) => body,
        Received::TooLarge => {
            let error = HttpError::new("The request entity is too large.");
            return Err(Reply::refused(StatusCode::PAYLOAD_TOO_LARGE, error));
        }
        Received::Broken if bodies::found_no_room(request) => return Err(unavailable(&FULL)),
        Received::Broken => {
            return Err(Reply::refused(StatusCode::BAD_REQUEST, HttpError::new("The request could not be read.")));
        }
    };
    caller.check_call(context, request, &body).await?;
    if caller.credential.class != Class::Official {
        let error = HttpError::new("This resource is for the official network only; agents are refused.");
        return Err(Reply::refused(StatusCode::FORBIDDEN, error));
    }
    let [username, password, mobile, verify_code] = read(request, &body)?;
    let person = Person { username, password, mobile, verify_code };
    let address = ClientAddress::of(request).0;
    let result = match regist::register(context, address, &caller.credential.key, person).await {
        Ok(member) => result(member),
        Err(error) => {
            let (errcode, errmsg) = errcode(&error);
            PersonalLoginResult { errcode, errmsg, ..PersonalLoginResult::default() }
        }
    };
    Ok(Reply { status: StatusCode::OK, headers: Vec::new(), body: Body::Result(Box::new(result)) })
}

/// The members of the body. Errors: 415, 400.
fn read(request: &HttpRequest, body: &[u8]) -> Result<[String; 4], Reply> {
    let media = request.headers().get(CONTENT_TYPE).and_then(|line| MediaType::parse(line.to_str().ok()?));
    let found = match &media {
        _ if body.is_empty() => Ok(members::Members::default()),
        Some(media) => match media.format() {
            Some(format) => members::read(format, media, body),
            None => return Err(unsupported(Some(&media.name))),
        },
        None => return Err(unsupported(None)),
    };
    let found = found.map_err(|Unreadable { member, reason }| invalid(vec![(members::key(member), reason)]))?;
    found.checked().map_err(invalid)
}

fn invalid(model_state: Vec<(String, String)>) -> Reply {
    let error = HttpError { model_state, ..HttpError::new("The request is invalid.") };
    Reply::refused(StatusCode::BAD_REQUEST, error)
}

fn unsupported(media: Option<&str>) -> Reply {
    let message = match media {
        Some(media) => format!("The request entity's media type '{media}' is not supported for this resource."),
        None => "The request contains an entity body but no Content-Type header. The inferred media type \
                 'application/octet-stream' is not supported for this resource."
            .to_owned(),
    };
    Reply::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, HttpError::new(message))
}

fn result(member: Member) -> PersonalLoginResult {
    let (errcode, errmsg) = OK;
    let result = PersonalLoginResult {
        errcode,
        errmsg,
        memberid: member.id.0,
        memberusername: Some(member.username),
        name: Some(member.name),
        bindingtoagent: Some("0"),
        ..PersonalLoginResult::default()
    };
    let Some(agent) = member.agent else { return result };
    PersonalLoginResult {
        bindingtoagent: Some("1"),
        agentid: Some(agent.id.to_string()),
        agenttypecode: Some(agent.type_code),
        agenttypename: Some(agent.type_name),
        agentpassword: Some(agent.password),
        agentkey: agent.key,
        agentname: Some(agent.name),
        agentusername: Some(agent.username),
        ..result
    }
}
