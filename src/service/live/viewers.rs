//! How many watch a live: our rooms' connections, or the numbers of the streaming provider, asked for at most once in ten
//! seconds a live on this node.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actors::domain::chat::Live;
use actors::domain::ids::LiveId;
use actors::error::Result;
use chrono::{DateTime, SecondsFormat};
use quick_cache::sync::Cache;
use tokio::sync::Mutex;

use super::{addresses, detail, online};
use crate::context::Context;

pub use crate::clients::live::Viewers;

/// A failure is kept as long as an answer: nobody waits behind a service that is away.
const KEEP: Duration = Duration::from_secs(10);
const LIVES: usize = 1024;

type Kept = Arc<Mutex<Option<(Instant, Result<Viewers>)>>>;

/// What the provider said lately, by live.
pub struct ViewerCache(Cache<LiveId, Kept>);

impl Default for ViewerCache {
    fn default() -> Self {
        Self(Cache::new(LIVES))
    }
}

/// Errors: `NotFound(Live)`, `ProviderFailed(Live)`.
pub async fn viewers(context: &Context, id: LiveId) -> Result<Viewers> {
    let live = detail(context, id).await?;
    let Some(provider) = context.outside.viewers.as_deref().filter(|_| !live.stream_name.is_empty()) else {
        return of_rooms(context, &live);
    };
    let kept = match context.viewers.0.get(&id) {
        Some(kept) => kept,
        // Of two that make it at once one asks for nothing more than once too often.
        None => {
            let kept = Kept::default();
            context.viewers.0.insert(id, kept.clone());
            kept
        }
    };
    let mut kept = kept.lock().await;
    if let Some((at, told)) = kept.as_ref()
        && at.elapsed() < KEEP
    {
        return told.clone();
    }
    let told = provider.viewers(&live.stream_name, context.db.now_ms()).await;
    *kept = Some((Instant::now(), told.clone()));
    told
}

/// The number that a list shows of a live: what item 25 answers as the total. A provider that does not answer is passed
/// over, because the list is about the lives.
///
/// Errors: none but `Busy` of the database.
pub async fn shown_online(context: &Context, live: &Live) -> Result<i64> {
    let asks = context.outside.viewers.is_some() && live.live_status == 1;
    match if asks { viewers(context, live.id).await.ok() } else { None } {
        Some(told) => Ok(told.total),
        None => Ok(online(context, live.id)?.connections),
    }
}

fn of_rooms(context: &Context, live: &Live) -> Result<Viewers> {
    let connections = online(context, live.id)?.connections;
    let now = DateTime::from_timestamp_millis(context.db.now_ms()).unwrap_or_default();
    let time = now.to_rfc3339_opts(SecondsFormat::Secs, true);
    // Without its key: the caller may keep it, and it says nothing more.
    let address = addresses::playback(context, live).rtmp.split('?').next().unwrap_or_default().to_owned();
    Ok(Viewers {
        total: connections,
        streams: vec![(time, address, connections)],
        request_id: hex::encode_upper(rand::random::<[u8; 16]>()),
    })
}
