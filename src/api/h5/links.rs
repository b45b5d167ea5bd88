//! Links as this dialect sends them: absolute, under the configured origin or the one the client used.

use actix_web::HttpRequest;

use crate::context::Context;

/// A stored path or address as an absolute address; empty stays empty.
pub fn absolute(context: &Context, request: &HttpRequest, stored: &str) -> String {
    if stored.is_empty() || stored.starts_with("http://") || stored.starts_with("https://") {
        return stored.to_owned();
    }
    let path = stored.trim_start_matches('/');
    match context.config.server.public_url.trim_end_matches('/') {
        "" => {
            let connection = request.connection_info();
            format!("{}://{}/{path}", connection.scheme(), connection.host())
        }
        origin => format!("{origin}/{path}"),
    }
}
