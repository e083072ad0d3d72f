//! The question before the run, and what came of it after it.

#[cfg(unix)]
use crate::support::Terminal;
use crate::support::{Run, is_decided, report, run};
use udp_lab::lessons::LESSONS;
use udp_lab::vocabulary::{Claim, Expect, Guess, Os};

/// The lines below the report: what was said, what was observed, and why.
fn outcome(out: &str) -> Vec<&str> {
    let (_, outcome) = out.rsplit_once("\n\n").unwrap_or_else(|| panic!("no outcome in:\n{out}"));
    outcome.lines().collect()
}

/// Runs wide enough that no line is broken.
fn wide(args: &[&str]) -> Run {
    run([args, &["--width", "300"]].concat())
}

#[test]
fn a_wrong_answer_is_told_the_right_one_last() {
    let out = wide(&["boundaries", "--predict=a"]).out;
    let expected = [
        "You said a) One: they are sent so fast that they stick together.",
        "Observed: 3, in the row [receives needed]. Right is c) As many as there were sends, if none is lost.",
        "Because a UDP send makes one datagram, and a receive returns exactly one datagram.",
    ];
    assert_eq!(outcome(&out), expected, "{out}");
    assert!(out.find("Property").unwrap() < out.find("You said").unwrap(), "{out}");
    assert!(!out.contains("Why: "), "the reason is short, unless somebody asks: {out}");
}

#[test]
fn a_right_answer_is_told_so() {
    let out = wide(&["boundaries", "--predict=C"]).out;
    let lines = outcome(&out);
    assert!(
        lines[0].starts_with("You said c) ") && lines[1] == "Observed: 3, in the row [receives needed]. That is right.",
        "{out}"
    );
    assert!(!out.contains("Right is"), "{out}");
}

#[test]
fn without_a_terminal_the_question_is_printed_and_the_run_goes_on() {
    let run = wide(&["truncation", "--predict"]);
    assert_eq!(run.status, 0);
    let question = run.out.find("  a) In the queue: the next receive returns it.").unwrap();
    assert!(question < run.out.find("Property").unwrap(), "{}", run.out);
    assert!(!run.out.contains("You said") && outcome(&run.out)[0].contains("Right is b)"), "{}", run.out);
}

/// Who can read the choices sees the question and nothing else.
#[test]
fn nothing_above_the_choices_gives_the_answer_away() {
    for lesson in LESSONS {
        let out = wide(&[lesson.name, "--predict"]).out;
        let above = out.split("  a) ").next().unwrap();
        assert_eq!(above, format!("{}: {}\n", lesson.name, lesson.question));
    }
}

/// The line of a title in a table, or of one that stands beside TCP's.
fn lines_with<'a>(out: &'a str, property: &str) -> Vec<&'a str> {
    let is_row = |line: &&str| line.starts_with('│') && line.contains(property);
    let is_beside =
        |line: &&str| line.trim_start().trim_start_matches("~ ").starts_with(property) && line.contains(" UDP ");
    out.lines().filter(|line| is_row(line) || is_beside(line)).collect()
}

#[test]
fn each_answer_is_decided_by_its_own_row_which_is_in_the_table_or_in_the_scene_that_is_named() {
    let observed =
        regex::Regex::new(r"^Observed: (.+), in the row \[(.+)\](, column (?:TCP|UDP))?( \(--scene (\d+)\))?\. ")
            .unwrap();
    for lesson in LESSONS {
        let whole = report(&[lesson.name], 0);
        for (letter, answer) in ('a'..).zip(lesson.guess.answers) {
            let out = wide(&[lesson.name, &format!("--predict={letter}")]).out;
            let right = lesson.guess.answers[lesson.guess.right()];
            if [*answer, right].iter().any(|answer| whole.row(answer.row)["verdict"] == "skipped") {
                assert!(outcome(&out).iter().any(|line| line.starts_with("Not observed here: ")), "{out}");
                continue;
            }
            let said = observed.captures(outcome(&out)[1]).unwrap_or_else(|| panic!("{out}"));
            let title = whole.row(answer.row)["property"].as_str().unwrap();
            assert!(title.ends_with(&said[2]), "{}: {title} is not in {}", lesson.name, &said[0]);
            let shown = match said.get(5) {
                Some(scene) => wide(&[lesson.name, "--scene", scene.as_str()]).out,
                None => out.clone(),
            };
            assert_eq!(lines_with(&shown, &said[2]).len(), 1, "{}: {}: {shown}", lesson.name, &said[2]);
        }
        assert!(lesson.guess.because.ends_with('.') && lesson.guess.because.len() < 120, "{}", lesson.name);
    }
}

#[test]
fn all_keeps_the_score_and_says_it_last() {
    let observed: Vec<_> = LESSONS.iter().filter(|lesson| is_decided(lesson, 2)).collect();
    let right = observed.iter().filter(|lesson| lesson.guess.right() == 2).count();
    let out = wide(&["all", "--predict=c"]).out;
    assert_eq!(out.lines().last().unwrap(), format!("You expected {right} of {}.", observed.len()));
    assert_eq!(out.matches("That is right.").count(), right);
    assert_eq!(out.matches("Because ").count(), observed.len());
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
fn every_lesson_has_three_or_four_answers_one_of_them_right_and_each_with_a_row_that_is_judged() {
    for lesson in LESSONS {
        let Guess { answers, .. } = lesson.guess;
        assert!((3..=4).contains(&answers.len()), "{}", lesson.name);
        assert_eq!(answers.iter().filter(|answer| answer.is_right).count(), 1, "{}", lesson.name);
        assert!(lesson.keys.contains(&answers[lesson.guess.right()].row), "{}", lesson.name);
        let claims: Vec<Claim> =
            lesson.default_scenes().unwrap().iter().flat_map(|scene| scene.claims().to_vec()).collect();
        for answer in answers {
            let claim = claims.iter().find(|claim| claim.id == answer.row);
            let claim = claim.unwrap_or_else(|| panic!("{}: no row {}", lesson.name, answer.row));
            assert!(matches!(claim.expected.on(Os::Linux), Expect::Is(_)), "{}: {}", lesson.name, answer.row);
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn where_the_row_differs_nobody_is_called_right_or_wrong() {
    for letter in ["a", "c"] {
        let predict = format!("--predict={letter}");
        let mut broken = crate::support::in_world("merge");
        let run = Run::from(broken.args(["boundaries", &predict, "--width", "300"]).output().unwrap());
        assert_eq!(run.status, 1);
        let lines = outcome(&run.out);
        assert!(lines[0].starts_with(&format!("You said {letter}) ")), "{}", run.out);
        let otherwise = ". Expected was 3: this system answers otherwise, so nobody is called right or wrong.";
        assert!(
            lines[1].starts_with("Observed: 2, in the row [receives needed]. ") && lines[1].ends_with(otherwise),
            "{}",
            run.out
        );
        assert_eq!(lines.len(), 2, "{}", run.out);
        assert!(!run.out.contains("That is right") && !run.out.contains("Right is"), "{}", run.out);
    }
    let mut broken = crate::support::in_world("oversize-taken");
    let out = Run::from(broken.args(["all", "--predict=c", "--width", "300"]).output().unwrap()).out;
    let judged = LESSONS.len() - out.matches("nobody is called").count();
    assert!(judged < LESSONS.len() && out.ends_with(&format!(" of {judged}.\n")), "{out}");
}

#[test]
fn it_goes_with_the_options_that_show_more() {
    for args in [&["--full"][..], &["--trace"], &["--full", "--trace", "--why"], &["--scene", "1"], &["--step"]] {
        let out = wide(&[&["boundaries", "--predict=a"], args].concat()).out;
        let lines = outcome(&out);
        assert!(lines.len() == 3 && lines[0].starts_with("You said a) "), "{args:?}: {out}");
        assert_eq!(out.matches("You said").count(), 1, "{args:?}: {out}");
    }
    let shown = wide(&["boundaries", "--predict=a", "--trace", "--why"]).out;
    assert!(shown.contains("sendto(") && shown.contains("Why: "), "{shown}");
}

#[test]
fn scenes_without_the_row_say_so_and_ask_nothing() {
    for (predict, said) in [("--predict", 0), ("--predict=c", 1)] {
        let run = wide(&["boundaries", "--scene", "empty", predict]);
        assert_eq!(run.status, 0);
        let lines = outcome(&run.out);
        let sentence = "The scenes that ran do not hold the row that answers the question. All of them: ";
        let last = lines.last().unwrap();
        assert!(last.starts_with(sentence) && last.ends_with("udp-lab boundaries --predict"), "{}", run.out);
        assert_eq!((lines.len(), run.out.contains("a) ")), (1 + said, false), "{}", run.out);
        assert!(!run.out.contains("Observed: ") && !run.out.contains("Right is"), "{}", run.out);
    }
}

#[test]
#[cfg(unix)]
fn on_a_terminal_it_waits_for_an_answer_that_is_there() {
    let steps = serde_json::json!([["see", "What do you expect?"], ["type", "z\nc\n"]]);
    let args = ["boundaries", "--predict", "--color", "never"];
    let Some(terminal) = crate::support::on_terminal(80, &args, &steps) else { return };
    let out = terminal.screen;
    assert_eq!(out.matches("What do you expect? [a-d]").count(), 2, "{out}");
    assert!(out.contains("Please type a, b, c or d."), "{out}");
    assert!(outcome(&out)[0].starts_with("You said c) As many"), "{out}");
}

/// Who reads from a terminal in whose background it is, is stopped, or gets an error where it is not to be.
#[test]
#[cfg(unix)]
fn an_answer_that_cannot_be_read_is_said_not_to_be() {
    const IN_THE_BACKGROUND: &str = r#"set -m; trap "" TTIN; "$0" "$@" & wait $!"#;
    let binary = env!("CARGO_BIN_EXE_udp-lab");
    for command in ["boundaries", "all"] {
        let args = ["sh", "-c", IN_THE_BACKGROUND, binary, command, "--predict", "--color", "never"];
        let terminal = crate::support::command_on_terminal(200, &args, &serde_json::json!([]));
        let Some(Terminal { status, screen, .. }) = terminal else { return };
        assert_eq!(status, 3, "{screen}");
        assert!(screen.contains("The input cannot be read, so the run goes on without an answer."), "{screen}");
        assert!(screen.contains("Verdict"), "{screen}");
        let (_, said) = screen.rsplit_once("udp-lab: ").unwrap_or_else(|| panic!("{screen}"));
        assert!(said.starts_with("--predict: cannot read the input: "), "{said}");
    }
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
