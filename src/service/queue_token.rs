//! The queue token that a client holds: opaque, unguessable and self-locating, so that a poll needs no database. It is
//! base64url of game, sequence (8 bytes each) and a 16-byte MAC: 43 characters.

use actors::domain::ids::GameId;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use crate::vault::Vault;

const PLACE_BYTES: usize = 16;
const TOKEN_BYTES: usize = PLACE_BYTES + 16;
const TOKEN_LETTERS: usize = 43;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QueueToken {
    pub game: GameId,
    pub sequence: i64,
}

impl QueueToken {
    pub fn encode(self, vault: &Vault) -> String {
        let place = self.place();
        let mut bytes = [0; TOKEN_BYTES];
        bytes[..PLACE_BYTES].copy_from_slice(&place);
        bytes[PLACE_BYTES..].copy_from_slice(&vault.token_mac(&place));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// `None` for a text that this server did not make.
    pub fn decode(vault: &Vault, text: &str) -> Option<Self> {
        if text.len() != TOKEN_LETTERS {
            return None;
        }
        let mut bytes = [0; TOKEN_BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        let (place, mac) = bytes.get(..length)?.split_at_checked(PLACE_BYTES)?;
        if !bool::from(vault.token_mac(place).ct_eq(mac)) {
            return None;
        }
        let (game, sequence) = place.split_at(8);
        Some(Self {
            game: GameId(i64::from_be_bytes(game.try_into().ok()?)),
            sequence: i64::from_be_bytes(sequence.try_into().ok()?),
        })
    }

    fn place(self) -> [u8; PLACE_BYTES] {
        let mut place = [0; PLACE_BYTES];
        place[..8].copy_from_slice(&self.game.0.to_be_bytes());
        place[8..].copy_from_slice(&self.sequence.to_be_bytes());
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_comes_back_and_every_changed_letter_is_refused() {
        let vault = Vault::new(&[1; 32], &[2; 32]);
        let token = QueueToken { game: GameId(7), sequence: 1_234 };
        let text = token.encode(&vault);
        assert_eq!(text.len(), TOKEN_LETTERS);
        assert_eq!(QueueToken::decode(&vault, &text), Some(token));
        for index in 0..text.len() {
            let mut letters: Vec<char> = text.chars().collect();
            letters[index] = if letters[index] == 'A' { 'B' } else { 'A' };
            let forged: String = letters.into_iter().collect();
            assert_eq!(QueueToken::decode(&vault, &forged), None, "{index}");
        }
        assert_eq!(QueueToken::decode(&Vault::new(&[3; 32], &[2; 32]), &text), None, "another key");
        for bad in
            ["", "x", "票据票据票据票据票据票据票据票", &text[1..], &format!("{text}A"), &text.replace(&text[..1], "=")]
        {
            assert_eq!(QueueToken::decode(&vault, bad), None, "{bad:?}");
        }
    }
}
