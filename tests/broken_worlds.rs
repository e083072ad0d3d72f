//! Every judged row has been seen to fail: the world is broken, not the expectation.
//!
//! `tests/broken_world` makes the C library's socket calls misbehave under the real binary, one fault at a time. Its
//! `table.rs` names the rows that notice each fault; here every lesson runs in every world, and exactly these rows say
//! `differs`.

#[path = "broken_world/faults.rs"]
mod faults;
#[path = "broken_world/table.rs"]
mod table;

use std::collections::HashSet;
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use crate::support::{Run, in_world, udp_lab, world};
use faults::Fault;
use table::{Outcome, WORLDS};
use udp_lab::lessons::{LESSONS, Lesson};
use udp_lab::vocabulary::{Expect, Os};

/// A lesson ends within this time in every world: half of it where a call does not return, less elsewhere.
const LIMIT: Duration = Duration::from_secs(10);

/// With so many wrong it is the lab or the library that is wrong: the others would say the same.
const MOST_WRONG: usize = 20;

/// So many worlds of each lesson run side by side: in most of them somebody waits, and in few the processor is busy.
const SIDE_BY_SIDE: usize = 3;

/// The rows that differ, of a run's CSV.
fn differing(csv: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let headers = reader.headers().expect("a line of headers").clone();
    let place = |name| headers.iter().position(|header| header == name).expect("a column of this name");
    let (id, verdict) = (place("id"), place("verdict"));
    let rows = reader.records().map(|row| row.expect("a row as long as the others"));
    rows.filter(|row| &row[verdict] == "differs").map(|row| row[id].to_owned()).collect()
}

/// Runs `lesson` in the world with `fault`; an error when it does not end. Its rows come as CSV: in some worlds the events of
/// JSON are many megabytes.
fn in_broken_world(fault: Fault, lesson: &str) -> Result<Run, String> {
    let mut command = in_world(fault.name());
    command.args([lesson, "--format", "csv"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let id = child.id().to_string();
    let (done, output) = mpsc::channel();
    thread::spawn(move || done.send(child.wait_with_output()));
    match output.recv_timeout(LIMIT) {
        Ok(output) => Ok(Run::from(output.expect("its output can be read"))),
        Err(_) => {
            let _ = Command::new("kill").args(["-KILL", &id]).status();
            Err(format!("it has not ended after {LIMIT:?}"))
        }
    }
}

/// What the table says of `lesson` in the world with `fault`.
fn expected(fault: Fault, lesson: &str) -> &'static Outcome {
    let world = WORLDS.iter().find(|(known, _)| *known == fault).map_or(&[][..], |(_, lessons)| lessons);
    world.iter().find(|(known, _)| *known == lesson).map_or(&Outcome::Rows(&[]), |(_, outcome)| outcome)
}

/// Runs `lesson` in the world with `fault`: what is not as the table says.
fn check(fault: Fault, lesson: &str) -> Result<(), String> {
    let run = in_broken_world(fault, lesson)?;
    match expected(fault, lesson) {
        Outcome::Stops(words) if run.status == 3 && run.err.contains(words) => Ok(()),
        Outcome::Stops(words) => Err(format!("it should stop and say `{words}`, and says: {} {}", run.status, run.err)),
        Outcome::Rows(rows) => {
            let status = i32::from(!rows.is_empty());
            if !matches!(run.status, 0 | 1) {
                return Err(format!("it stops: {} {}", run.status, run.err));
            }
            let noticed = differing(&run.out);
            if run.status != status {
                return Err(format!("the status should be {status}, and is {}: {noticed:?}", run.status));
            }
            if noticed == *rows {
                Ok(())
            } else {
                Err(format!("it should be noticed by {rows:?}, and is by {noticed:?}"))
            }
        }
    }
}

#[test]
fn exactly_the_rows_of_the_table_notice_each_fault() {
    let wrong = Mutex::new(Vec::new());
    let run_worlds = |lesson: &str, next: &AtomicUsize| {
        while let Some(&fault) = Fault::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = check(fault, lesson);
            let mut wrong = wrong.lock().unwrap();
            wrong.extend(result.err().map(|error| format!("{lesson} in a world with `{}`: {error}", fault.name())));
            if wrong.len() >= MOST_WRONG {
                return;
            }
        }
    };
    let next: Vec<AtomicUsize> = LESSONS.iter().map(|_| AtomicUsize::new(0)).collect();
    thread::scope(|scope| {
        for (lesson, next) in LESSONS.iter().zip(&next) {
            for _ in 0..SIDE_BY_SIDE {
                scope.spawn(|| run_worlds(lesson.name, next));
            }
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The rows that are judged on Linux.
fn judged(lesson: &Lesson) -> Vec<String> {
    let scenes = lesson.default_scenes().expect("default parameters fit");
    let claims = scenes.iter().flat_map(|scene| scene.claimed());
    claims.filter(|claim| matches!(claim.expected.on(Os::Linux), Expect::Is(_))).map(|claim| claim.id.clone()).collect()
}

/// The rows of `lesson` that the table names.
fn noticing(lesson: &str) -> HashSet<&'static str> {
    let outcomes = WORLDS.iter().flat_map(|(_, lessons)| *lessons).filter(|(known, _)| *known == lesson);
    let rows = outcomes.filter_map(|(_, outcome)| match outcome {
        Outcome::Rows(rows) => Some(*rows),
        Outcome::Stops(_) => None,
    });
    rows.flatten().copied().collect()
}

#[test]
fn every_judged_row_of_every_lesson_notices_some_fault() {
    for lesson in LESSONS {
        let noticing = noticing(lesson.name);
        for row in judged(lesson) {
            assert!(
                noticing.contains(row.as_str()),
                "{}: no fault makes the row `{row}` differ. Run the lesson in the worlds of tests/broken_world/faults.rs \
                 (`LD_PRELOAD=target/debug/examples/libbroken_world.so UDP_LAB_FAULT=merge`), and write what it notices \
                 into table.rs; where nothing does, add the fault that breaks the row's promise",
                lesson.name
            );
        }
    }
}

#[test]
fn the_table_names_each_fault_once_and_only_rows_that_there_are() {
    let faults: Vec<Fault> = WORLDS.iter().map(|(fault, _)| *fault).collect();
    assert_eq!(faults, Fault::ALL);
    for (fault, lessons) in WORLDS {
        let named: HashSet<_> = lessons.iter().map(|(lesson, _)| lesson).collect();
        assert_eq!(named.len(), lessons.len(), "{fault:?} names a lesson twice");
        for (lesson, _) in *lessons {
            assert!(LESSONS.iter().any(|known| known.name == *lesson), "{fault:?}: no lesson {lesson}");
        }
    }
    for lesson in LESSONS {
        let judged = judged(lesson);
        for row in noticing(lesson.name) {
            assert!(judged.iter().any(|known| known == row), "{}: no judged row {row}", lesson.name);
        }
    }
}

fn page() -> String {
    let mut page = String::from(
        "# Broken worlds\n\nIn each of these worlds the system breaks one promise, and exactly the rows named here say \
         `differs`, within ten seconds; every row that is judged on Linux is there. To run one by hand after `cargo build --examples`: \
         `LD_PRELOAD=target/debug/examples/libbroken_world.so UDP_LAB_FAULT=merge udp-lab boundaries`.\n\n\
         Written by the tests from `tests/broken_world/table.rs`: `UPDATE_PAGES=1 cargo test --test main broken_worlds::`.\n",
    );
    for lesson in LESSONS {
        let _ = writeln!(page, "\n## {}\n\n| Fault | In this world | Rows that notice |\n|---|---|---|", lesson.name);
        for (fault, lessons) in WORLDS {
            let Some((_, outcome)) = lessons.iter().find(|(known, _)| *known == lesson.name) else { continue };
            let noticed = match outcome {
                Outcome::Rows(rows) => rows.iter().map(|row| format!("`{row}`")).collect::<Vec<_>>().join(", "),
                Outcome::Stops(words) => format!("the lesson stops, status 3: {words}"),
            };
            let _ = writeln!(page, "| `{}` | {} | {noticed} |", fault.name(), fault.sentence());
        }
    }
    page.push_str("\n## Worlds in which no row differs\n\n| Fault | In this world |\n|---|---|\n");
    for (fault, _) in WORLDS.iter().filter(|(_, lessons)| lessons.is_empty()) {
        let _ = writeln!(page, "| `{}` | {} |", fault.name(), fault.sentence());
    }
    page
}

/// `UPDATE_PAGES=1 cargo test` writes it.
#[test]
fn the_page_of_broken_worlds_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/broken-worlds.md");
    let today = page();
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(&path, &today).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == today,
        "docs/broken-worlds.md is not current: UPDATE_PAGES=1 cargo test --test main broken_worlds::"
    );
}

#[test]
fn a_usual_row_that_differs_says_that_nobody_promised_it() {
    let run = in_broken_world(Fault::Twice, "boundaries").unwrap();
    let row = run.out.lines().find(|row| row.contains(",receives-needed,")).unwrap();
    assert!(row.ends_with(",nobody promised it"), "{row}");
}

/// Whoever reads only the first lines still learns it from the status.
#[test]
fn a_row_that_differs_makes_the_status_whoever_reads() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = in_world("merge").arg("boundaries").stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn the_library_alone_breaks_nothing() {
    let run = Run::from(udp_lab().env("LD_PRELOAD", world()).arg("all").output().expect("the binary starts"));
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
}
