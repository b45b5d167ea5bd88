//! Who calls, by HAWK, in the order of the reference: header, credential, MAC, payload hash there, payload hash right,
//! nonce, time. From the MAC on the caller is known, and every reply to it is signed.

use std::hint::black_box;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actors::error::DomainError;

use super::hawk_header::{self, BadHeader, HawkHeader};
use super::hawk_mac::{Signed, equal, payload_hash, timestamp_mac};
use super::reply::{HttpError, Reply};
use crate::api::client_address::ClientAddress;
use crate::api::public_address::PublicAddress;
use crate::context::Context;
use crate::service::hawk::{self, Credential, Standing};

/// A caller whose key is proven. Whether its request is good is not said yet.
pub struct Caller {
    pub credential: Credential,
    header: HawkHeader,
    method: String,
    resource: String,
    address: PublicAddress,
}

/// The caller behind a request's header.
///
/// Errors: the refusal, which cannot be signed.
pub async fn caller(context: &Context, request: &HttpRequest) -> Result<Caller, Reply> {
    let mut lines = request.headers().get_all(AUTHORIZATION);
    let header = match (lines.next(), lines.next()) {
        (None, _) => return Err(denied("Hawk".to_owned())),
        (Some(_), Some(_)) => return Err(bad_request(BadHeader::Syntax.to_string())),
        (Some(line), None) => line,
    };
    let header = match hawk_header::parse(header.as_bytes()) {
        Ok(header) => header,
        Err(BadHeader::OtherScheme) => return Err(denied("Hawk".to_owned())),
        Err(bad) => return Err(bad_request(bad.to_string())),
    };
    let address =
        PublicAddress::signed(request, &context.config).ok_or_else(|| bad_request("Invalid Host header".to_owned()))?;
    let found = hawk::credential(context, &header.id).await.map_err(|error| unavailable(&error))?;
    let known = found.is_some();
    let caller = Caller {
        credential: found.unwrap_or_else(Credential::nobody),
        header,
        method: request.method().as_str().to_owned(),
        resource: request.uri().path_and_query().map_or_else(String::new, ToString::to_string),
        address,
    };
    // Also for a name that nobody has: a stranger must not see by the time which names there are.
    let fits = black_box(caller.signed().fits(&caller.credential));
    match (known, fits) {
        (false, _) => Err(denied("Hawk error=\"Unknown credentials\"".to_owned())),
        (true, false) => Err(denied("Hawk error=\"Bad mac\"".to_owned())),
        (true, true) => Ok(caller),
    }
}

impl Caller {
    fn signed(&self) -> Signed<'_> {
        Signed {
            header: &self.header,
            method: &self.method,
            resource: &self.resource,
            host: &self.address.host,
            port: self.address.port,
        }
    }

    /// Whether a hash of the body is there; it may be demanded.
    ///
    /// Errors: the refusal.
    pub fn check_hash_is_there(&self, context: &Context) -> Result<(), Reply> {
        if context.config.regist.require_payload_hash && self.header.hash.is_none() {
            return Err(denied("Hawk error=\"Missing required payload hash\"".to_owned()));
        }
        Ok(())
    }

    /// Whether the hash is the body's, and the call is neither old nor taken before; its nonce is spent then, durably.
    ///
    /// Errors: the refusal.
    pub async fn check_call(&self, context: &Context, request: &HttpRequest, body: &[u8]) -> Result<(), Reply> {
        if let Some(hash) = &self.header.hash {
            let content_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
            let content_type = String::from_utf8_lossy(content_type);
            if !equal(&payload_hash(self.credential.algorithm, &content_type, body), hash) {
                return Err(denied("Hawk error=\"Bad payload hash\"".to_owned()));
            }
        }
        let call = hawk::Call {
            credential: &self.credential,
            ts: self.header.seconds(),
            nonce: &self.header.nonce,
            address: ClientAddress::of(request).0,
        };
        match hawk::spend(context, call).await.map_err(|error| unavailable(&error))? {
            Standing::Fresh => Ok(()),
            Standing::Used => Err(denied("Hawk error=\"Invalid nonce\"".to_owned())),
            Standing::Stale { now_s } => {
                let tsm = timestamp_mac(&self.credential, now_s);
                Err(denied(format!("Hawk ts=\"{now_s}\", tsm=\"{tsm}\", error=\"Stale timestamp\"")))
            }
        }
    }

    /// The `Server-Authorization` of a reply.
    pub fn sign(&self, content_type: &str, body: &[u8]) -> String {
        self.signed().server_authorization(&self.credential, content_type, body)
    }
}

fn bad_request(reason: String) -> Reply {
    Reply::refused(StatusCode::BAD_REQUEST, HttpError::new(reason))
}

fn denied(challenge: String) -> Reply {
    let reply =
        Reply::refused(StatusCode::UNAUTHORIZED, HttpError::new("Authorization has been denied for this request."));
    match HeaderValue::try_from(challenge) {
        Ok(challenge) => reply.with(WWW_AUTHENTICATE, challenge),
        Err(_) => reply,
    }
}

/// The caller could not be judged, or there is no room for what it sends.
pub(super) fn unavailable(error: &DomainError) -> Reply {
    match error {
        DomainError::Busy { retry_after_seconds } => {
            Reply { status: StatusCode::SERVICE_UNAVAILABLE, ..Reply::fault() }
                .with(RETRY_AFTER, HeaderValue::from(*retry_after_seconds))
        }
        _ => Reply::fault(),
    }
}
