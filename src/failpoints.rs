//! Places between two steps of a change where a test can end the process at once. `cargo test` compiles them in (a
//! feature of a dev-dependency); in a program that `cargo build` makes, passing one is nothing.
//!
//! `FAILPOINTS="payments::settle::paid=3*off->return"` survives three passes and dies at the fourth.

macro_rules! points {
    ($($point:ident => $name:literal,)*) => {
        /// Where a process may be told to die.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Failpoint {
            $($point,)*
        }

        impl Failpoint {
            pub const ALL: &[Self] = &[$(Self::$point,)*];

            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)*
                }
            }
        }
    };
}

points! {
    WriterBegun => "sqlite_writer::begun",
    WriterJobDone => "sqlite_writer::job_done",
    WriterBeforeCommit => "sqlite_writer::before_commit",
    WriterAfterCommitBeforeAnswer => "sqlite_writer::after_commit_before_answer",
    PostgresBeforeCommit => "postgres::before_commit",
    PostgresAfterCommitBeforeAnswer => "postgres::after_commit_before_answer",
    LineEventsLogged => "quota::events_logged",
    LineRowStored => "quota::row_stored",
    EnqueueTokensInserted => "quota::enqueue::tokens_inserted",
    EnqueueCertificatesNoted => "quota::enqueue::certificates_noted",
    AdmitOrdersInserted => "quota::admit::orders_inserted",
    AdmitPlayersInserted => "quota::admit::players_inserted",
    AdmitRegistrationsInserted => "quota::admit::registrations_inserted",
    AdmitTokensDecided => "quota::admit::tokens_decided",
    AdmitWaitListWritten => "quota::admit::wait_list_written",
    LeaveTokensEnded => "quota::leave::tokens_ended",
    ReleaseOrdersExpired => "quota::release::orders_expired",
    ReleaseRegistrationsEnded => "quota::release::registrations_ended",
    ReleaseTokensEnded => "quota::release::tokens_ended",
    SettleLocked => "payments::settle::locked",
    SettlePlacesSold => "payments::settle::places_sold",
    SettlePlacesTakenBack => "payments::settle::places_taken_back",
    SettleOrderPaid => "payments::settle::order_paid",
    SettlePaymentKept => "payments::settle::payment_kept",
    SettleBooked => "payments::settle::booked",
    SettleRefundableKept => "payments::settle::refundable_kept",
    SettleLateBooked => "payments::settle::refundable_booked",
    SettleRefundEnqueued => "payments::settle::refund_enqueued",
    PreOrderRegistered => "inquiries::pre_order::registered",
    PreOrderKept => "inquiries::pre_order::kept",
    InquiryEnqueued => "inquiries::enqueued",
    InquiryAsked => "inquiries::asked",
    InquiryClosedThere => "inquiries::closed_there",
    InquiryClosingKept => "inquiries::closing_kept",
    InquiryDone => "inquiries::done",
    OutboxClaimed => "outbox::claimed",
    RefundProviderCalled => "refund::provider_called",
    RefundWorkDone => "refund::work_done",
    RefundLatePaymentMarked => "refund::late_payment_marked",
    RefundPaymentMarked => "refund::payment_marked",
    RefundDoneBooked => "refund::done_booked",
    RefundOrderEnded => "refund::order_ended",
    RefundPlacesGivenBack => "refund::places_given_back",
    RefundOrderMarked => "refund::order_marked",
    RefundPartMarked => "refund::part_marked",
    RefundPartEnded => "refund::part_ended",
    RefundBooked => "refund::booked",
    CancelOrderCancelled => "refund::order_cancelled",
    SsoCallNoted => "sso::call_noted",
    SsoAccountInserted => "sso::account_inserted",
    SsoMemberKept => "sso::member_kept",
    SsoMailEnqueued => "sso::mail_enqueued",
    SsoNoticesEnqueued => "sso::notices_enqueued",
    DrawAnnounced => "draws::announced",
    DrawListReplaced => "draws::list_replaced",
    DrawLineClosed => "draws::line_closed",
    DrawEntrantsFixed => "draws::entrants_fixed",
    DrawTried => "draws::tried",
    DrawWorkedOut => "draws::worked_out",
    DrawRevealed => "draws::revealed",
    DrawKept => "draws::kept",
    HawkNonceSpent => "hawk::nonce_spent",
    RegistTryTaken => "regist::try_taken",
    RegistAccountInserted => "regist::account_inserted",
    RegistAgentBound => "regist::agent_bound",
    RegistCodeForgotten => "regist::code_forgotten",
}

/// Ends the process here if the environment asked for it, as a power cut would: no handler runs, nothing is flushed.
#[inline]
pub fn pass(point: Failpoint) {
    // Without failpoints the macro below is empty.
    let _ = point;
    fail::fail_point!(point.name(), |_: Option<String>| {
        eprintln!("failpoint {}", point.name());
        std::process::abort()
    });
}

/// Reads `FAILPOINTS`, once, in a program that has them.
///
/// # Errors
/// The variable is set for a program that was built without them, or names a point that does not exist.
pub fn arm() -> anyhow::Result<()> {
    let Ok(asked) = std::env::var("FAILPOINTS") else { return Ok(()) };
    anyhow::ensure!(fail::has_failpoints(), "FAILPOINTS is set, but this program was built without them");
    for term in asked.split(';').filter(|term| !term.is_empty()) {
        let (name, actions) = term.split_once('=').unwrap_or((term, ""));
        anyhow::ensure!(Failpoint::ALL.iter().any(|point| point.name() == name), "FAILPOINTS: there is no {name}");
        fail::cfg(name, actions).map_err(|reason| anyhow::anyhow!("FAILPOINTS: {name}: {reason}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_distinct_and_an_unarmed_point_is_passed() {
        let names: HashSet<&str> = Failpoint::ALL.iter().map(|point| point.name()).collect();
        assert_eq!(names.len(), Failpoint::ALL.len());
        for point in Failpoint::ALL {
            pass(*point);
        }
    }
}
