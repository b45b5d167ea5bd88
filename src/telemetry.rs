//! Logs: JSON or text lines on standard error, and panics with their place. No personal data goes into a line: no
//! names, phones, certificates, tokens, and no paths or queries that may carry them.

use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::Log;

/// Starts logging for the process. Called once, before anything else is built.
pub fn init(log: &Log) -> anyhow::Result<()> {
    let registry = tracing_subscriber::registry().with(EnvFilter::try_new(&log.level)?);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    if log.format == "json" {
        registry.with(lines.json().flatten_event(true).with_current_span(true).with_span_list(false)).try_init()?;
    } else {
        let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
        registry.with(lines.with_ansi(colours)).try_init()?;
    }
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    // A formatted message may quote what somebody typed; a literal one cannot.
    let message = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(formatted message left out)");
    let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line())).unwrap_or_default();
    tracing::error!(place, message, "panic");
}
