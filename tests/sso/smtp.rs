//! Mail over SMTP: a server of the tests' own, with TLS from the first byte, by STARTTLS, and without.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use lettre::transport::smtp::client::Certificate;
use matchday::clients::mail::smtp::Smtp;
use matchday::clients::mail::{Letter, MailProvider};
use matchday::config::Mail;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

const ROOT: &[u8] = include_bytes!("../support/mail_keys/ca.cert.pem");
const CERTIFICATE: &[u8] = include_bytes!("../support/mail_keys/server.cert.pem");
const KEY: &[u8] = include_bytes!("../support/mail_keys/server.key.pem");

#[derive(Clone, Copy, PartialEq)]
enum Play {
    /// TLS from the first byte.
    Wrapped,
    StartTls,
    /// Has no TLS to offer.
    Plain,
    /// Knows nobody.
    Refuses,
}

fn tls(socket: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
    let chain = CertificateDer::pem_slice_iter(CERTIFICATE).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), socket)
}

/// Speaks SMTP until the other side has enough; answers the lines it said. `None`: it asked for TLS now.
fn converse(
    stream: &mut (impl Read + Write),
    play: Play,
    secure: bool,
    lines: &mut Vec<String>,
) -> std::io::Result<bool> {
    let mut reader = BufReader::new(stream);
    let mut in_data = false;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(false);
        }
        let line = line.trim_end().to_owned();
        lines.push(line.clone());
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let answer = match verb.as_str() {
            _ if in_data && line == "." => {
                in_data = false;
                "250 taken\r\n"
            }
            _ if in_data => continue,
            "EHLO" if !secure && play != Play::Plain => "250-localhost\r\n250 STARTTLS\r\n",
            "EHLO" if secure => "250-localhost\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n",
            "EHLO" => "250 localhost\r\n",
            "STARTTLS" => {
                reader.get_mut().write_all(b"220 go\r\n")?;
                return Ok(true);
            }
            "AUTH" => "235 welcome\r\n",
            "RCPT" if play == Play::Refuses => "550 runner@mail.example is unknown here\r\n",
            "DATA" => {
                in_data = true;
                "354 go\r\n"
            }
            "QUIT" => "221 bye\r\n",
            _ => "250 good\r\n",
        };
        reader.get_mut().write_all(answer.as_bytes())?;
        reader.get_mut().flush()?;
    }
}

/// Takes one connection; sends every line that was said to it, in the end.
fn server(play: Play) -> (u16, Receiver<Vec<String>>) {
    let listener = TcpListener::bind(("localhost", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (said, heard) = channel();
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut lines = Vec::new();
        // A client that does not like what it sees goes in the middle.
        let mut talk = || -> std::io::Result<()> {
            if play != Play::Wrapped {
                socket.write_all(b"220 localhost\r\n")?;
                if !converse(&mut socket, play, false, &mut lines)? {
                    return Ok(());
                }
            }
            let mut stream = tls(socket.try_clone()?);
            if play == Play::Wrapped {
                stream.write_all(b"220 localhost\r\n")?;
                stream.flush()?;
            }
            converse(&mut stream, play, true, &mut lines).map(drop)
        };
        let _ = talk();
        let _ = said.send(lines);
    });
    (port, heard)
}

fn smtp(url: String, root: bool) -> Smtp {
    matchday::clients::tls::use_ring();
    let settings = Mail {
        provider: "smtp".to_owned(),
        url,
        username: "office".to_owned(),
        password: "secret-password".to_owned().into(),
        from: "Race office <office@run.example>".to_owned(),
    };
    Smtp::new(&settings, root.then(|| Certificate::from_pem(ROOT).unwrap())).unwrap()
}

fn letter() -> Letter {
    Letter {
        to: "runner@mail.example".to_owned(),
        subject: "请确认 / Please confirm".to_owned(),
        text: "您好，\nhello\n.\nhttps://run.example/confirm-mail#token=abc\n".to_owned(),
        reference: "7".to_owned(),
    }
}

/// What stands between the headers and the end of the mail, decoded.
fn body(lines: &[String]) -> String {
    let data = lines.iter().position(|line| line == "DATA").unwrap();
    let start = data + lines[data..].iter().position(String::is_empty).unwrap();
    let mut text = Vec::new();
    for line in lines[start + 1..].iter().take_while(|line| *line != ".") {
        // A dot in front was doubled, and a line that ends with = goes on.
        let line = if line.starts_with("..") { &line[1..] } else { line };
        let (line, end) = line.strip_suffix('=').map_or((line, "\n"), |line| (line, ""));
        let mut pieces = line.split('=');
        text.extend_from_slice(pieces.next().unwrap().as_bytes());
        for piece in pieces {
            text.push(u8::from_str_radix(&piece[..2], 16).unwrap());
            text.extend_from_slice(&piece.as_bytes()[2..]);
        }
        text.extend_from_slice(end.as_bytes());
    }
    String::from_utf8(text).unwrap().trim_end_matches('\n').to_owned() + "\n"
}

#[actix_web::test]
async fn mail_leaves_encrypted_in_both_ways() {
    for (play, scheme) in [(Play::Wrapped, "smtps"), (Play::StartTls, "smtp")] {
        let (port, heard) = server(play);
        smtp(format!("{scheme}://localhost:{port}"), true).send(&letter()).await.unwrap();
        let lines =
            tokio::task::spawn_blocking(move || heard.recv_timeout(Duration::from_secs(10)).unwrap()).await.unwrap();
        let at = |start: &str| {
            lines.iter().position(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start} {lines:?}"))
        };
        assert!(at("AUTH PLAIN") < at("MAIL FROM:<office@run.example>"));
        assert!(at("MAIL FROM") < at("RCPT TO:<runner@mail.example>"));
        if play == Play::StartTls {
            assert!(at("STARTTLS") < at("AUTH PLAIN"));
        }
        at("Message-ID: <matchday-7@run.example>");
        at("From: \"Race office\" <office@run.example>");
        at("To: runner@mail.example");
        at("Content-Transfer-Encoding: quoted-printable");
        assert_eq!(body(&lines), letter().text);
    }
}

#[actix_web::test]
async fn nothing_leaves_without_tls_or_to_a_stranger() {
    let said = async |play: Play, scheme: &str, root: bool| {
        let (port, heard) = server(play);
        let reason = smtp(format!("{scheme}://localhost:{port}"), root).send(&letter()).await.unwrap_err();
        let lines =
            tokio::task::spawn_blocking(move || heard.recv_timeout(Duration::from_secs(20)).unwrap()).await.unwrap();
        (reason, lines.join("\n"))
    };
    for (play, scheme, root) in
        [(Play::Plain, "smtp", true), (Play::StartTls, "smtp", false), (Play::Wrapped, "smtps", false)]
    {
        let (_, lines) = said(play, scheme, root).await;
        assert!(!lines.contains("AUTH") && !lines.contains("MAIL FROM"), "{lines}");
    }
    let (reason, lines) = said(Play::Refuses, "smtp", true).await;
    assert_eq!(reason, "the mail server answers 550");
    assert!(!lines.contains("DATA"));
    // Nobody is there.
    let port = TcpListener::bind(("localhost", 0)).unwrap().local_addr().unwrap().port();
    let reason = smtp(format!("smtps://localhost:{port}"), true).send(&letter()).await.unwrap_err();
    assert_eq!(reason, "no connection to the mail server");
}
