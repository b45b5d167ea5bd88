//! Live streams, their rooms and what is said there.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::account::Account;
use super::ids::{AccountId, CompetitionId, LiveId};
use super::visible::{self, Layout};

/// A live stream; its id is also its chat room's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    pub id: LiveId,
    pub competition_id: Option<CompetitionId>,
    pub title: String,
    pub summary: String,
    pub main_img_url: String,
    pub stream_name: String,
    pub play_rtmp: String,
    pub play_flv: String,
    pub play_m3u8: String,
    /// The push address. It holds a key: for administrators only.
    pub plug_flow: String,
    /// 1 = in progress.
    pub live_status: i64,
    /// 1 = the counter of viewers is shown.
    pub online_show: i64,
    pub browse_num: i64,
    /// Milliseconds since 1970.
    pub publish_time: i64,
    pub expire_time: Option<i64>,
}

impl Live {
    /// As it is shown at a moment: one that is over is not in progress, whatever is stored.
    pub fn show_at(&mut self, now_ms: i64) {
        if self.live_status == 1 && self.expire_time.is_some_and(|at| at <= now_ms) {
            self.live_status = 0;
        }
    }
}

/// A saved chat line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// 1, 2, 3, … within its room, without holes.
    pub offset: i64,
    pub account: AccountId,
    /// The connection that sent it.
    #[serde(with = "shared_text")]
    pub uuid: Arc<str>,
    /// The sender's own name for the line, to recognise a repetition by.
    pub client_id: Option<String>,
    /// As typed; escape it when it leaves.
    pub content: String,
    pub username: String,
    pub head_img: String,
    /// Milliseconds since 1970, by the database's clock.
    pub sent_at: i64,
    /// A tombstone: it keeps its offset and is never shown.
    pub deleted: bool,
}

mod shared_text {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(text: &Arc<str>, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(text)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(from).map(Arc::from)
    }
}

/// What others see of a speaker; always from the account, never from the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    pub account: AccountId,
    pub username: String,
    pub head_img: String,
}

impl From<&Account> for Profile {
    fn from(account: &Account) -> Self {
        // Nicknames that older versions stored may turn the direction of a whole chat.
        let username = visible::without_hidden(&account.username, Layout::Line).into_owned();
        Self { account: account.id, username, head_img: account.head_img.clone() }
    }
}

/// One open connection, unique over all nodes and restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// How a client wrote the room's id. Seed clients compare with `===`, so each gets back the type it sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RoomForm {
    Text,
    Number,
}

/// Who is in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Presence {
    pub connections: i64,
    /// Different accounts.
    pub users: i64,
    /// Connections without an account.
    pub guests: i64,
}

impl std::ops::AddAssign for Presence {
    fn add_assign(&mut self, other: Self) {
        self.connections += other.connections;
        self.users += other.users;
        self.guests += other.guests;
    }
}
