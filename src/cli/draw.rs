//! `matchday draw …`: checking a draw from its published files, without a server or a network.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use actors::draw::bundle::Bundle;
use actors::draw::receipt::Receipt;
use actors::draw::verification::{Check, Step, standing, verify, verify_receipt};
use anyhow::Context as _;
use clap::Subcommand;
use serde::de::DeserializeOwned;

#[derive(Subcommand)]
pub enum DrawCommand {
    /// Check a whole draw, and that an entrant is in it; exit code 0 when everything holds, 1 when anything does not
    Verify {
        /// The bundle as /api/draws/GAME/bundle answers it
        bundle: PathBuf,
        /// An entrant's receipt as /api/queue/TOKEN/receipt answers it
        #[arg(long, value_name = "FILE")]
        receipt: Option<PathBuf>,
        /// The queue token that the receipt must be of
        #[arg(long, requires = "receipt")]
        token: Option<String>,
    },
}

impl DrawCommand {
    pub fn run(self) -> anyhow::Result<()> {
        let Self::Verify { bundle, receipt, token } = self;
        let bundle: Bundle = read(&bundle)?;
        let mut checks = verify(&bundle);
        let receipt = receipt.map(|file| read::<Receipt>(&file)).transpose()?;
        if let Some(receipt) = &receipt {
            checks.extend(verify_receipt(&bundle, receipt, token.as_deref()));
        }
        let mut out = std::io::stdout().lock();
        for check in &checks {
            writeln!(out, "{}", line(check))?;
        }
        let failed = checks.iter().filter(|check| check.failure.is_some()).count();
        anyhow::ensure!(failed == 0, "{failed} of {} steps failed", checks.len());
        if let Some(drawn) = &bundle.drawn {
            let (winners, entrants) = (drawn.winners, bundle.entrants.len());
            writeln!(out, "game {}: {winners} of {entrants} entries win", bundle.terms.game_id)?;
            let sequence = receipt.map(|receipt| receipt.leaf.sequence);
            if let Some((position, wins)) = sequence.and_then(|sequence| standing(drawn, sequence)) {
                let place = if wins { "a winner" } else { "in the wait round" };
                writeln!(out, "the receipt's entry is {place}, position {position}")?;
            }
        }
        Ok(())
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    serde_json::from_reader(BufReader::new(file)).with_context(|| format!("{} cannot be read", path.display()))
}

fn line(check: &Check) -> String {
    let what = match check.step {
        Step::Form => "the parts are complete and well formed",
        Step::Root => "the Merkle root is that of the terms and entrants",
        Step::Drawn => "the draw was made",
        Step::Commitment => "the secret is the one that was committed to",
        Step::Result => "the order and the winners follow from the secret and the public value",
        Step::Proof => "the receipt's proof leads to its root",
        Step::Receipt => "the receipt's entrant is in this draw",
        Step::Token => "the receipt is this token's",
    };
    match &check.failure {
        None => format!("ok      {what}"),
        Some(failure) => format!("FAILED  {what}: {failure}"),
    }
}
