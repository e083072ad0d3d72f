//! What a class sees: the question, the ladder of the scene that answers it, the answer, and the rows that it rests on.
//! All of it is still there when the prompt is back.

use super::phrases::{TYPICAL, each_once, has_typical, rows_as_expected};
use super::sheet::{LEAST_FOR_FRAMES, Notes, Sheet};
use super::table::{HEADER, add, answer, happened, heading, line, note, skipped_for};
use super::{RenderOptions, Results, ladder, sentences, together};
use crate::vocabulary::{Machine, Report, Row, SceneReport, Verdict, listed};

/// Lines of a terminal of 24 that are there above the prompt.
const VISIBLE: usize = 23;

/// A picture with less room, its header included, is not worth it.
const LEAST_PICTURE: usize = 4;

/// Lines of a picture that is scrolled away anyhow.
const SCROLLED_PICTURE: usize = 7;

/// One lesson on one screen. A row that differs, and a scene that could not run, are shown whatever that costs.
pub(super) fn report(report: &Report, results: &Results<'_>) -> String {
    let options = results.options;
    let question = question(report, options);
    let sentences = sentences::all(report, options);
    let below = below_the_picture(report, results, sentences.is_none());
    match (&sentences, report.key_scene()) {
        (Some(sentences), _) => question + sentences + &below,
        (None, Some(scene)) if options.ladder => {
            with_picture(scene, &question, &below, options).unwrap_or_else(|| question + &below)
        }
        (None, _) => question + &below,
    }
}

/// The question, the picture and what stands `below` it: so short that all of them are on the screen together, with
/// blank lines around the picture where these cost nothing. Where there is no room for it the question is said again
/// below it.
fn with_picture(scene: &SceneReport, question: &str, below: &str, options: RenderOptions) -> Option<String> {
    let others = question.lines().count() + below.lines().count();
    let room = match options.width {
        _ if options.why => usize::MAX,
        width if width < LEAST_FOR_FRAMES => usize::MAX,
        _ => VISIBLE.saturating_sub(others),
    };
    let picture = ladder::brief(scene, if room < LEAST_PICTURE { SCROLLED_PICTURE } else { room }, options)?;
    let lines = picture.lines().count();
    Some(match () {
        () if lines.saturating_add(2) <= room => format!("{question}\n{picture}\n{below}"),
        () if lines <= room => format!("{question}{picture}{below}"),
        () if others <= VISIBLE => format!("{question}\n{picture}\n{question}{below}"),
        () => format!("{question}\n{picture}\n{below}"),
    })
}

/// The answer, the rows that it rests on where `with_rows`, and the way to more.
fn below_the_picture(report: &Report, results: &Results<'_>, with_rows: bool) -> String {
    let options = results.options;
    let mut text = answer(report.answered(), options);
    // Where there are sentences, the key rows stand below them.
    let keys = report.key_rows().filter(|_| with_rows);
    text.push_str(&rows(&with_differing(keys, report), report, options));
    line(&mut text, &options.wrap(&counts(report, results.host), ""));
    if options.why {
        line(&mut text, &options.wrap(&format!("Why: {}", report.why), ""));
    }
    line(&mut text, &options.wrap(&more(report, results), ""));
    text
}

/// One lesson among all: its question, its answer, and what was not as expected.
pub(super) fn entry(report: &Report, results: &Results<'_>) -> String {
    let options = results.options;
    let mut text = question(report, options);
    text.push_str(&sentences::in_brief(report, options));
    text.push_str(&answer(report.answered(), options));
    text.push_str(&rows(&with_differing([], report), report, options));
    line(&mut text, &options.wrap(&rows_as_expected(report.tally()), ""));
    text
}

/// What stands below the entries of several lessons.
pub(super) fn end(results: &Results<'_>) -> String {
    let sum = results.reports.iter().map(Report::tally).sum();
    let again = &results.invocation.again;
    let command = |arguments: &str| together(&format!("{again} {arguments}"));
    let more = format!("One lesson: {}. All rows: {}", command(results.reports[0].lesson), command("all --full"));
    let sentence = format!("all: {} on {}. {more}", rows_as_expected(sum), results.host.short());
    results.options.wrap(&sentence, "") + "\n"
}

fn question(report: &Report, options: RenderOptions) -> String {
    heading(&format!("{}: {}", report.lesson, report.question), options)
}

/// `rows`, and after them all others that differ.
fn with_differing<'r>(rows: impl IntoIterator<Item = &'r Row>, report: &'r Report) -> Vec<&'r Row> {
    let mut shown: Vec<&Row> = rows.into_iter().collect();
    for row in report.rows().filter(|row| row.verdict == Verdict::Differs) {
        if !shown.iter().any(|known| known.id == row.id) {
            shown.push(row);
        }
    }
    shown
}

/// The table of these rows, where there are any, with their notes; the scenes that could not run, and what else
/// happened.
fn rows(rows: &[&Row], report: &Report, options: RenderOptions) -> String {
    let notes = Notes::of(rows.iter().filter_map(|row| note(row)));
    let below = notes.lines(options) + &problems(report, &notes, options);
    if rows.is_empty() {
        return below;
    }
    let mut sheet = Sheet::new(options, &HEADER);
    sheet.scene("");
    rows.iter().for_each(|row| add(&mut sheet, row, &notes));
    let tables = sheet.tables(1..3).into_iter().map(|(_, table)| table + "\n");
    tables.collect::<String>() + &below
}

/// The scenes that could not run, each reason once, and what else happened.
fn problems(report: &Report, notes: &Notes, options: RenderOptions) -> String {
    let stopped = || report.scenes.iter().filter_map(|scene| Some((scene.number, scene.stopped.as_deref()?)));
    let sentence = |reason: &str| {
        let scenes: Vec<_> =
            stopped().filter(|(_, other)| *other == reason).map(|(number, _)| number.to_string()).collect();
        let scenes = match &scenes[..] {
            [scene] => format!("Scene {scene}"),
            scenes => format!("Scenes {}", listed(scenes)),
        };
        let sentence = match notes.number_of(&skipped_for(reason)) {
            Some(number) => format!("{scenes} could not run: see [{number}]."),
            None => format!("{scenes} could not run: {reason}"),
        };
        options.wrap(&sentence, "    ") + "\n"
    };
    let reasons = each_once(stopped().map(|(_, reason)| reason));
    reasons.into_iter().map(sentence).collect::<String>() + &happened(report, options)
}

/// How many rows were as expected, and what the mark in front of some means.
fn counts(report: &Report, host: &Machine) -> String {
    // On a line of its own where both do not fit: it is no end of the sentence before it.
    let mark = if has_typical(report) { format!("  {}", together(TYPICAL)) } else { String::new() };
    format!("{} on {}.{mark}", rows_as_expected(report.tally()), together(&host.short()))
}

/// What else there is to see, and what comes next: on one line, if that can be.
fn more(report: &Report, results: &Results<'_>) -> String {
    let last = report.scenes.last().map_or(1, |scene| scene.number);
    let next = together(&format!("Next: {} {}", results.invocation.again, report.next));
    let line = |names: &str| {
        let scenes = together(&format!("Scenes: --scene 1 to {last}{names}."));
        format!("{scenes} {} {next}", together("All: --full."))
    };
    let named = line(" (see --help)");
    if named.chars().count() <= results.options.width.into() { named } else { line("") }
}
