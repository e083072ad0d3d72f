//! What other systems answered: the records that are kept, the page that is made of them, and how a record is made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;
use udp_lab::lessons::LESSONS;
use udp_lab::render;
use udp_lab::systems::{Answer, NOTES, Record, RecordedRow, System, all, mark_observed};
use udp_lab::vocabulary::{Claim, Expect, Os, Prediction};

use crate::support::{run, say};

fn predictions() -> Vec<Prediction> {
    LESSONS.iter().map(|lesson| lesson.predict(&lesson.default_scenes().unwrap())).collect()
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/systems")
}

/// Every row of every lesson with its answer on `system`.
fn answers<'a>(system: &'a System, lessons: &'a [Prediction]) -> BTreeMap<String, Answer<'a>> {
    let of_lesson = |lesson: &'a Prediction| {
        let of_claim = |claim: &'a Claim| (row(lesson, claim), system.answer(lesson.lesson, claim));
        lesson.claims().map(of_claim).collect::<Vec<_>>()
    };
    lessons.iter().flat_map(of_lesson).collect()
}

fn row(lesson: &Prediction, claim: &Claim) -> String {
    format!("{}/{}", lesson.lesson, claim.id)
}

/// The property of this row, as tables and pages show it.
fn property(lesson: &str, id: &str) -> String {
    let lessons = predictions();
    let lesson = lessons.iter().find(|prediction| prediction.lesson == lesson).unwrap();
    lesson.claims().find(|claim| claim.id == id).unwrap().property.clone()
}

/// The row of the page's tables for this property.
fn line_of<'a>(page: &'a str, property: &str) -> &'a str {
    page.lines().find(|line| line.starts_with(&format!("| {property} |"))).unwrap_or_else(|| panic!("{page}"))
}

/// The system with this name.
fn system(name: &str) -> System {
    all().unwrap().into_iter().find(|system| system.name == name).unwrap()
}

#[test]
fn every_record_in_the_folder_is_in_the_program() {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> = files.collect();
    let known: BTreeSet<String> = all().unwrap().iter().map(|system| format!("{}.json", system.name)).collect();
    assert_eq!(files, known, "each has a line in `systems!` in src/systems/mod.rs");
}

#[test]
fn records_are_as_the_program_writes_them() {
    for System { name, record, .. } in all().unwrap() {
        let file = fs::read_to_string(folder().join(format!("{name}.json"))).unwrap().replace("\r\n", "\n");
        assert!(file == render::systems::record(&record), "docs/systems/{name}.json was changed by hand");
    }
}

/// `UPDATE_PAGES=1 cargo test --test main systems::` writes it.
#[test]
fn the_page_of_systems_is_current() {
    let (systems, lessons) = (all().unwrap(), predictions());
    let today = render::systems::page(&systems, &lessons);
    let path = folder().with_extension("md");
    if std::env::var_os("UPDATE_PAGES").is_some() {
        fs::write(&path, &today).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(page == today, "docs/systems.md is not current: UPDATE_PAGES=1 cargo test --test main systems::");
    for system in &systems {
        let open = answers(system, &lessons).into_iter().filter(|(_, answer)| *answer == Answer::NotYet);
        let open: Vec<String> = open.map(|(row, _)| row).collect();
        if !open.is_empty() {
            say(&format!("docs/systems/{}.json does not have yet: {}", system.name, open.join(", ")));
        }
        assert!(open.iter().all(|row| page.contains(&format!("`{row}`"))), "{}: {open:?}", system.name);
    }
}

#[test]
fn what_differs_has_a_note_and_no_note_is_out_of_date() {
    let lessons = predictions();
    let mut noted = BTreeSet::new();
    for note in NOTES {
        for row in note.rows {
            assert!(noted.insert((note.system, (*row).to_owned())), "{} {row} has two notes", note.system);
        }
        assert!(!note.source.is_empty() && !note.why.ends_with('.'), "{}", note.why);
    }
    let systems = all().unwrap();
    for system in &systems {
        for (row, answer) in answers(system, &lessons) {
            let has_note = noted.remove(&(system.name, row.clone()));
            match answer {
                Answer::Differs(observed) => {
                    assert!(
                        has_note,
                        "{} answers {observed} to {row}: src/systems/notes.rs is to say why",
                        system.name
                    );
                }
                Answer::Skipped(_) | Answer::NotYet => {}
                Answer::AsExpected(_) | Answer::Unjudged(_) | Answer::Measured => {
                    assert!(!has_note, "{} has a note on {row}, which does not differ any more", system.name);
                }
            }
        }
    }
    assert!(noted.is_empty(), "notes on rows or systems that there are not: {noted:?}");
}

#[test]
fn what_a_record_does_not_have_is_shown_as_that() {
    let lessons = predictions();
    let mut old = system("linux-6.12");
    old.record.rows.remove("boundaries/empty-send").unwrap();
    // As if the lesson had expected another answer when the record was made.
    old.record.rows.insert("boundaries/senders".to_owned(), RecordedRow::Match("the client".to_owned()));
    let found = answers(&old, &lessons);
    assert_eq!([found["boundaries/empty-send"], found["boundaries/senders"]], [Answer::NotYet; 2]);
    assert_eq!(found["boundaries/receives-needed"], Answer::AsExpected("3"));

    let page = render::systems::page(&[old], &lessons);
    let missing = page.lines().find(|line| line.starts_with("- Linux 6.12: ")).unwrap();
    assert!(["`boundaries/empty-send`", "`boundaries/senders`"].iter().all(|row| missing.contains(row)), "{missing}");
    assert!(line_of(&page, &property("boundaries", "empty-send")).ends_with("| *not yet* |"), "{page}");
}

#[test]
fn what_differs_stands_out_on_the_page() {
    let lessons = predictions();
    let mut odd = system("linux-6.12");
    odd.record.rows.insert("boundaries/empty-send".to_owned(), RecordedRow::Differs("nothing".to_owned()));
    let page = render::systems::page(&[odd], &lessons);
    let cell = line_of(&page, &property("boundaries", "empty-send"));
    assert!(cell.contains("| **nothing \\[") && cell.ends_with(" differs** |"), "{cell}");
    assert!(page.contains("Linux 6.12: expected was 0."), "{page}");
}

/// What a stand-in answers confirms nothing for the system whose calls it offers.
#[test]
fn only_a_system_itself_confirms_what_is_expected_of_it() {
    let marked = |systems: &[System]| {
        let mut lessons = predictions();
        lessons.iter_mut().for_each(|lesson| mark_observed(lesson, systems));
        lessons.iter().map(|lesson| lesson.observed.len()).sum::<usize>()
    };
    assert_eq!(marked(&[system("gvisor"), system("wine")]), 0);
    assert!(marked(&[system("linux-6.12")]) > 100);
    let mut elsewhere = system("linux-6.12");
    elsewhere.speaks_for = Some(Os::Macos);
    assert_eq!(marked(&[elsewhere]), 0, "its answers were judged as those of Linux");
}

#[test]
fn a_mark_wants_the_answer_that_is_expected() {
    let mut linux = system("linux-6.12");
    linux.record.rows.insert("boundaries/peek".to_owned(), RecordedRow::Differs("nothing".to_owned()));
    let mut boundaries = predictions().remove(0);
    mark_observed(&mut boundaries, &[linux]);
    assert!(!boundaries.was_observed("peek", Os::Linux));
    assert!(boundaries.was_observed("senders", Os::Linux) && !boundaries.was_observed("senders", Os::Windows));
}

#[test]
fn expect_marks_what_was_observed_with_the_lessons_own_parameters() {
    let sheet = |args: &[&str]| run([&["expect", "boundaries", "--width", "120"], args].concat()).out;
    let own = sheet(&[]);
    let row = own.lines().find(|line| line.contains(&property("boundaries", "empty-send"))).unwrap();
    assert!(row.contains("┆ 0 * ") && own.contains("* also observed on such a system"), "{own}");
    assert_eq!(row.matches('*').count() - 1, usize::from(speaks_for(Os::Macos)) + usize::from(speaks_for(Os::Windows)));
    for given in [&["hello", "world", "sudada"][..], &["--buffer", "1024"], &["--blank"]] {
        let sheet = sheet(given);
        assert!(!sheet.contains('*'), "{given:?}: {sheet}");
    }
    assert!(sheet(&["--os", "linux"]).contains("┆ 0 * "));
}

fn speaks_for(os: Os) -> bool {
    all().unwrap().iter().any(|system| system.speaks_for == Some(os))
}

#[test]
fn a_record_is_what_the_lessons_just_saw() {
    let made = run(["record", "--within", "a test, \"version\" 1"]);
    assert_eq!(made.status, 0, "{}", made.err);
    let record: Record = serde_json::from_str(&made.out).unwrap();
    assert_eq!(made.out, render::systems::record(&record), "it is written as it is kept");
    assert_eq!(record.within.as_deref(), Some("a test, \"version\" 1"));
    assert_eq!(record.version, env!("CARGO_PKG_VERSION"));
    let date = regex::Regex::new(r"^20\d\d-[01]\d-[0-3]\d$").unwrap();
    assert!(date.is_match(&record.date), "{}", record.date);
    let host = udp_lab::kernel::host();
    assert_eq!((record.host.os, record.host.release.as_str()), (host.os, host.release.as_str()));
    let lessons = predictions();
    assert_eq!(record.rows.len(), lessons.iter().map(|lesson| lesson.claims().count()).sum::<usize>());
    for lesson in &lessons {
        for claim in lesson.claims() {
            let recorded = record.row(lesson.lesson, &claim.id).unwrap();
            match (claim.expected.on(host.os), recorded) {
                (Expect::Measured, RecordedRow::Info(None)) | (Expect::Unconfirmed(_), RecordedRow::Info(Some(_))) => {}
                (Expect::Is(fact), RecordedRow::Match(observed)) => assert_eq!(*observed, fact.to_string()),
                (Expect::Is(fact), RecordedRow::Differs(observed)) => assert_ne!(*observed, fact.to_string()),
                (_, RecordedRow::Skipped(reason)) => assert_ne!(reason, ""),
                other => panic!("{}: {other:?}", claim.id),
            }
        }
    }
}

/// The record says what differs; that it does is no failure of recording it.
#[test]
#[cfg(target_os = "linux")]
fn a_record_is_made_of_a_world_that_differs() {
    let made = crate::support::in_world("peek-consumes").arg("record").output().unwrap();
    let made = crate::support::Run::from(made);
    assert_eq!(made.status, 0, "{}", made.err);
    let record: Record = serde_json::from_str(&made.out).unwrap();
    assert_eq!(record.row("boundaries", "after-peek"), Some(&RecordedRow::Differs("nothing".to_owned())));
}

#[test]
fn a_lesson_is_shown_in_every_width_with_every_system_that_answered_otherwise() {
    for width in ["60", "80", "120"] {
        let shown = run(["systems", "delivery", "--width", width]);
        assert_eq!((shown.status, shown.err.as_str()), (0, ""));
        let columns: usize = width.parse().unwrap();
        assert!(shown.out.lines().all(|line| line.chars().count() <= columns), "{}", shown.out);
    }
    let shown = run(["systems", "delivery", "--width", "120"]).out;
    let after_one_read = property("delivery", "after-one-read");
    let full = shown.lines().position(|line| line.contains(&after_one_read)).unwrap();
    let lines: Vec<&str> = shown.lines().skip(full).take(2).collect();
    assert!(lines[0].contains("┆ dropped ") && lines[0].contains("all but these"), "{shown}");
    assert!(lines[1].contains("┆ kept [") && lines[1].contains("differs") && lines[1].contains("gVisor"), "{shown}");
    assert!(shown.contains("gVisor: expected was dropped. gVisor's freedom"), "{shown}");
}

#[test]
fn the_overview_names_every_system_and_what_differs() {
    let shown = run(["systems", "--width", "120"]);
    assert_eq!((shown.status, shown.err.as_str()), (0, ""));
    // Lines end anywhere.
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    let (shown, lessons) = (squeezed(&shown.out), predictions());
    for system in all().unwrap() {
        for text in [system.title, &system.record.date, &system.record.host.release] {
            assert!(shown.contains(&squeezed(text)), "{text}: {shown}");
        }
    }
    for system in all().unwrap() {
        for (row, _) in answers(&system, &lessons).iter().filter(|(_, answer)| matches!(answer, Answer::Differs(_))) {
            let note = NOTES.iter().find(|note| note.system == system.name && note.rows.contains(&row.as_str()));
            assert!(note.is_some_and(|note| shown.contains(&squeezed(note.why))), "{}, {row}: {shown}", system.name);
        }
    }
}

#[test]
fn systems_are_the_same_in_every_format() {
    let shown = |format| run(["systems", "delivery", "--format", format]).out;
    let json: Value = serde_json::from_str(&shown("json")).unwrap();
    let rows = json["rows"].as_array().unwrap();
    let (plain, csv) = (shown("plain"), shown("csv"));
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let csv: BTreeSet<Vec<String>> =
        reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
    let systems = all().unwrap();
    assert_eq!(csv.len(), rows.len() * systems.len());
    for row in rows {
        assert!(plain.contains(&format!("\nid: {}\n", row["id"].as_str().unwrap())), "{plain}");
        for system in &systems {
            let answer = &row["answers"][system.name];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let observed = answer["observed"].as_str().unwrap_or("-").to_owned();
            let record = [
                "delivery".to_owned(),
                text(&row["scene"]),
                text(&row["id"]),
                text(&row["property"]),
                system.title.to_owned(),
                text(&answer["expected"]),
                observed,
                text(&answer["verdict"]),
                text(&answer["note"]),
            ];
            assert!(csv.contains(&record[..]), "{record:?}");
        }
    }
    assert!(plain.contains("gVisor: kept, differs\nnote: expected was dropped."), "{plain}");
    assert_eq!(run(["systems", "--format", "markdown"]).out, render::systems::page(&systems, &predictions()));
    let one = shown("markdown");
    assert!(one.starts_with("# delivery: ") && one.contains("| Linux 6.12 |"), "{one}");
}

#[test]
fn what_is_no_lesson_has_no_systems_and_a_record_is_json() {
    for (args, sentence) in [
        (&["systems", "nothing"][..], "possible values: boundaries"),
        (&["record", "--format", "csv"], "record writes JSON, not csv"),
        (&["record", "--within"], "a value is required"),
    ] {
        let run = run(args);
        assert_eq!((run.status, run.out.as_str()), (2, ""), "{args:?}");
        assert!(run.err.contains(sentence), "{}", run.err);
    }
}
