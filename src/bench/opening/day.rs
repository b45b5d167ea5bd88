//! The opening day of one thread's share of the people: what is due is done, at most as many requests at once as there
//! are connections.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::{Notify, Semaphore};

use super::Plan;
use super::person::{Act, Next, Person};
use super::schedule::{Due, Schedule};
use super::tallies::Tallies;
use crate::bench::http::{self, HttpConnection, HttpError};
use crate::bench::load::share;
use crate::bench::players::enqueue_body;
use crate::bench::registration::{Reply, poll_request, refusal_name};

/// What came of a thread's people.
pub struct Lived {
    pub people: Vec<Person>,
    pub tallies: Tallies,
}

struct Day {
    plan: Arc<Plan>,
    people: RefCell<Vec<Person>>,
    schedule: RefCell<Schedule>,
    tallies: RefCell<Tallies>,
    idle: RefCell<Vec<HttpConnection>>,
    /// One permit a connection.
    connections: Semaphore,
    /// Something was done: there may be something new to do, or nothing any more.
    done: Notify,
}

/// Lives through the day with every `threads`th of the people.
pub async fn live(plan: Arc<Plan>, thread: u32) -> anyhow::Result<Lived> {
    let threads = plan.args.common.threads;
    let connections = share(plan.args.connections, thread, threads);
    let mine = (0_u32..).zip(&plan.crowd).filter(|(number, _)| number % threads == thread);
    let people: Vec<Person> = mine.map(|(_, person)| person.clone()).collect();
    let mut schedule = Schedule::default();
    for (index, person) in people.iter().enumerate() {
        schedule.add(Due { at: person.arrives, person: index, act: Act::Join });
        if person.double_clicks {
            schedule.add(Due { at: person.arrives, person: index, act: Act::SecondClick });
        }
    }
    let connect = |_| HttpConnection::new(plan.target.clone(), plan.timeout());
    let day = Rc::new(Day {
        people: RefCell::new(people),
        schedule: RefCell::new(schedule),
        tallies: RefCell::new(Tallies::new(plan.opening)?),
        idle: RefCell::new((0..connections).map(connect).collect()),
        connections: Semaphore::new(usize::try_from(connections)?),
        done: Notify::new(),
        plan,
    });
    Rc::clone(&day).run(usize::try_from(connections)?).await?;
    let Ok(day) = Rc::try_unwrap(day) else { anyhow::bail!("a request outlived the day") };
    Ok(Lived { people: day.people.into_inner(), tallies: day.tallies.into_inner() })
}

impl Day {
    async fn run(self: Rc<Self>, connections: usize) -> anyhow::Result<()> {
        let mut under_way = tokio::task::JoinSet::new();
        let end = self.plan.opening + Duration::from_secs(self.plan.args.seconds);
        loop {
            while under_way.try_join_next().is_some() {}
            let now = Instant::now();
            if now >= end {
                break;
            }
            let next_at = self.schedule.borrow().next_at();
            match next_at {
                None if self.connections.available_permits() == connections => break,
                Some(at) if at <= now => {
                    let permit = self.connections.acquire().await?;
                    let taken = self.schedule.borrow_mut().take(Instant::now());
                    let (Some(due), Some(connection)) = (taken, self.idle.borrow_mut().pop()) else { continue };
                    permit.forget();
                    under_way.spawn_local(Rc::clone(&self).act(due, connection));
                }
                _ => {
                    let wake = next_at.map_or(end, |at| at.min(end));
                    tokio::select! {
                        () = tokio::time::sleep_until(wake.into()) => {}
                        () = self.done.notified() => {}
                    }
                }
            }
        }
        while under_way.join_next().await.is_some() {}
        Ok(())
    }

    async fn act(self: Rc<Self>, due: Due, mut connection: HttpConnection) {
        let next = self.exchange(due, &mut connection).await;
        if let Some((at, act)) = next {
            self.schedule.borrow_mut().add(Due { at, person: due.person, act });
        }
        self.idle.borrow_mut().push(connection);
        self.connections.add_permits(1);
        self.done.notify_one();
    }

    async fn exchange(&self, due: Due, connection: &mut HttpConnection) -> Next {
        let request = self.request(due)?;
        let asked = Instant::now();
        self.tallies.borrow_mut().late.record(asked.saturating_duration_since(due.at));
        let answer = connection.exchange(&request).await.map(|answer| Answer::read(due.act, answer));
        let answered = Instant::now();
        let mut people = self.people.borrow_mut();
        let person = people.get_mut(due.person)?;
        let mut tallies = self.tallies.borrow_mut();
        tallies.answered(due.act, asked, answered, answer.as_ref().ok());
        match answer {
            Ok(Answer::Told(reply)) if due.act == Act::Poll => person.polled(asked, answered, &reply),
            Ok(Answer::Told(reply)) => person.joined(due.act, asked, answered, reply),
            Ok(Answer::Gone(state, order_no)) => person.left(answered, state, &order_no),
            Ok(Answer::Paid) => {
                person.paid = true;
                None
            }
            Ok(Answer::Busy(retry_after)) => person.put_off(due.act, answered, retry_after, rand::random()),
            Ok(Answer::Refused(_)) => {
                person.turned_away(due.act);
                None
            }
            Err(error) => {
                tallies.error(due.act, broken_name(&error));
                person.put_off(due.act, answered, Duration::ZERO, rand::random())
            }
        }
    }

    /// `None`: there is nothing to ask any more.
    fn request(&self, due: Due) -> Option<Vec<u8>> {
        let people = self.people.borrow();
        let person = people.get(due.person)?;
        let (plan, mut request) = (&self.plan, Vec::new());
        let session = plan.sessions.get(usize::try_from(person.account).ok()?)?;
        match due.act {
            Act::Join | Act::SecondClick | Act::Reload => {
                let mut body = String::new();
                enqueue_body(&mut body, plan.args.game, plan.passports, person.first_player, person.group);
                http::post_json(&mut request, &plan.target.authority, "/api/reg", Some(session), &body);
            }
            Act::Poll => poll_request(&mut request, &plan.target, session, person.token.as_deref()?),
            Act::Leave => {
                let path = format!("/api/queue/{}/leave", person.token.as_deref()?);
                http::post_json(&mut request, &plan.target.authority, &path, Some(session), "{}");
            }
            Act::Pay => {
                let path = format!("/sandbox/pay/{}", person.order_no()?);
                http::post_json(&mut request, &plan.target.authority, &path, Some(session), "{}");
            }
        }
        Some(request)
    }
}

#[derive(Deserialize)]
struct Standing {
    queue_state: i64,
    #[serde(default)]
    order_no: String,
}

/// What an answer says, read from either dialect.
pub enum Answer {
    Told(Reply),
    Paid,
    /// State and order number after he left.
    Gone(i64, String),
    /// Come again after this.
    Busy(Duration),
    /// Under which name it is counted.
    Refused(String),
}

impl Answer {
    fn read(act: Act, answer: http::Response<'_>) -> Self {
        if matches!(act, Act::Pay | Act::Leave) {
            return match answer.status {
                200 if act == Act::Pay => Self::Paid,
                200 => match serde_json::from_slice::<Standing>(answer.body) {
                    Ok(standing) => Self::Gone(standing.queue_state, standing.order_no),
                    Err(_) => Self::Refused("HTTP 200 without a state".to_owned()),
                },
                503 => Self::Busy(Duration::ZERO),
                status => Self::Refused(format!("HTTP {status}")),
            };
        }
        match serde_json::from_slice::<Reply>(answer.body) {
            Ok(reply) if reply.result == 0 => Self::Told(reply),
            Ok(reply) => reply.busy().map_or_else(|| Self::Refused(refusal_name(&reply)), Self::Busy),
            Err(_) => Self::Refused(format!("HTTP {} without a result", answer.status)),
        }
    }
}

/// The kind of a failed exchange, without what differs from one to the next.
fn broken_name(error: &HttpError) -> String {
    match error {
        HttpError::Io(error) => format!("connection: {}", error.kind()),
        other => other.to_string(),
    }
}
