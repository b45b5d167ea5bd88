//! HTTP/1.1 over one kept-alive connection, as little as a load generator needs: whole bodies with a Content-Length.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::target::Target;

const MAX_HEADERS: usize = 48;
const MAX_RESPONSE_BYTES: usize = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("connection: {0}")]
    Io(#[from] std::io::Error),
    #[error("no answer in time")]
    Timeout,
    #[error("connection closed before the answer was complete")]
    Closed,
    #[error("unreadable answer: {0}")]
    Unreadable(&'static str),
}

#[derive(Debug, PartialEq, Eq)]
pub struct Response<'a> {
    pub status: u16,
    pub body: &'a [u8],
}

/// Head of an answer: what follows it and how long it is in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    status: u16,
    bytes: usize,
    body_bytes: usize,
    closes: bool,
}

/// One connection that reopens itself after a failure or a `Connection: close`.
pub struct HttpConnection {
    target: Target,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
    limit: Duration,
}

impl HttpConnection {
    /// `limit` bounds each exchange, connecting included.
    pub fn new(target: Target, limit: Duration) -> Self {
        Self { target, stream: None, buffer: Vec::with_capacity(4096), limit }
    }

    /// Sends one request and reads its answer. The connection is dropped after an error, the next call opens another.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Response<'_>, HttpError> {
        let mut stream = self.stream.take();
        let limit = self.limit;
        let exchange = exchange_on(&self.target, &mut stream, &mut self.buffer, request);
        let head = match tokio::time::timeout(limit, exchange).await {
            Ok(Ok(head)) => head,
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(HttpError::Timeout),
        };
        if !head.closes {
            self.stream = stream;
        }
        Ok(Response { status: head.status, body: &self.buffer[head.bytes..head.bytes + head.body_bytes] })
    }
}

async fn exchange_on(
    target: &Target,
    slot: &mut Option<TcpStream>,
    buffer: &mut Vec<u8>,
    request: &[u8],
) -> Result<Head, HttpError> {
    let stream = match slot {
        Some(stream) => stream,
        None => slot.insert(target.connect(0).await?),
    };
    stream.write_all(request).await?;
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(HttpError::Closed);
        }
        let Some(head) = parse_head(buffer)? else {
            continue;
        };
        let total = head.bytes + head.body_bytes;
        if buffer.len() > total {
            return Err(HttpError::Unreadable("more bytes than announced"));
        }
        if buffer.len() == total {
            return Ok(head);
        }
    }
}

fn parse_head(bytes: &[u8]) -> Result<Option<Head>, HttpError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(bytes).map_err(|_| HttpError::Unreadable("not an HTTP answer"))?;
    let httparse::Status::Complete(head_bytes) = parsed else {
        if bytes.len() > MAX_RESPONSE_BYTES {
            return Err(HttpError::Unreadable("head too long"));
        }
        return Ok(None);
    };
    let status = response.code.unwrap_or(0);
    let mut body_bytes = if matches!(status, 204 | 304) { Some(0) } else { None };
    let mut closes = false;
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            body_bytes = std::str::from_utf8(header.value).ok().and_then(|text| text.trim().parse().ok());
        } else if header.name.eq_ignore_ascii_case("connection") {
            closes = header.value.eq_ignore_ascii_case(b"close");
        }
    }
    let body_bytes = body_bytes.ok_or(HttpError::Unreadable("no Content-Length"))?;
    if body_bytes > MAX_RESPONSE_BYTES {
        return Err(HttpError::Unreadable("body too long"));
    }
    Ok(Some(Head { status, bytes: head_bytes, body_bytes, closes }))
}

/// Writes a JSON `POST` into `out`, replacing what it held. `session` is an account's token.
pub fn post_json(out: &mut Vec<u8>, authority: &str, path: &str, session: Option<&str>, body: &str) {
    out.clear();
    let head = ["POST ", path, " HTTP/1.1\r\nHost: ", authority, "\r\nContent-Type: application/json\r\n"];
    head.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
    if let Some(session) = session {
        out.extend_from_slice(b"token: ");
        out.extend_from_slice(session.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"Content-Length: ");
    out.extend_from_slice(body.len().to_string().as_bytes());
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(body.as_bytes());
}

/// Writes a `GET` into `out`, replacing what it held.
pub fn get(out: &mut Vec<u8>, authority: &str, path: &str) {
    out.clear();
    let head = ["GET ", path, " HTTP/1.1\r\nHost: ", authority, "\r\n\r\n"];
    head.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
}

/// As [`get`], with an administrator's bearer token.
pub fn get_as(out: &mut Vec<u8>, authority: &str, path: &str, bearer: &str) {
    out.clear();
    let head = ["GET ", path, " HTTP/1.1\r\nHost: ", authority, "\r\nAuthorization: Bearer ", bearer, "\r\n\r\n"];
    head.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn head_needs_a_length_and_all_its_bytes() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        let head = parse_head(answer).unwrap().unwrap();
        assert_eq!((head.status, head.bytes, head.body_bytes, head.closes), (200, 38, 2, false));
        assert_eq!(parse_head(&answer[..20]).unwrap(), None);
        let empty = parse_head(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap().unwrap();
        assert_eq!((empty.body_bytes, empty.closes), (0, true));
        for bad in [
            &b"HTTP/1.1 200 OK\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
            b"SSH-2.0-x\r\n\r\n",
        ] {
            assert!(parse_head(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn requests_are_written_whole() {
        let mut out = Vec::new();
        post_json(&mut out, "a:1", "/api/reg", Some("t"), "{}");
        let expected = "POST /api/reg HTTP/1.1\r\nHost: a:1\r\nContent-Type: application/json\r\ntoken: t\r\n\
                        Content-Length: 2\r\n\r\n{}";
        assert_eq!(String::from_utf8(out.clone()).unwrap(), expected);
        get(&mut out, "a:1", "/healthz");
        assert_eq!(out, b"GET /healthz HTTP/1.1\r\nHost: a:1\r\n\r\n");
        get_as(&mut out, "a:1", "/x", "t");
        assert_eq!(out, b"GET /x HTTP/1.1\r\nHost: a:1\r\nAuthorization: Bearer t\r\n\r\n");
    }

    /// Answers each accepted connection with the given chunks, then closes it.
    async fn answering(chunks: Vec<Vec<&'static [u8]>>) -> Target {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for connection in chunks {
                let (mut stream, _) = listener.accept().await.unwrap();
                for chunk in connection {
                    let mut request = [0; 256];
                    if chunk.starts_with(b"HTTP") {
                        let _ = stream.read(&mut request).await.unwrap();
                    }
                    stream.write_all(chunk).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        Target { address, authority: address.to_string() }
    }

    #[tokio::test]
    async fn exchange_keeps_the_connection_and_reopens_a_broken_one() {
        let target = answering(vec![
            vec![
                b"HTTP/1.1 200 OK\r\nContent-Le",
                b"ngth: 4\r\n\r\nab",
                b"cd",
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
                b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab",
            ],
            vec![b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz"],
        ])
        .await;
        let mut connection = HttpConnection::new(target, Duration::from_secs(5));
        let mut request = Vec::new();
        get(&mut request, "a", "/");
        let first = connection.exchange(&request).await.unwrap();
        assert_eq!((first.status, first.body), (200, &b"abcd"[..]));
        assert_eq!(connection.exchange(&request).await.unwrap().status, 404);
        let cut = connection.exchange(&request).await;
        assert!(matches!(cut, Err(HttpError::Closed | HttpError::Io(_))), "{cut:?}");
        assert_eq!(connection.exchange(&request).await.unwrap().body, b"z");
    }

    #[tokio::test]
    async fn exchange_ends_when_nothing_comes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target = Target { address, authority: address.to_string() };
        let mut connection = HttpConnection::new(target, Duration::from_millis(20));
        assert!(matches!(connection.exchange(b"x").await, Err(HttpError::Timeout)));
    }
}
