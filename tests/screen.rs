//! The screen of a lesson: the question, a picture, the answer, the rows that it rests on; all still there when the
//! prompt is back.

use udp_lab::lessons::{LESSONS, Lesson};
use udp_lab::vocabulary::{Claim, Expect, Os};

use crate::support::{report, run, udp_lab};

/// Lines that a terminal of 24 still shows when the prompt is back.
const VISIBLE: usize = 23;

/// The most lines of a screen, by its columns. With 60 the picture may be scrolled away, and the question is then said
/// again.
const MOST_LINES: [(usize, usize); 3] = [(60, 34), (80, VISIBLE), (120, VISIBLE)];

fn screen(lesson: &str, columns: usize) -> String {
    run([lesson, "--width", &columns.to_string()]).out
}

fn claims(lesson: &Lesson) -> Vec<Claim> {
    let scenes = lesson.default_scenes().expect("default parameters fit");
    scenes.iter().flat_map(|scene| scene.claims().to_vec()).collect()
}

/// The words of a text, wherever its lines break.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words of a text without its numbers: those of one run are not those of another.
fn lasting(text: &str) -> String {
    words(&regex::Regex::new(r"\d+(\.\d+)?").unwrap().replace_all(text, "N"))
}

/// The lines that may be added where a system cannot observe what an answer speaks of: that is said behind the answer,
/// and below the table. In a narrow table the verdict of such a row takes its columns from the properties, which break
/// more often.
fn for_the_unobserved(screen: &str, columns: usize) -> usize {
    let lines = if columns < 80 { 12 } else { 6 };
    lines * words(screen).matches("Not observed here: ").count()
}

#[test]
fn a_lesson_fits_one_screen() {
    for lesson in LESSONS {
        for (columns, most) in MOST_LINES {
            let screen = screen(lesson.name, columns);
            let lines = screen.lines().count();
            // The names of Windows's errors are longer, and Wine's is behind its own: then the question is said again
            // below the picture.
            let most = most + for_the_unobserved(&screen, columns) + if cfg!(windows) { 5 } else { 0 };
            assert!(lines <= most, "{} at {columns} columns has {lines} lines, at most {most}:\n{screen}", lesson.name);
            assert!(screen.lines().all(|line| line.chars().count() <= columns), "{screen}");
        }
    }
}

#[test]
fn question_answer_and_rows_are_there_when_the_prompt_is_back() {
    for lesson in LESSONS {
        let report = report(&[lesson.name], 0);
        let answer = report.0["answer"].as_str().expect("a lesson answers");
        let question = format!("{}: {}", lesson.name, lesson.question);
        for columns in [60, 80] {
            let screen = screen(lesson.name, columns);
            let lines: Vec<&str> = screen.lines().collect();
            let visible = VISIBLE + for_the_unobserved(&screen, columns);
            let seen = lines[lines.len().saturating_sub(visible)..].join("\n");
            assert!(lasting(&seen).contains(&lasting(answer)), "{answer} is not in\n{seen}");
            assert!(seen.contains("│ Property") || lesson.name == "compare", "{seen}");
            let is_asked = words(&seen).contains(&words(&question));
            // In 60 columns there may be no room for it above what must be there.
            let from_the_answer = (0..lines.len())
                .rev()
                .find(|place| lasting(&lines[*place..].join("\n")).starts_with(&lasting(answer)))
                .map_or(0, |place| lines.len() - place);
            let is_full = from_the_answer + question.len().div_ceil(columns) > VISIBLE || lesson.name == "compare";
            assert!(is_asked || columns == 60 && is_full, "{question} is not in\n{seen}");
        }
    }
}

/// That it is sent again is the point of the picture.
#[test]
fn the_picture_of_reliability_shows_what_is_sent_again() {
    for columns in [80, 120] {
        let screen = screen("reliability", columns);
        let shown = |what: &str| screen.matches(what).count();
        // Where the system's name is longer, a line less is left for the picture.
        let sends = if cfg!(windows) { 1..=5 } else { 5..=5 };
        let is_shown = sends.contains(&shown("sendto \"data 1\"")) && shown("✗ recvfrom") == 2;
        assert!(shown("Not observed here: ") > 0 || is_shown, "{screen}");
    }
}

#[test]
fn the_screen_starts_with_the_question_and_does_not_name_the_title() {
    for lesson in LESSONS {
        let screen = words(&screen(lesson.name, 80));
        assert!(screen.starts_with(&words(&format!("{}: {}", lesson.name, lesson.question))), "{screen}");
        assert!(!screen.contains(lesson.title), "the title gives the answer away: {screen}");
    }
}

#[test]
fn every_lesson_has_two_to_five_key_rows_and_each_is_judged() {
    for lesson in LESSONS {
        assert!((2..=5).contains(&lesson.keys.len()), "{}: {:?}", lesson.name, lesson.keys);
        let claims = claims(lesson);
        for key in lesson.keys {
            let claim = claims.iter().find(|claim| claim.id == *key);
            let claim = claim.unwrap_or_else(|| panic!("{}: no row {key}", lesson.name));
            assert!(matches!(claim.expected.on(Os::Linux), Expect::Is(_)), "{}: {key} is not judged", lesson.name);
        }
    }
}

/// An answer that names a row which there is not would leave a gap.
#[test]
fn every_value_of_an_answer_is_that_of_a_row() {
    let value = regex::Regex::new(r"\{([a-z0-9-]+)( [a-z]+)?\}").unwrap();
    for lesson in LESSONS {
        for scene in lesson.default_scenes().unwrap() {
            for found in value.captures_iter(scene.answer()) {
                let known = scene.claims().iter().any(|claim| claim.id == found[1]);
                assert!(known, "{}, scene {}: no row {}", lesson.name, scene.id(), &found[1]);
            }
            assert!(!value.replace_all(scene.answer(), "").contains(['{', '}']), "{}", scene.answer());
        }
    }
}

#[test]
fn a_scene_alone_shows_its_own_rows_and_its_answer() {
    for lesson in LESSONS {
        let scenes = lesson.default_scenes().unwrap();
        for scene in &scenes {
            let number = scene.number().to_string();
            let by_number = report(&[lesson.name, "--scene", &number], 0);
            let ids: Vec<&str> = by_number.rows().iter().map(|row| row["id"].as_str().unwrap()).collect();
            let claimed: Vec<&str> = scene.claims().iter().map(|claim| claim.id.as_str()).collect();
            assert_eq!(ids, claimed, "{} --scene {number}", lesson.name);
            assert_eq!(by_number.0["scenes"][0]["id"], scene.id());
            assert_eq!(by_number.0["scenes"][0]["scene"], scene.number());
        }
        let [first, last] = [&scenes[0], &scenes[scenes.len() - 1]];
        let both = run([lesson.name, "--scene", last.id(), "--scene", first.id()]).out;
        let heading = |scene: &udp_lab::lessons::Scene| format!("Scene {}, {}: ", scene.number(), scene.id());
        let place = |scene| both.find(&heading(scene)).unwrap_or_else(|| panic!("{}: {both}", lesson.name));
        assert!(place(first) < place(last), "{both}");
        assert_eq!(both.matches("\nScene ").count(), 2, "{both}");
    }
}

#[test]
fn a_scene_that_there_is_not_is_refused_with_those_that_there_are() {
    for wrong in ["0", "7", "nothing", ""] {
        let run = run(["boundaries", "--scene", wrong]);
        assert_eq!((run.status, run.out.as_str()), (2, ""), "{wrong}");
        assert!(run.err.contains("the scenes of boundaries are 1 to 6, or one-receive, tcp, "), "{}", run.err);
    }
}

#[test]
fn full_has_every_scene_and_every_row_with_the_reason_and_the_check() {
    for lesson in LESSONS {
        let out = words(&run([lesson.name, "--full", "--width", "120"]).out);
        for scene in lesson.default_scenes().unwrap() {
            assert!(out.contains(&format!("Scene {}, {}: ", scene.number(), scene.id())), "{}: {out}", lesson.name);
        }
        for part in ["Why: ", "Check: ", "Next: "] {
            assert!(out.contains(part), "{part}{out}");
        }
        let short = run([lesson.name]).out;
        assert!(!short.contains("Why: ") && !short.contains("Check: "), "{short}");
        assert!(words(&run([lesson.name, "--why"]).out).contains(&words(&format!("Why: {}", lesson.why))));
    }
}

#[test]
fn all_is_an_entry_for_each_lesson() {
    let out = run(["all"]).out;
    for lesson in LESSONS {
        let entry = format!("{}: {}", lesson.name, lesson.question);
        assert!(words(&out).contains(&words(&entry)), "{entry} is not in\n{out}");
    }
    assert_eq!(out.matches("rows as expected").count(), LESSONS.len() + 1, "{out}");
    assert!(out.lines().count() <= 8 * LESSONS.len() + for_the_unobserved(&out, 80), "{out}");
}

#[test]
fn too_few_columns_for_frames_make_lines() {
    for lesson in LESSONS {
        for columns in [20, 40, 59] {
            let screen = screen(lesson.name, columns);
            assert!(!screen.contains(['╭', '┆', '╡']), "{screen}");
            let shown = if lesson.name == "compare" { "UDP " } else { "Observed: " };
            assert!(screen.contains(shown), "{screen}");
        }
    }
}

/// A word is not broken where it fits a line.
#[test]
fn thirty_columns_break_no_word() {
    for command in LESSONS.iter().map(|lesson| lesson.name).chain(["doctor"]) {
        let shown = |columns| lasting(&run([command, "--no-ladder", "--width", columns]).out);
        let known = shown("59");
        let known: Vec<&str> = known.split(' ').collect();
        for word in shown("30").split(' ') {
            assert!(known.contains(&word), "{command}: {word} is no word of {known:?}");
        }
    }
}

/// `Next:` and `Check:` can be pasted: they call the program as it was called.
#[test]
fn the_next_command_repeats_the_program_as_it_was_called() {
    let next = |command: &mut std::process::Command| {
        let out = String::from_utf8(command.args(["boundaries", "--full"]).output().unwrap().stdout).unwrap();
        // The last of the screen, on as many lines as the path needs.
        let next = words(&out[out.rfind("Next: ").unwrap_or_default()..]);
        (next, out.lines().find(|line| line.starts_with("Check: ")).unwrap_or_default().to_owned())
    };
    let named = next(&mut udp_lab());
    assert_eq!(named.0, "Next: udp-lab truncation");
    let binary = env!("CARGO_BIN_EXE_udp-lab");
    let by_path = next(udp_lab().env("PATH", "").env_remove("CARGO_PKG_NAME"));
    assert_eq!(by_path.0, format!("Next: {binary} truncation"));
    let by_cargo = next(udp_lab().env("PATH", "").env("CARGO_PKG_NAME", "udp-lab"));
    let release = if binary.contains("release") { " --release" } else { "" };
    assert_eq!(by_cargo.0, format!("Next: cargo run{release} -- truncation"));
    if cfg!(target_os = "linux") {
        assert!(named.1.contains(" udp-lab boundaries"), "{}", named.1);
        assert!(!by_cargo.1.contains("cargo run"), "strace is to trace the program, not cargo: {}", by_cargo.1);
    }
}

#[cfg(target_os = "linux")]
mod broken {
    use std::collections::HashSet;

    use super::*;
    use crate::support::{Report, Run, concurrently, in_world};

    /// The faults that turn each row of a lesson, from its golden file.
    fn faults(lesson: &str) -> Vec<(String, HashSet<String>)> {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken_world/expected");
        let file = std::fs::read_to_string(root.join(lesson)).unwrap();
        let lines = file.lines().filter(|line| !line.starts_with(['#', '=']));
        let fault = |line: &str| {
            let mut words = line.split(" | ").next().unwrap_or_default().split(' ').map(str::to_owned);
            (words.next().unwrap_or_default(), words.skip(1).collect())
        };
        lines.map(fault).collect()
    }

    /// The least fault that turns this row.
    fn fault_of(lesson: &str, row: &str) -> String {
        let faults = faults(lesson);
        let turning = faults.into_iter().filter(|(fault, rows)| rows.contains(row) && fault != "never-returns");
        turning.min_by_key(|(_, rows)| rows.len()).unwrap_or_else(|| panic!("{lesson}: no fault turns {row}")).0
    }

    #[test]
    fn the_answer_says_so_where_a_key_row_differs_and_the_row_is_shown() {
        let keys = LESSONS.iter().flat_map(|lesson| lesson.keys.iter().map(|key| (lesson.name, *key)));
        concurrently(keys, |(lesson, key)| {
            let fault = fault_of(lesson, key);
            let broken = Run::from(in_world(&fault).arg(lesson).output().unwrap());
            let out = words(&broken.out);
            assert_eq!(broken.status, 1, "{lesson} {fault}: {out}");
            assert!(out.contains("NOT as expected: "), "{lesson} {fault}: {out}");
            assert!(out.contains(" differs "), "{lesson} {fault}: {out}");
        });
    }

    #[test]
    fn the_answer_follows_what_was_observed() {
        concurrently(LESSONS, |lesson| {
            let answer = |run: Run| Report::from(run).0["answer"].as_str().unwrap_or_default().to_owned();
            let healthy = answer(run([lesson.name, "--format", "json"]));
            let fault = fault_of(lesson.name, lesson.keys[0]);
            let mut broken = in_world(&fault);
            let broken = answer(Run::from(broken.args([lesson.name, "--format", "json"]).output().unwrap()));
            assert_ne!(healthy, broken, "{} in the world `{fault}`", lesson.name);
        });
    }

    #[test]
    fn a_row_that_differs_is_shown_though_it_is_no_key_row() {
        concurrently(LESSONS, |lesson| {
            let keys: HashSet<String> = lesson.keys.iter().map(|key| (*key).to_owned()).collect();
            let faults = faults(lesson.name);
            let Some((fault, rows)) = faults.into_iter().find(|(_, rows)| !rows.is_empty() && rows.is_disjoint(&keys))
            else {
                return;
            };
            let out = words(&Run::from(in_world(&fault).arg(lesson.name).output().unwrap()).out);
            assert!(out.matches(" differs ").count() >= rows.len(), "{} {fault}: {out}", lesson.name);
        });
    }

    #[test]
    fn all_shows_what_differs() {
        let broken = Run::from(in_world("merge").arg("all").output().unwrap());
        assert_eq!(broken.status, 1);
        assert!(broken.out.contains("NOT as expected: ") && broken.out.contains("differs"), "{}", broken.out);
    }
}
