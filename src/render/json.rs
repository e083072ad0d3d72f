//! Reports as JSON, schema 1.

use serde::Serialize;

use super::Results;
use crate::vocabulary::{Host, Report};

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    host: &'a Host,
    reports: &'a [Report],
}

/// All reports of a run in one document.
pub fn reports(results: &Results<'_>) -> String {
    pretty(&Document { schema: 1, host: results.host, reports: results.reports })
}

/// Any other value, laid out alike.
pub fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("reports are plain data with text keys") + "\n"
}
