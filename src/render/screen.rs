//! What a class sees: the question, the ladder of the scene that answers it, the answer, and the rows that it rests on. All of
//! it is still there when the prompt is back.

use super::phrases::{USUAL, has_usual, summary};
use super::picture::{Extent, Picture};
use super::sheet::{Notes, Sheet};
use super::table::{HEADER, add, answer, heading, line, note};
use super::{RenderOptions, ladder, sentences};
use crate::vocabulary::{Host, Report, Row, SceneReport, Verdict};

/// One lesson on one screen. A row that differs, and a scene that could not run, are shown whatever that costs.
pub(super) fn report(report: &Report, host: &Host, options: RenderOptions) -> String {
    let mut text = heading(&format!("{}: {}", report.lesson, report.question), options);
    let sentences = sentences::all(report, options);
    if let Some(sentences) = &sentences {
        text.push_str(sentences);
    } else if options.ladder
        && let Some(picture) = report.key_scene().and_then(|scene| Picture::of_scene(scene, Extent::Brief))
    {
        text.push_str(&ladder::draw(&picture, options));
        text.push('\n');
    }
    text.push_str(&answer(report, options));

    let rows = shown(report, sentences.is_none());
    let notes = Notes::of(rows.iter().filter_map(|row| note(row)));
    let mut sheet = Sheet::new(options, &HEADER);
    sheet.scene("");
    rows.iter().for_each(|row| add(&mut sheet, row, &notes));
    if !rows.is_empty() {
        sheet.tables(1..3).iter().for_each(|(_, table)| line(&mut text, table));
    }
    text.push_str(&notes.lines(options));
    for scene in report.scenes.iter().filter(|scene| scene.stopped.is_some()) {
        let reason = scene.stopped.as_deref().unwrap_or_default();
        line(&mut text, &options.wrap(&format!("Could not run: {}: {reason}", scene.title), "    "));
    }
    for note in report.notes() {
        line(&mut text, &options.wrap(&format!("Note: {note}."), "    "));
    }
    let typical = if has_usual(report) { format!(".  {USUAL}") } else { ".".to_owned() };
    line(&mut text, &options.wrap(&(summary(report.tally(), host) + &typical), ""));
    if options.why {
        line(&mut text, &options.wrap(&format!("Why: {}", report.why), ""));
    }
    line(&mut text, &options.wrap(&format!("{} Next: udp-lab {}", scenes(report), report.next), ""));
    text
}

/// The rows that answer the question, where `keys` are wanted, and all that differ.
fn shown(report: &Report, keys: bool) -> Vec<&Row> {
    let mut rows: Vec<&Row> = report.key_rows().filter(|_| keys).collect();
    for row in report.rows().filter(|row| row.verdict == Verdict::Differs) {
        if !rows.iter().any(|shown| shown.id == row.id) {
            rows.push(row);
        }
    }
    rows
}

/// What else there is to see.
fn scenes(report: &Report) -> String {
    let names =
        (1..).zip(&report.scenes).map(|(number, scene): (usize, &SceneReport)| format!("{number} {}", scene.id));
    format!("Scenes (--scene N): {}. All rows: --full.", names.collect::<Vec<_>>().join(", "))
}
