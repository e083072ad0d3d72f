//! The question before the run.

mod support;

use support::{Run, run, say, udp_lab};
use udp_lab::lessons::LESSONS;

#[test]
fn a_wrong_answer_is_told_the_right_one_before_the_table() {
    let out = run(["boundaries", "--predict=b"]).out;
    let place = |text: &str| out.find(text).unwrap_or_else(|| panic!("{text} is not in:\n{out}"));
    assert!(place("You said: b) One, as long as") < place("Observed: receives needed: 3"));
    assert!(place("Observed: ") < place("Right is c) As many as there were sends"));
    assert!(place("Why: A UDP send makes") < place("Property"));
    assert_eq!(out.matches("Why: ").count(), 1, "{out}");
}

#[test]
fn a_right_answer_is_told_so() {
    let out = run(["boundaries", "--predict=C"]).out;
    assert!(out.contains("You said: c) ") && out.contains("That is right."), "{out}");
    assert!(!out.contains("Right is"), "{out}");
}

#[test]
fn without_a_terminal_the_question_is_printed_and_the_run_goes_on() {
    let run = run(["truncation", "--predict"]);
    assert_eq!(run.status, 0);
    let question = run.out.find("  a) In the queue: the next receive returns it.").unwrap();
    assert!(question < run.out.find("Property").unwrap(), "{}", run.out);
    assert!(!run.out.contains("You said") && run.out.contains("Right is b)"), "{}", run.out);
}

#[test]
fn all_keeps_the_score() {
    let right = LESSONS.iter().filter(|lesson| lesson.guess.right == 2).count();
    let out = run(["all", "--predict=c"]).out;
    assert!(out.contains(&format!("You expected {right} of {}.", LESSONS.len())), "{out}");
    assert_eq!(out.matches("That is right.").count(), right);
}

#[test]
fn an_answer_that_is_not_there_is_refused() {
    for (args, sentence) in [
        (&["boundaries", "--predict=e"][..], "the answers of boundaries are a to d"),
        (&["truncation", "--predict=d"], "the answers of truncation are a to c"),
        (&["truncation", "--predict=yes"], "the answers of truncation are a to c"),
        (&["truncation", "--predict=a", "--format", "json"], "it goes with --format table only"),
    ] {
        let run = run(args);
        assert_eq!((run.status, run.out.as_str()), (2, ""), "{args:?}");
        assert!(run.err.contains(sentence), "{}", run.err);
    }
}

#[test]
fn every_lesson_has_three_or_four_answers_and_a_row_that_shows_the_right_one() {
    for lesson in LESSONS {
        let guess = &lesson.guess;
        assert!((3..=4).contains(&guess.answers.len()) && guess.right < guess.answers.len(), "{}", lesson.name);
        let scenes = lesson.default_scenes().unwrap();
        let mut ids = scenes.iter().flat_map(|scene| scene.claimed()).map(|claim| claim.id.as_str());
        assert!(ids.any(|id| id == guess.row), "{}", lesson.name);
    }
}

#[test]
fn a_row_that_differs_is_not_called_right() {
    if !cfg!(target_os = "linux") {
        return say("not tested here: worlds are broken on Linux only");
    }
    let library = std::path::PathBuf::from(env!("CARGO_BIN_EXE_udp-lab")).with_file_name("examples/libbroken_world.so");
    let mut broken = udp_lab();
    broken.env("LD_PRELOAD", library).env("UDP_LAB_FAULT", "merge").args(["boundaries", "--predict=c"]);
    let out = Run::from(broken.output().unwrap()).out;
    assert!(out.contains("This system answers otherwise than expected"), "{out}");
    assert!(!out.contains("That is right"), "{out}");
}

/// Python's `pty` gives the program a terminal.
#[test]
#[cfg(unix)]
fn on_a_terminal_it_waits_for_an_answer_that_is_there() {
    use std::io::Write;
    use std::process::{Command, Stdio};

    let spawn = "import pty, sys; pty.spawn(sys.argv[1:])";
    let mut terminal = Command::new("python3");
    terminal.args(["-c", spawn, env!("CARGO_BIN_EXE_udp-lab"), "boundaries", "--predict", "--color", "never"]);
    terminal.env("LC_ALL", "C.UTF-8").stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = terminal.spawn() else {
        return support::missing("python3, to make a terminal");
    };
    child.stdin.take().unwrap().write_all(b"z\nc\n").unwrap();
    let out = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(out.matches("What do you expect? [a-d]").count(), 2, "{out}");
    assert!(out.contains("You said: c) As many"), "{out}");
}
