//! Who calls, checked before the handler runs: a handler that takes `By<Editors>` cannot be reached by anybody else.

use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use actors::domain::account::{Admin, Role};
use actors::error::DomainError;
use tokio::sync::OnceCell;

use super::codes::problem;
use crate::api::bodies;
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::admins;

/// A set of roles.
pub trait Group: 'static {
    fn admits(role: Role) -> bool;
}

macro_rules! groups {
    ($($(#[$doc:meta])* $name:ident => $($role:pat_param)|+),* $(,)?) => {$(
        $(#[$doc])*
        pub struct $name;

        impl Group for $name {
            fn admits(role: Role) -> bool {
                matches!(role, $($role)|+)
            }
        }
    )*};
}

groups! {
    Anyone => _,
    Owners => Role::Owner,
    /// Content, games and places.
    Editors => Role::Owner | Role::Editor,
    /// Orders and refunds.
    Cashiers => Role::Owner | Role::Cashier,
    /// Persons who are registered.
    Registrars => Role::Owner | Role::Editor | Role::Cashier,
    /// Rooms and those in them.
    Moderators => Role::Owner | Role::Moderator,
}

/// The signed-in administrator, one of the group.
pub struct By<G: Group> {
    pub admin: Admin,
    group: PhantomData<G>,
}

impl<G: Group> Deref for By<G> {
    type Target = Admin;

    fn deref(&self) -> &Admin {
        &self.admin
    }
}

impl<G: Group> FromRequest for By<G> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let admin = admin_of(&request).await.map_err(problem)?;
            if !G::admits(admin.role) {
                return Err(problem(DomainError::Forbidden));
            }
            Ok(Self { admin, group: PhantomData })
        })
    }
}

/// The administrator behind a request, looked up once, also when several extractors ask.
///
/// Errors: `Unauthenticated`, `Busy`.
pub(super) async fn admin_of(request: &HttpRequest) -> Result<Admin, DomainError> {
    type Known = Rc<OnceCell<Result<Admin, DomainError>>>;
    let known = request.extensions().get::<Known>().map(Rc::clone);
    let known = known.unwrap_or_else(|| {
        let unknown = Known::default();
        request.extensions_mut().insert(Rc::clone(&unknown));
        unknown
    });
    let look = async || {
        let context = request.app_data::<Data<Context>>().ok_or(DomainError::Internal)?;
        let Bearer(token) = Bearer::of(request).ok_or(DomainError::Unauthenticated)?;
        let admin = admins::authenticate(context, &token).await?;
        bodies::caller_is_known(request);
        Ok(admin)
    };
    known.get_or_init(look).await.clone()
}

/// The token of `Authorization: Bearer …`.
pub struct Bearer(pub String);

impl Bearer {
    pub fn of(request: &HttpRequest) -> Option<Self> {
        let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = header.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| Self(token.trim().to_owned()))
    }
}
