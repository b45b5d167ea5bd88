//! `matchday doctor`: exit code 0, or 1 when something is wrong.

use std::process::ExitCode;

use crate::config::{Faults, Loaded};
use crate::doctor::{self, Report};

pub fn run(loaded: Result<Loaded, Faults>) -> ExitCode {
    let report = match loaded {
        Ok(loaded) => actix_rt::System::new().block_on(doctor::examine(loaded.config)),
        Err(faults) => Report::of_faults(&faults),
    };
    print!("{report}");
    if report.has_wrong() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
