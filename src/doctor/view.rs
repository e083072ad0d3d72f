//! Shows what was found, for people and for programs.

use serde_json::{Value, json};

use super::Checkup;
use super::probe::Skipped;
use crate::render::{RenderOptions, json, table};

/// For people, and for pasting.
pub fn table(checkup: &Checkup, options: RenderOptions) -> String {
    let findings = checkup.findings.iter().map(|finding| (finding.name.to_owned(), finding.text.clone()));
    let mut text = table::pairs(["This machine", ""], &findings.collect::<Vec<_>>(), options);
    text.push('\n');
    if checkup.loopback.is_err() {
        text.push_str("No lesson can run: loopback does not work.\n");
    } else if checkup.skipped.is_empty() {
        text.push_str("What will be skipped: nothing.\n");
    } else {
        let group = |group: &Skipped| [group.reason.clone(), group.lesson.to_owned(), group.rows.len().to_string()];
        let header = ["What will be skipped, and why", "Lesson", "Rows"];
        text.push_str(&table::grid(&header, checkup.skipped.iter().map(group), options));
    }
    text
}

/// For programs: schema 1.
pub fn json(checkup: &Checkup) -> String {
    let findings = checkup.findings.iter();
    let findings: Vec<Value> = findings
        .map(|finding| json!({ "id": finding.id, "name": finding.name, "text": finding.text, "value": finding.value }))
        .collect();
    let skipped = checkup.skipped.iter();
    let skipped: Vec<Value> =
        skipped.map(|group| json!({ "reason": group.reason, "lesson": group.lesson, "rows": group.rows })).collect();
    json::pretty(&json!({ "schema": 1, "host": checkup.host, "findings": findings, "skipped": skipped }))
}
