//! `matchday draw verify` over the vector that an independent program computed.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

struct Files {
    folder: tempfile::TempDir,
    vector: Value,
}

impl Files {
    fn new() -> Self {
        let vector = serde_json::from_str(include_str!("../vectors/draw.json")).unwrap();
        Self { folder: tempfile::tempdir().unwrap(), vector }
    }

    fn write(&self, name: &str, value: &Value) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, value.to_string()).unwrap();
        path
    }

    /// The exit code and what was printed.
    fn verify(&self, bundle: &Value, receipt: Option<&Value>, token: Option<&str>) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_matchday"));
        command.args(["draw", "verify"]).arg(self.write("bundle.json", bundle));
        if let Some(receipt) = receipt {
            command.arg("--receipt").arg(self.write("receipt.json", receipt));
        }
        if let Some(token) = token {
            command.args(["--token", token]);
        }
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }
}

#[test]
fn sound_draw_passes_every_step() {
    let files = Files::new();
    let (bundle, receipt) = (&files.vector["bundle"], &files.vector["receipt"]);
    let (code, said) = files.verify(bundle, Some(receipt), Some("token-4"));
    assert_eq!(code, 0, "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), 8, "{said}");
    assert!(said.contains("7 of 13 entries win"), "{said}");
    assert!(said.contains("a winner, position 7"), "{said}");
    assert_eq!(files.verify(bundle, None, None).0, 0);
}

#[test]
fn any_change_ends_with_code_one_and_names_the_step() {
    let files = Files::new();
    let fails = |bundle: &Value, receipt: Option<&Value>, token: Option<&str>, what: &str| {
        let (code, said) = files.verify(bundle, receipt, token);
        assert_eq!(code, 1, "{said}");
        let failed = said.lines().any(|line| line.starts_with("FAILED") && line.contains(what));
        assert!(failed, "{what}: {said}");
    };
    let (bundle, receipt) = (&files.vector["bundle"], &files.vector["receipt"]);
    let mut swapped = bundle.clone();
    swapped["order"][0] = bundle["order"][7].clone();
    swapped["order"][7] = bundle["order"][0].clone();
    fails(&swapped, None, None, "the order and the winners");
    let mut other_secret = bundle.clone();
    other_secret["secret"] = "11".repeat(32).into();
    fails(&other_secret, None, None, "committed to");
    let mut larger = bundle.clone();
    larger["places"] = 10.into();
    fails(&larger, None, None, "Merkle root");
    let mut open = bundle.clone();
    open.as_object_mut().unwrap().remove("order");
    fails(&open, None, None, "the draw was made");
    let mut forged = receipt.clone();
    forged["leaf"]["size"] = 3.into();
    fails(bundle, Some(&forged), None, "proof");
    fails(bundle, Some(receipt), Some("token-5"), "this token's");

    assert_eq!(files.verify(&Value::Null, None, None).0, 1, "not a bundle");
}
