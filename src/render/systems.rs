//! What systems really answered: a record as a file, and all records beside one another.

use std::fmt::Write;

use comfy_table::Color;
use serde_json::{Map, json};

use super::expectations::is_measured;
use super::markdown::{escaped, head, row, scene_row};
use super::phrases::{TYPICAL, property};
use super::plain::Lines;
use super::sheet::{Notes, Sheet};
use super::{Invocation, RenderOptions, csv, json, table};
use crate::systems::{Answer, Record, System, note_on};
use crate::vocabulary::{Claim, Expect, PredictedScene, Prediction};

/// What stands in a cell where the record has no answer yet.
const NOT_YET: &str = "not yet";

/// What stands in a cell where a number was measured.
const MEASURED: &str = "measured";

/// A record as the file that is kept: a line for each row, so that the differences of two runs can be read.
pub fn record(record: &Record) -> String {
    let mut text = String::from("{\n");
    let within = record.within.iter().map(|within| ("within", json!(within)));
    let first = [("schema", json!(record.schema)), ("host", json!(record.host))].into_iter();
    let last = [("version", json!(record.version)), ("date", json!(record.date))];
    for (key, value) in first.chain(within).chain(last) {
        let _ = writeln!(text, "  \"{key}\": {value},");
    }
    let rows: Vec<String> = record.rows.iter().map(|(name, row)| format!("    \"{name}\": {}", json!(row))).collect();
    let _ = writeln!(text, "  \"rows\": {{\n{}\n  }}\n}}", rows.join(",\n"));
    text
}

/// One claim on one system.
struct Entry<'a> {
    lesson: &'a str,
    claim: &'a Claim,
    system: &'a System,
    answer: Answer<'a>,
}

impl<'a> Entry<'a> {
    fn expected(&self) -> &Expect {
        self.claim.expected.on(self.system.record.host.os)
    }

    fn differs(&self) -> bool {
        matches!(self.answer, Answer::Differs(_))
    }

    /// What the cell shows.
    fn shown(&self) -> &'a str {
        match self.answer {
            Answer::AsExpected(observed) | Answer::Differs(observed) | Answer::Unjudged(observed) => observed,
            Answer::Measured => MEASURED,
            Answer::Skipped(_) => "-",
            Answer::NotYet => NOT_YET,
        }
    }

    /// What a reader of the cell must know beyond it.
    fn remark(&self) -> Option<String> {
        let note = note_on(self.system.name, self.lesson, &self.claim.id);
        let note = note.map(|note| format!(" {} ({}).", note.why, note.source)).unwrap_or_default();
        let remark = match self.answer {
            Answer::Differs(_) => format!("expected was {}.{note}", self.expected()),
            Answer::Skipped(reason) => format!("skipped: {}.{note}", reason.trim_end_matches('.')),
            Answer::Unjudged(_) => {
                let expected = self.expected().to_string();
                format!("expected is {}, which nobody has confirmed.", expected.trim_end_matches(" ?"))
            }
            Answer::AsExpected(_) | Answer::Measured | Answer::NotYet => return None,
        };
        Some(remark)
    }

    /// The same below a table, where it must say of which system it speaks.
    fn note(&self) -> Option<String> {
        self.remark().map(|remark| format!("{}: {remark}", self.system.title))
    }
}

/// A claim with what each system has for it.
struct Line<'a> {
    lesson: &'a str,
    scene: &'a str,
    claim: &'a Claim,
    entries: Vec<Entry<'a>>,
}

impl Line<'_> {
    /// The property, as the first column shows it.
    fn property(&self) -> String {
        property(&self.claim.property, self.claim.strength, is_measured(self.claim))
    }
}

fn lines<'a>(systems: &'a [System], lessons: &'a [Prediction]) -> impl Iterator<Item = Line<'a>> {
    lessons.iter().flat_map(move |prediction| {
        let lesson = prediction.lesson;
        let line = move |scene: &'a PredictedScene, claim: &'a Claim| {
            let entry = |system: &'a System| Entry { lesson, claim, system, answer: system.answer(lesson, claim) };
            Line { lesson, scene: &scene.title, claim, entries: systems.iter().map(entry).collect() }
        };
        prediction.scenes.iter().flat_map(move |scene| scene.claims.iter().map(move |claim| line(scene, claim)))
    })
}

fn entries<'a>(systems: &'a [System], lessons: &'a [Prediction]) -> impl Iterator<Item = Entry<'a>> {
    lines(systems, lessons).flat_map(|line| line.entries)
}

fn notes(systems: &[System], prediction: &Prediction) -> Notes {
    Notes::of(entries(systems, std::slice::from_ref(prediction)).filter_map(|entry| entry.note()))
}

/// One lesson for the terminal. Systems that answered the same share a line: there is no room for a column each.
pub fn sheet(systems: &[System], prediction: &Prediction, invocation: &Invocation, options: RenderOptions) -> String {
    let notes = notes(systems, prediction);
    let mut text = table::heading(&format!("{}: what systems answered", prediction.lesson), options);
    table::line(&mut text, &options.wrap(prediction.question, ""));
    text.push('\n');
    let mut drawn = Sheet::new(options, &["Property", "Answered", "Systems"]);
    let mut scene = "";
    for line in lines(systems, std::slice::from_ref(prediction)) {
        if scene != line.scene {
            scene = line.scene;
            drawn.scene(scene);
        }
        let mut property = line.property();
        for Shared { shown, differs, by } in shared(&line, &notes) {
            let cell = match differs {
                true => drawn.cell(&format!("{shown} differs")).fg(Color::DarkRed),
                false => drawn.cell(&shown),
            };
            drawn.row([drawn.cell(&std::mem::take(&mut property)), cell, drawn.cell(&by)]);
        }
    }
    table::line(&mut text, &drawn.finish(1..3));
    table::line(&mut text, TYPICAL);
    text.push_str(&notes.lines(options));
    table::line(&mut text, &format!("\nThe systems, and what else differs: {} systems", invocation.again));
    text
}

/// A cell that systems share.
struct Shared {
    shown: String,
    differs: bool,
    /// Which systems have it.
    by: String,
}

/// The cells of a line, each once. The one that most systems have does not name them.
fn shared(line: &Line<'_>, notes: &Notes) -> Vec<Shared> {
    let mut cells: Vec<(String, Vec<&Entry<'_>>)> = Vec::new();
    for entry in &line.entries {
        let cell = notes.marked(entry.shown(), entry.note().as_deref());
        match cells.iter_mut().find(|(known, _)| *known == cell) {
            Some((_, entries)) => entries.push(entry),
            None => cells.push((cell, vec![entry])),
        }
    }
    let most = cells.iter().map(|(_, entries)| entries.len()).max().filter(|most| *most > 1);
    let largest = cells.iter().position(|(_, entries)| Some(entries.len()) == most);
    let alone = cells.len() == 1;
    let share = |(place, (shown, entries)): (usize, (String, Vec<&Entry<'_>>))| {
        let by = match largest == Some(place) {
            true if alone => "all".to_owned(),
            true => "all but these".to_owned(),
            false => entries.iter().map(|entry| entry.system.title).collect::<Vec<_>>().join(", "),
        };
        Shared { shown, differs: entries.iter().any(|entry| entry.differs()), by }
    };
    cells.into_iter().enumerate().map(share).collect()
}

/// The heads of the counts, and the words that are counted.
const COUNTED: [(&str, &str); 4] =
    [("Match", "match"), ("Differ", "differs"), ("Skipped", "skipped"), ("Not yet recorded", NOT_YET)];

/// How many rows of a system got which answer, in the order of [`COUNTED`].
fn counts(system: &System, lessons: &[Prediction]) -> [usize; 4] {
    let system = std::slice::from_ref(system);
    COUNTED.map(|(_, word)| entries(system, lessons).filter(|entry| entry.answer.word() == word).count())
}

/// How a system names itself.
fn own_name(system: &System) -> String {
    let host = &system.record.host;
    format!("{} {}, {}", host.os.name(), host.release, host.arch)
}

/// A system in a few words: how it names itself, what it ran in and when, and how many rows got which answer.
fn in_words(system: &System, lessons: &[Prediction]) -> String {
    let within = system.record.within.iter().map(|within| format!(", in {within}"));
    let counts = COUNTED.iter().zip(counts(system, lessons)).filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts.map(|((head, _), count)| format!("{count} {}", head.to_lowercase())).collect();
    let own: String = [own_name(system)].into_iter().chain(within).collect();
    format!("{own}, {}: {}", system.record.date, counts.join(", "))
}

/// The answers that differ, a sentence or two each.
fn findings<'a>(systems: &'a [System], lessons: &'a [Prediction]) -> impl Iterator<Item = String> {
    entries(systems, lessons).filter(Entry::differs).map(|entry| {
        let Entry { lesson, claim, system, .. } = entry;
        let remark = entry.remark().unwrap_or_default();
        format!("{}, {lesson}, \"{}\": {}; {remark}", system.title, claim.property, entry.shown())
    })
}

/// The systems, and what differs on them, for the terminal.
pub fn overview(systems: &[System], lessons: &[Prediction], invocation: &Invocation, options: RenderOptions) -> String {
    let mut text = table::heading("What systems really answered", options);
    let words: Vec<String> = systems.iter().map(|system| in_words(system, lessons)).collect();
    let rows: Vec<_> = systems.iter().map(|system| system.title).zip(words.iter().map(String::as_str)).collect();
    text.push_str(&table::beside(&rows, options));
    for finding in findings(systems, lessons) {
        table::line(&mut text, &format!("\n{}", options.wrap(&finding, "  ")));
    }
    let again = &invocation.again;
    table::line(
        &mut text,
        &format!("\nA lesson row by row: {again} systems LESSON\nAdd your system: {again} record --help"),
    );
    text
}

/// The page of all systems and lessons, in Markdown.
pub fn page(systems: &[System], lessons: &[Prediction]) -> String {
    let mut page = format!("# What systems really answered\n\n{INTRODUCTION}\n## The systems\n\n");
    page.push_str(&head(&[&["System", "Calls itself", "Ran in", "Date"][..], &COUNTED.map(|(head, _)| head)].concat()));
    for system in systems {
        let within = system.record.within.clone().unwrap_or_else(|| "-".to_owned());
        let identity = [system.title.to_owned(), own_name(system), within, system.record.date.clone()];
        let counts = counts(system, lessons).map(|count| count.to_string());
        page.push_str(&row(identity.iter().map(|cell| escaped(cell)).chain(counts)));
    }
    let _ = write!(page, "\n{STAND_INS}\n## What differs\n\n");
    for finding in findings(systems, lessons) {
        let _ = writeln!(page, "- {}", escaped(&finding));
    }
    page.push_str("\n## What a record does not have yet\n\n");
    page.push_str(&missing(systems, lessons));
    let _ = write!(page, "\n{HOW_TO_ADD}");
    for prediction in lessons {
        let _ = write!(page, "\n## {}", section(systems, prediction));
    }
    page
}

/// One lesson in Markdown.
pub fn as_markdown(systems: &[System], prediction: &Prediction, options: RenderOptions) -> String {
    options.text(&format!("# {}", section(systems, prediction))).into_owned()
}

/// The rows that records lack, a line for each system that lacks any.
fn missing(systems: &[System], lessons: &[Prediction]) -> String {
    let of_system = |system: &System| {
        let open = entries(std::slice::from_ref(system), lessons).filter(|entry| entry.answer == Answer::NotYet);
        let ids: Vec<String> = open.map(|entry| format!("`{}/{}`", entry.lesson, entry.claim.id)).collect();
        (!ids.is_empty()).then(|| format!("- {}: {}\n", escaped(system.title), ids.join(", ")))
    };
    let missing: String = systems.iter().filter_map(of_system).collect();
    if missing.is_empty() { "Every record has every row.\n".to_owned() } else { missing }
}

/// A lesson's title, question and answers; the heading's level is the caller's.
fn section(systems: &[System], prediction: &Prediction) -> String {
    let notes = notes(systems, prediction);
    let titles: Vec<&str> = ["Property"].into_iter().chain(systems.iter().map(|system| system.title)).collect();
    let Prediction { lesson, title, question, .. } = prediction;
    let mut text = format!("{lesson}: {title}\n\n{question}\n\n{}", head(&titles));
    let mut scene = "";
    for line in lines(systems, std::slice::from_ref(prediction)) {
        if scene != line.scene {
            scene = line.scene;
            text.push_str(&scene_row(scene, titles.len()));
        }
        let cells = line.entries.iter().map(|entry| {
            let cell = escaped(&notes.marked(entry.shown(), entry.note().as_deref()));
            match entry.answer {
                Answer::Differs(_) => format!("**{cell} differs**"),
                Answer::Measured | Answer::NotYet => format!("*{cell}*"),
                Answer::AsExpected(_) | Answer::Unjudged(_) | Answer::Skipped(_) => cell,
            }
        });
        text.push_str(&row([escaped(&line.property())].into_iter().chain(cells)));
    }
    for (number, note) in notes.numbered() {
        let _ = write!(text, "\n\\[{number}\\] {}\n", escaped(note));
    }
    text
}

/// Lessons as JSON, schema 1.
pub fn as_json(systems: &[System], lessons: &[Prediction]) -> String {
    let system = |system: &System| {
        let Record { host, within, version, date, .. } = &system.record;
        json!({ "name": system.name, "title": system.title, "host": host, "within": within, "version": version,
            "date": date })
    };
    let entry = |entry: &Entry<'_>| {
        let answer = json!({ "observed": entry.answer.observed(), "expected": entry.expected().to_string(),
            "verdict": entry.answer.word(), "note": entry.remark() });
        (entry.system.name.to_owned(), answer)
    };
    let line = |line: Line<'_>| {
        json!({ "lesson": line.lesson, "scene": line.scene, "id": line.claim.id, "property": line.claim.property,
            "answers": line.entries.iter().map(entry).collect::<Map<_, _>>() })
    };
    let systems_json: Vec<_> = systems.iter().map(system).collect();
    let rows: Vec<_> = lines(systems, lessons).map(line).collect();
    json::pretty(&json!({ "schema": 1, "systems": systems_json, "rows": rows }))
}

/// Lessons as comma-separated values: a line for each row and system.
pub fn as_csv(systems: &[System], lessons: &[Prediction]) -> String {
    let header = ["lesson", "scene", "id", "property", "system", "expected", "observed", "verdict", "note"];
    let header = header.map(str::to_owned);
    let fields = |line: Line<'_>| {
        let Line { lesson, scene, claim, entries } = line;
        let of_entry = |entry: Entry<'_>| {
            let (observed, verdict) = (entry.answer.observed().unwrap_or("-"), entry.answer.word());
            let row = [lesson, scene, &claim.id, &claim.property, entry.system.title].map(str::to_owned);
            let [lesson, scene, id, property, system] = row;
            let (expected, note) = (entry.expected().to_string(), entry.remark().unwrap_or_default());
            [lesson, scene, id, property, system, expected, observed.to_owned(), verdict.to_owned(), note]
        };
        entries.into_iter().map(of_entry).collect::<Vec<_>>()
    };
    csv::records([header].into_iter().chain(lines(systems, lessons).flat_map(fields)))
}

/// Lessons as lines `key: value`.
pub fn as_plain(systems: &[System], lessons: &[Prediction], options: RenderOptions) -> String {
    let mut text = Lines::new(options);
    for line in lines(systems, lessons) {
        text.group();
        text.line("lesson", line.lesson);
        text.line("scene", line.scene);
        text.line("property", &line.claim.property);
        for entry in &line.entries {
            let word = if entry.differs() { ", differs" } else { "" };
            text.line(entry.system.title, &format!("{}{word}", entry.shown()));
            entry.remark().iter().for_each(|remark| text.line("note", remark));
        }
        text.line("id", &line.claim.id);
    }
    text.text
}

/// What the page is, and how its tables are read.
const INTRODUCTION: &str = "\
Written by the tests from the records in `docs/systems`: `UPDATE_PAGES=1 cargo test --test main systems::`. `udp-lab systems LESSON` \
shows a lesson in a terminal.

Each cell is what the system in its column answered to the real calls of a lesson, with the lesson's own parameters. An answer that is \
not what [the lesson expects](expectations.md) there is bold and has a note below its table: why, and whose defect or whose freedom \
it is. *measured* is a number of one machine on one day; `-` could not be shown, for the reason in the note; *not yet* is a row, or \
an expectation, that is younger than the record. `~` is typical, guaranteed by no standard.
";

/// Who may speak for whom.
const STAND_INS: &str = "\
s390x is there for its byte order. gVisor is a kernel of its own that offers the calls of Linux, and Wine a library that offers those of Windows: each speaks for itself \
only. Their answers confirm no expectation for Linux or Windows.
";

/// How records come here.
const HOW_TO_ADD: &str = "\
## Add yours

On any system on which the program runs, one command writes the record:

    udp-lab record > NAME.json

It runs every lesson, on loopback only, in a few seconds. NAME is a word for the system, such as `freebsd-14`. Windows PowerShell 5 \
writes `>` as UTF-16: there, `cmd /c \"udp-lab record > NAME.json\"`. Send the file; or, in a clone, put it into `docs/systems`, add \
its line to `systems!` in `src/systems/mod.rs`, and run

    UPDATE_PAGES=1 cargo test --test main systems::

An answer that differs wants a note in `src/systems/notes.rs`, with its source. The records of Linux, macOS and Windows are artifacts \
of each run of the project's workflow (`record-ubuntu-latest` and so on). The others on this page are made on Debian by \
`tests/systems/run all`, which says what it installs.
";
