//! What is wrong with a setting: where it was written, which key, and why. Values are never repeated, for they may be
//! secrets.

use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A file, an environment variable or a flag.
    pub origin: String,
    /// `section.key`, or empty when the fault is not about one key.
    pub key: String,
    pub reason: String,
}

impl Fault {
    pub fn new(origin: impl Into<String>, key: impl Into<String>, reason: impl ToString) -> Self {
        Self { origin: origin.into(), key: key.into(), reason: reason.to_string() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.origin)?;
        if !self.key.is_empty() {
            write!(out, "{}: ", self.key)?;
        }
        out.write_str(&self.reason)
    }
}

/// All faults of a configuration, one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let noun = if count == 1 { "fault" } else { "faults" };
        write!(out, "{count} {noun} in the configuration:")?;
        for fault in &self.0 {
            write!(out, "\n  {fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
