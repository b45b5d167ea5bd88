//! The server's answer to a LOGIN: a WELCOME, or why not.

use anyhow::bail;

use super::stamp::{contains, offset_of};
use super::websocket::{CLOSE, TEXT, close_code};

#[derive(Debug, Default)]
pub struct Greeting {
    /// The room's last offset at the time of the WELCOME.
    welcome: Option<u64>,
    refusal: Option<String>,
}

impl Greeting {
    pub fn look(&mut self, opcode: u8, payload: &[u8]) {
        if opcode == TEXT && contains(payload, br#""WELCOME""#) {
            self.welcome = Some(offset_of(payload).unwrap_or(0));
        } else if opcode == TEXT && contains(payload, br#""ERROR""#) {
            self.refusal = Some(String::from_utf8_lossy(payload).into_owned());
        } else if opcode == CLOSE {
            self.refusal = Some(format!("closed with {}", close_code(payload)));
        }
    }

    /// The room's offset once welcomed, `None` while there is no answer.
    ///
    /// # Errors
    /// The server refused.
    pub fn answer(&self) -> anyhow::Result<Option<u64>> {
        if let Some(refusal) = &self.refusal {
            bail!("LOGIN refused: {refusal}");
        }
        Ok(self.welcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_welcome_tells_the_offset() {
        let mut greeting = Greeting::default();
        greeting.look(TEXT, br#"{"type":"ONLINE","ONLINE":1}"#);
        assert_eq!(greeting.answer().unwrap(), None);
        greeting.look(TEXT, br#"{"type":"WELCOME","room_id":"1","offset":42,"epoch":"e"}"#);
        assert_eq!(greeting.answer().unwrap(), Some(42));
    }

    #[test]
    fn a_refusal_is_an_error() {
        let mut refused = Greeting::default();
        refused.look(TEXT, br#"{"type":"ERROR","code":30005,"msg":"unknown room"}"#);
        assert!(refused.answer().unwrap_err().to_string().contains("30005"));
        let mut closed = Greeting::default();
        closed.look(CLOSE, &4003_u16.to_be_bytes());
        assert!(closed.answer().unwrap_err().to_string().contains("4003"));
    }
}
