//! Results as comma-separated values (RFC 4180), for spreadsheets: a header, then one line for each row.
//!
//! Lines end as the tools of Unix want them; every reader of the format takes that as well.

use super::{RenderOptions, Results};
use crate::vocabulary::{Report, Row, SceneReport};

const HEADER: [&str; 10] =
    ["lesson", "scene", "id", "property", "expected", "observed", "verdict", "strength", "source", "reason"];

/// Every row of every lesson of a run.
pub fn reports(results: &Results<'_>) -> String {
    marked(records([HEADER].into_iter().chain(results.reports.iter().flat_map(lesson))), results.options)
}

/// The text behind a byte-order mark, where that is asked for: by it alone Excel knows UTF-8. Others take it for a part
/// of the first name.
pub fn marked(text: String, options: RenderOptions) -> String {
    if options.byte_order_mark { format!("\u{feff}{text}") } else { text }
}

fn lesson(report: &Report) -> impl Iterator<Item = [&str; 10]> {
    report.scenes.iter().flat_map(|scene| scene.rows.iter().map(|row| fields(report.lesson, scene, row)))
}

fn fields<'a>(lesson: &'a str, scene: &'a SceneReport, row: &'a Row) -> [&'a str; 10] {
    let (verdict, strength) = (row.verdict.word(), row.strength.word());
    let reason = row.reason.as_deref().unwrap_or_default();
    let Row { id, property, expected, observed, .. } = row;
    [lesson, &scene.title, id, property, expected, observed, verdict, strength, row.source.cite, reason]
}

/// Records, the first of which is the header.
pub fn records<S: AsRef<str>>(records: impl IntoIterator<Item: AsRef<[S]>>) -> String {
    let mut text = String::new();
    for fields in records {
        let fields: Vec<String> = fields.as_ref().iter().map(|text| field(text.as_ref())).collect();
        text += &fields.join(",");
        text.push('\n');
    }
    text
}

/// In quotation marks where the text could be taken for structure; a quotation mark within is doubled.
fn field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_stays_one_field() {
        let text = records([["a", "b"], ["x", "say \"hi\""], ["1,2", "line\r\nbreak"]]);
        assert_eq!(text, "a,b\nx,\"say \"\"hi\"\"\"\n\"1,2\",\"line\r\nbreak\"\n");
    }
}
