//! A record: what one system answered to every lesson, small and stable enough to be kept and compared.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::vocabulary::{Machine, Os, Report, Row, Verdict};

/// What one system answered on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The number of this form.
    pub schema: u32,
    /// The system, as it names itself.
    pub host: RecordedHost,
    /// What the system ran in, where it was not a machine of its own: an emulator, a sandbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// The version of this program.
    pub version: String,
    /// The day of the run in UTC, `2026-11-25`.
    pub date: String,
    /// What became of each row of the lessons, by the lesson and the row's id: `delivery/prefix`.
    pub rows: BTreeMap<String, RecordedRow>,
}

/// The system, as it names itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedHost {
    /// The system whose answers were expected.
    pub os: Os,
    /// The kernel's release.
    pub release: String,
    /// The processor architecture.
    pub arch: String,
}

/// What became of one row: the verdict of that day, with what was observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordedRow {
    /// What was expected.
    Match(String),
    /// Something else.
    Differs(String),
    /// This, where nobody has confirmed what to expect. What is only measured is a number of one machine on one day,
    /// and no answer: it is not kept.
    Info(Option<String>),
    /// Nothing, for this reason.
    Skipped(String),
}

impl Record {
    /// The record of a run of every lesson on `host`, `within` an emulator or a sandbox where it was in one.
    pub fn of(reports: &[Report], host: &Machine, within: Option<String>) -> Self {
        let of_report = |report: &Report| -> Vec<(String, RecordedRow)> {
            report.rows().map(|row| (name(report.lesson, &row.id), RecordedRow::of(row))).collect()
        };
        Record {
            schema: 2,
            host: RecordedHost { os: host.os, release: host.release.clone(), arch: host.arch.to_owned() },
            within,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            date: reports.first().map(|report| day(report.began)).unwrap_or_default(),
            rows: reports.iter().flat_map(of_report).collect(),
        }
    }

    /// The row `id` of `lesson`; `None` where the record does not have it.
    pub fn row(&self, lesson: &str, id: &str) -> Option<&RecordedRow> {
        self.rows.get(&name(lesson, id))
    }
}

fn name(lesson: &str, id: &str) -> String {
    format!("{lesson}/{id}")
}

impl RecordedRow {
    fn of(row: &Row) -> Self {
        let observed = row.observed.clone();
        match row.verdict {
            Verdict::Match => RecordedRow::Match(observed),
            Verdict::Differs => RecordedRow::Differs(observed),
            Verdict::Info => RecordedRow::Info((!row.is_measured).then_some(observed)),
            Verdict::Skipped => RecordedRow::Skipped(kept(row.reason.as_deref().unwrap_or_default(), row.advice)),
        }
    }

    /// What was observed, where something was that is an answer.
    pub fn observed(&self) -> Option<&str> {
        match self {
            RecordedRow::Match(observed) | RecordedRow::Differs(observed) => Some(observed),
            RecordedRow::Info(observed) => observed.as_deref(),
            RecordedRow::Skipped(_) => None,
        }
    }
}

/// The day of a time; nothing where the clock is so wrong that it has none of four digits' years.
fn day(time: SystemTime) -> String {
    // The years 1970 to 9999: of others humantime panics.
    const YEARS: Range<Duration> = Duration::ZERO..Duration::from_secs(253_402_300_800);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) if YEARS.contains(&since) => {
            let time = humantime::format_rfc3339_seconds(time).to_string();
            time.split('T').next().unwrap_or_default().to_owned()
        }
        _ => String::new(),
    }
}

/// What is kept of the reason why a row was skipped: not what the user of that machine may do about it, and no port
/// that the system chose, as the next run has another one.
fn kept(reason: &str, advice: Option<&str>) -> String {
    let reason = advice.and_then(|advice| reason.strip_suffix(advice)).unwrap_or(reason);
    without_ports(reason.trim_end().trim_end_matches('.'))
}

/// `text` with addresses that have no ports.
fn without_ports(text: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_end_matches([':', ',', '.', ';']);
        match bare.parse::<SocketAddr>() {
            Ok(address) => format!("{}{}", address.ip(), &word[bare.len()..]),
            Err(_) => word.to_owned(),
        }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_wrong_has_no_day() {
        let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
        assert_eq!((day(UNIX_EPOCH).as_str(), day(last).as_str()), ("1970-01-01", "9999-12-31"));
        for time in [UNIX_EPOCH - Duration::from_secs(1), last + Duration::from_secs(1)] {
            assert_eq!(day(time), "");
        }
    }

    #[test]
    fn a_reason_is_the_same_whatever_port_the_system_chose() {
        assert_eq!(kept("bind 127.0.0.1:35996: in use. End it.", Some("End it.")), "bind 127.0.0.1: in use");
        assert_eq!(kept("at 12:30, of 127.0.0.2, see [::1]:9", None), "at 12:30, of 127.0.0.2, see ::1");
    }
}
