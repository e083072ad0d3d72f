//! Results as lines `key: value`, without tables or pictures: for screen readers, and for grep.

use std::fmt::Write;

use super::phrases::{answered, because, summary};
use super::picture::{Extent, Picture};
use super::{RenderOptions, Results};
use crate::vocabulary::{Report, Row, SceneReport};

/// Every lesson of a run.
pub fn reports(results: &Results<'_>) -> String {
    let mut lines = Lines::new(results.options);
    for report in results.reports {
        lines.report(report, &summary(report.tally(), results.host), &results.invocation.again);
    }
    if let Some(sum) = results.sum() {
        lines.group();
        lines.line("lesson", "all");
        lines.line("summary", &summary(sum, results.host));
    }
    lines.text
}

/// Records, each in a group of its own.
pub fn records<const N: usize>(header: [&str; N], rows: &[[&str; N]], options: RenderOptions) -> String {
    let mut lines = Lines::new(options);
    for row in rows {
        lines.group();
        header.iter().zip(row).for_each(|(key, value)| lines.line(key, value));
    }
    lines.text
}

/// Lines that are being written, in groups with an empty line between them.
pub(super) struct Lines {
    options: RenderOptions,
    pub(super) text: String,
}

impl Lines {
    pub(super) fn new(options: RenderOptions) -> Self {
        Lines { options, text: String::new() }
    }

    pub(super) fn group(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// One line, whatever the value holds: a line break in it would look like another key.
    pub(super) fn line(&mut self, key: &str, value: &str) {
        let value = self.options.line(value);
        let _ = writeln!(self.text, "{}", format!("{key}: {value}").trim_end());
    }

    fn report(&mut self, report: &Report, summary: &str, again: &str) {
        self.group();
        self.line("lesson", report.lesson);
        self.line("title", report.title);
        self.line("question", report.question);
        if let Some(answer) = report.answered() {
            self.line("answer", &answered(&answer));
        }
        for scene in &report.scenes {
            match Picture::of_scene(scene, Extent::of(self.options.detail)).filter(|_| self.options.ladder) {
                Some(Picture::Ladder(ladder)) => self.picture("step", &ladder.title, ladder.in_words()),
                Some(Picture::Bars(scenes)) => {
                    scenes.iter().for_each(|scene| self.picture("served", &scene.caption(), scene.in_words()));
                }
                None => {}
            }
            for (place, row) in scene.rows.iter().enumerate() {
                self.group();
                if place == 0 {
                    self.scene(scene);
                }
                self.row(row, report.is_key(row));
            }
        }
        self.group();
        self.line("summary", summary);
        report.notes().iter().for_each(|note| self.line("note", note));
        self.line("why", report.why);
        self.line("next", &format!("{again} {}", report.next));
    }

    fn scene(&mut self, scene: &SceneReport) {
        self.line("scene", &scene.title);
        if let Some((sentence, truth)) = scene.tested() {
            self.line("sentence", sentence.text);
            self.line("holds", truth.words());
            self.line("because", &because(sentence, truth, &scene.rows));
        }
    }

    fn row(&mut self, row: &Row, is_key: bool) {
        self.line("property", &row.property);
        self.line("expected", &row.expected);
        self.line("observed", &row.observed);
        self.line("verdict", row.verdict.word());
        if let Some(reason) = &row.reason {
            self.line("reason", reason);
        }
        self.line("strength", row.strength.word());
        self.line("source", row.source.cite);
        self.line("id", &row.id);
        if is_key {
            self.line("key", "yes");
        }
    }

    fn picture(&mut self, key: &str, title: &str, words: impl Iterator<Item = String>) {
        self.group();
        self.line("picture", title);
        words.for_each(|words| self.line(key, &words));
    }
}
