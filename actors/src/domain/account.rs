//! Who calls: an account of any dialect, and an administrator.

use serde::{Deserialize, Serialize};

use super::ids::{AccountId, AdminId};

/// The part of an account that requests are judged by and that others see of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: AccountId,
    /// Display name as typed; escape it when shown.
    pub username: String,
    /// A path on this server or an absolute address; may be empty.
    pub head_img: String,
    /// Has bound a phone. The number itself is opened only for those who may see it.
    pub has_mobile: bool,
    /// Milliseconds since 1970.
    pub register_time: i64,
    /// Has a paid membership now.
    pub is_member: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything, other administrators included.
    Owner,
    /// Content, games and places.
    Editor,
    /// Orders and refunds.
    Cashier,
    /// Rooms.
    Moderator,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    pub id: AdminId,
    pub username: String,
    pub role: Role,
}
