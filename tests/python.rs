//! A second witness: each lesson's Python program sees what the lesson sees, with nothing but sockets.

use std::path::Path;
use std::process::Command;

use udp_lab::lessons::LESSONS;

use crate::support::{Run, missing, report, run};

/// Lines of a program that a class reads at the projector.
const MOST_LINES: usize = 30;

#[test]
fn python_observes_what_the_lesson_observes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("demos");
    for lesson in LESSONS {
        let program = folder.join(lesson.name).with_extension("py");
        let Ok(output) = Command::new("python3").arg(&program).output() else {
            missing("python3, the second witness");
            return;
        };
        let witness = Run::from(output);
        assert_eq!((witness.status, witness.err.as_str()), (0, ""), "{}", program.display());
        let seen: Vec<(&str, &str)> =
            witness.out.lines().map(|line| line.split_once(": ").expect("ID: VALUE")).collect();
        let lesson_saw = report(&[lesson.name], 0);
        for (id, value) in &seen {
            assert_eq!(lesson_saw.row(id)["observed"], *value, "{}: {id}", lesson.name);
        }
        for key in lesson.keys {
            // What the lesson cannot see here, Python cannot either.
            let is_skipped = lesson_saw.row(key)["verdict"] == "skipped";
            assert!(
                is_skipped || seen.iter().any(|(id, _)| id == key),
                "{}: nothing is said of {key}:\n{}",
                lesson.name,
                witness.out
            );
        }
    }
}

#[test]
fn a_program_is_short_and_needs_the_standard_library_only() {
    for lesson in LESSONS {
        let program = lesson.python;
        assert!(program.lines().count() <= MOST_LINES, "{}: {} lines", lesson.name, program.lines().count());
        assert!(program.lines().all(|line| line.len() <= 120 && line.trim_end() == line), "{}", lesson.name);
        let imports: Vec<&str> = program.lines().filter(|line| line.contains("import ")).collect();
        let known =
            ["ctypes", "errno", "json", "os", "random", "select", "socket", "struct", "sys", "threading", "time"];
        for name in imports.iter().flat_map(|line| line.trim_start_matches("import ").split(", ")) {
            assert!(known.contains(&name), "{}: {name}", lesson.name);
        }
    }
}

#[test]
fn explain_prints_the_program() {
    for lesson in LESSONS {
        assert_eq!(run(["explain", lesson.name, "--python"]).out, lesson.python);
    }
    let refused = run(["explain", "glossary", "--python"]);
    assert_eq!((refused.status, refused.out.as_str()), (2, ""));
    assert!(refused.err.contains("--python goes with a lesson"), "{}", refused.err);
    assert_eq!(run(["explain", "ports", "--python", "--full"]).status, 2);
}
