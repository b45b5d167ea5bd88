//! Deadlines and rates of one connection. Time is passed in.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use crate::domain::visible::{self, Layout};
use crate::error::{DomainError, Result};

use super::rate::{RATE_WINDOW, Rate};

/// Close codes of sockets, as published.
pub mod close {
    pub const GOING_AWAY: u16 = 1001;
    pub const PROTOCOL: u16 = 1002;
    pub const UNSUPPORTED: u16 = 1003;
    pub const NOT_UTF8: u16 = 1007;
    pub const TOO_LARGE: u16 = 1009;
    pub const FAULT: u16 = 1011;
    pub const RESTART: u16 = 1012;
    pub const TOO_SLOW: u16 = 4001;
    pub const BANNED: u16 = 4003;
    pub const SILENT: u16 = 4008;
    pub const HEARTBEAT: u16 = 4009;
    pub const FLOOD: u16 = 4010;
}

/// Logins, histories, watches and lines whose token or room is looked up, in `RATE_WINDOW`: each may cost a look into the database.
const REQUESTS: u32 = 60;
/// Frames in `CHEAP_WINDOW` that cost their sender nothing: questions, refusals, what cannot be read.
const CHEAP: u32 = 60;
const CHEAP_WINDOW: Duration = Duration::from_secs(10);
/// The span that frames of any kind are counted in.
const FRAME_WINDOW: Duration = Duration::from_secs(10);
/// How often somebody over that rate is told so.
const TOLD_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    /// Time for the first LOGIN or message.
    pub login_timeout: Duration,
    pub ping_every: Duration,
    pub pong_timeout: Duration,
    /// How long a closing socket waits for the peer's own close frame.
    pub linger: Duration,
    /// Messages of an account in 30 s; `None` = any.
    pub messages: Option<u32>,
    /// The same for a moderator of the room.
    pub moderator_messages: Option<u32>,
    /// Frames of any kind in 10 s, pings, pongs and fragments included; `None` = any.
    pub frames: Option<u32>,
    pub max_characters: usize,
}

impl SessionLimits {
    /// How often deadlines are looked at: often enough for the shortest of them.
    pub fn tick(&self) -> Duration {
        let shortest = self.login_timeout.min(self.ping_every).min(self.pong_timeout).min(self.linger);
        (shortest / 4).clamp(Duration::from_millis(20), Duration::from_secs(3))
    }
}

/// What a deadline asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    Nothing,
    Ping,
    Close {
        code: u16,
        reason: &'static str,
    },
    /// The peer had its time to answer the close frame.
    End,
}

/// What becomes of a frame that costs its sender nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heed {
    Take,
    Refuse(DomainError),
    /// One too many, and its sender was told a moment ago.
    PassOver,
}

pub struct SessionState {
    limits: SessionLimits,
    opened: Instant,
    spoke: bool,
    last_ping: Instant,
    /// When the ping left that nothing has answered yet.
    unanswered: Option<Instant>,
    closing: Option<Instant>,
    requests: Rate,
    cheap: Rate,
    told: Option<Instant>,
    /// When the present `FRAME_WINDOW` began, and the frames in it.
    frames: (Instant, u32),
}

impl SessionState {
    pub fn new(limits: SessionLimits, now: Instant) -> Self {
        let limited = limits.messages.is_some();
        Self {
            limits,
            opened: now,
            spoke: false,
            last_ping: now,
            unanswered: None,
            closing: None,
            requests: Rate::new(limited.then_some(REQUESTS), RATE_WINDOW),
            cheap: Rate::new(limited.then_some(CHEAP), CHEAP_WINDOW),
            told: None,
            frames: (now, 0),
        }
    }

    /// Counts a frame of any kind. False when there are more than any honest client sends.
    pub fn takes_frame(&mut self, now: Instant) -> bool {
        let (since, count) = &mut self.frames;
        if now.duration_since(*since) >= FRAME_WINDOW {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        self.limits.frames.is_none_or(|most| *count <= most)
    }

    /// Any frame proves that the peer is there.
    pub fn heard(&mut self) {
        self.unanswered = None;
    }

    /// A LOGIN or a message.
    pub fn spoke(&mut self) {
        self.spoke = true;
    }

    pub fn closing(&mut self, now: Instant) {
        self.closing.get_or_insert(now);
    }

    pub fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// What is due now. `in_room`: the connection is subscribed to a room.
    pub fn due(&mut self, now: Instant, in_room: bool) -> Due {
        if let Some(since) = self.closing {
            return if now.duration_since(since) >= self.limits.linger { Due::End } else { Due::Nothing };
        }
        if let Some(since) = self.unanswered {
            if now.duration_since(since) >= self.limits.pong_timeout {
                return Due::Close { code: close::HEARTBEAT, reason: "heartbeat missed" };
            }
        } else if now.duration_since(self.last_ping) >= self.limits.ping_every {
            self.last_ping = now;
            self.unanswered = Some(now);
            return Due::Ping;
        }
        if !self.spoke && !in_room && now.duration_since(self.opened) >= self.limits.login_timeout {
            return Due::Close { code: close::SILENT, reason: "no LOGIN" };
        }
        Due::Nothing
    }

    /// Makes a line what others see of it and checks its length. Hidden characters are left out and not refused: keyboards
    /// of languages that run from right to left and pasted texts bring them, and the speaker could not find them.
    ///
    /// Errors: `InvalidField`.
    pub fn may_say(&self, content: &mut String) -> Result<()> {
        if let Cow::Owned(shown) = visible::without_hidden(content, Layout::Lines) {
            *content = shown;
        }
        if !visible::has_visible(content) {
            return Err(DomainError::field("content", "must not be blank"));
        }
        if content.chars().count() > self.limits.max_characters {
            return Err(DomainError::field("content", "too long"));
        }
        Ok(())
    }

    /// Takes a frame from the rate of those that cost nothing.
    pub fn heed(&mut self, now: Instant) -> Heed {
        match self.cheap.take(now) {
            Ok(()) => Heed::Take,
            Err(_) if self.told.is_some_and(|told| now.duration_since(told) < TOLD_EVERY) => Heed::PassOver,
            Err(error) => {
                self.told = Some(now);
                Heed::Refuse(error)
            }
        }
    }

    pub fn may_ask(&mut self, now: Instant) -> Result<()> {
        self.requests.take(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: SessionLimits = SessionLimits {
        login_timeout: Duration::from_secs(60),
        ping_every: Duration::from_secs(25),
        pong_timeout: Duration::from_secs(10),
        linger: Duration::from_secs(3),
        messages: Some(20),
        moderator_messages: Some(100),
        frames: Some(300),
        max_characters: 500,
    };

    fn after(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_silent_peer_is_closed_after_its_ping_is_not_answered() {
        let start = Instant::now();
        let mut state = SessionState::new(LIMITS, start);
        state.spoke();
        assert_eq!(state.due(start + after(24), false), Due::Nothing);
        assert_eq!(state.due(start + after(25), false), Due::Ping);
        assert_eq!(state.due(start + after(34), false), Due::Nothing);
        let Due::Close { code, .. } = state.due(start + after(35), false) else { panic!("must close") };
        assert_eq!(code, close::HEARTBEAT);
        state.heard();
        assert_eq!(state.due(start + after(35), false), Due::Nothing);
        assert_eq!(state.due(start + after(50), false), Due::Ping);
    }

    #[test]
    fn who_says_nothing_and_is_nowhere_is_closed_after_a_minute() {
        let start = Instant::now();
        let due = |spoke: bool, in_room: bool| {
            let mut state = SessionState::new(LIMITS, start);
            state.last_ping = start + after(50);
            if spoke {
                state.spoke();
            }
            state.due(start + after(60), in_room)
        };
        assert!(matches!(due(false, false), Due::Close { code: 4008, .. }));
        assert_eq!(due(true, false), Due::Nothing);
        assert_eq!(due(false, true), Due::Nothing);
    }

    #[test]
    fn a_closing_socket_waits_a_little_for_the_peer() {
        let start = Instant::now();
        let mut state = SessionState::new(LIMITS, start);
        state.closing(start);
        state.closing(start + after(2));
        assert_eq!(state.due(start + after(2), false), Due::Nothing);
        assert_eq!(state.due(start + after(3), false), Due::End);
    }

    #[test]
    fn frames_of_any_kind_are_counted_by_windows() {
        let start = Instant::now();
        let mut state = SessionState::new(LIMITS, start);
        assert!((0..300).all(|_| state.takes_frame(start)));
        assert!(!state.takes_frame(start + after(9)));
        assert!((0..300).all(|_| state.takes_frame(start + after(10))));
        let mut unlimited = SessionState::new(SessionLimits { frames: None, ..LIMITS }, start);
        assert!((0..10_000).all(|_| unlimited.takes_frame(start)));
    }

    #[test]
    fn blank_and_long_lines_are_refused() {
        let state = SessionState::new(LIMITS, Instant::now());
        let say = |line: &str| state.may_say(&mut line.to_owned());
        for blank in [" \n", "\u{200b}", "\u{3164}\u{2800}", "\u{202e}\u{200d}", "\u{fe0f}"] {
            assert!(say(blank).is_err(), "{blank:?}");
        }
        assert!(say(&"扑".repeat(501)).is_err());
        say(&"扑".repeat(500)).unwrap();
    }

    #[test]
    fn what_turns_the_direction_is_left_out_of_a_line() {
        let state = SessionState::new(LIMITS, Instant::now());
        for (said, shown) in [
            ("跑\u{202e}步\u{202c}", "跑步"),
            ("\u{2067}\u{200f}שלום\u{2069}", "שלום"),
            (
                "\u{1f468}\u{200d}\u{1f469} \u{2764}\u{fe0f} می\u{200c}خواهم",
                "\u{1f468}\u{200d}\u{1f469} \u{2764}\u{fe0f} می\u{200c}خواهم",
            ),
        ] {
            let mut line = said.to_owned();
            state.may_say(&mut line).unwrap();
            assert_eq!(line, shown);
        }
    }

    #[test]
    fn cheap_frames_over_their_rate_are_told_once_a_second() {
        let now = Instant::now();
        let mut state = SessionState::new(LIMITS, now);
        assert!((0..60).all(|_| state.heed(now) == Heed::Take));
        let refused = |left| Heed::Refuse(DomainError::RateLimited { retry_after_seconds: left });
        assert_eq!(state.heed(now), refused(10));
        assert!((0..1000).all(|_| state.heed(now) == Heed::PassOver));
        assert_eq!(state.heed(now + after(1)), refused(9));
        assert_eq!(state.heed(now + after(10)), Heed::Take);
        let mut unlimited = SessionState::new(SessionLimits { messages: None, ..LIMITS }, now);
        assert!((0..1000).all(|_| unlimited.heed(now) == Heed::Take));
    }
}
