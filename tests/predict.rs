//! The question before the run.

use crate::support::run;
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
#[cfg(target_os = "linux")]
fn a_row_that_differs_is_not_called_right() {
    let broken = crate::support::in_world("merge").args(["boundaries", "--predict=c"]).output().unwrap();
    let out = crate::support::Run::from(broken).out;
    assert!(out.contains("This system answers otherwise than expected"), "{out}");
    assert!(!out.contains("That is right"), "{out}");
}

#[test]
#[cfg(unix)]
fn on_a_terminal_it_waits_for_an_answer_that_is_there() {
    let steps = serde_json::json!([["see", "What do you expect?"], ["type", "z\nc\n"]]);
    let args = ["boundaries", "--predict", "--color", "never"];
    let Some(terminal) = crate::support::on_terminal(80, &args, &steps) else { return };
    let out = terminal.screen;
    assert_eq!(out.matches("What do you expect? [a-d]").count(), 2, "{out}");
    assert!(out.contains("You said: c) As many"), "{out}");
}

/// `b` would be sent as a message.
#[test]
fn a_letter_that_stands_apart_is_refused() {
    let apart = run(["boundaries", "--predict", "b"]);
    assert_eq!((apart.status, apart.out.as_str()), (2, ""));
    assert!(apart.err.contains("--predict=b"), "{}", apart.err);
    for args in [["boundaries", "b", "--predict"], ["boundaries", "--predict", "hello"]] {
        assert_eq!(run(args).status, 0, "{args:?}");
    }
}
