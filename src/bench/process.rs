//! What the kernel says about a process and this machine, read from /proc.

use std::fs;

use anyhow::Context as _;
use serde::Serialize;

/// The unit of /proc/<pid>/stat times that Linux shows to user space on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// User and system time of all threads since the process started.
    pub cpu_seconds: f64,
    pub resident_bytes: u64,
    pub peak_resident_bytes: u64,
}

/// # Errors
/// There is no such process, or this is not Linux.
pub fn usage(pid: u32) -> anyhow::Result<Usage> {
    let read = |file: &str| {
        let path = format!("/proc/{pid}/{file}");
        fs::read_to_string(&path).with_context(|| format!("--pid {pid}: cannot read {path}"))
    };
    let cpu_seconds = cpu_seconds(&read("stat")?).with_context(|| format!("--pid {pid}: unreadable stat"))?;
    let status = read("status")?;
    let bytes = |key| kibibytes(&status, key).with_context(|| format!("--pid {pid}: no {key} in status"));
    Ok(Usage { cpu_seconds, resident_bytes: bytes("VmRSS")?, peak_resident_bytes: bytes("VmHWM")? })
}

/// The process' name is in brackets and may hold spaces and brackets itself, so fields are counted from the last one.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) as f64 / TICKS_PER_SECOND)
}

fn kibibytes(status: &str, key: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    let number: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(number * 1024)
}

#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    pub cores: usize,
    pub cpu: String,
    pub kernel: String,
    /// The cores this load generator may run on.
    pub load_cores: String,
}

pub fn machine() -> Machine {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, key: &str| {
        text.lines()
            .find(|line| line.starts_with(key))
            .and_then(|line| line.split_once(':'))
            .map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let cpu_table = text("/proc/cpuinfo");
    Machine {
        cores: cpu_table.lines().filter(|line| line.starts_with("processor")).count(),
        cpu: field(&cpu_table, "model name"),
        kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
        load_cores: field(&text("/proc/self/status"), "Cpus_allowed_list"),
    }
}

/// How many files this process may have open at once; `None` when the kernel does not say.
pub fn open_file_limit() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_behind_a_name_with_brackets() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 9 9 20 0 4 0 1 1 1";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(cpu_seconds("42 (a) S 1"), None);
    }

    #[test]
    fn status_sizes_are_bytes() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(kibibytes(status, "VmRSS"), Some(1024 * 1024));
        assert_eq!(kibibytes(status, "VmHWM"), Some(2048 * 1024));
        assert_eq!(kibibytes(status, "VmSwap"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn own_process_has_a_size() {
        let own = usage(std::process::id()).unwrap();
        assert!(own.resident_bytes > 0 && own.peak_resident_bytes >= own.resident_bytes);
        assert!(machine().cores > 0);
        assert!(open_file_limit().unwrap() > 0);
        assert!(usage(u32::MAX).is_err());
    }
}
