//! Text of all scripts: what a person would read is printed, and nothing acts on the terminal.

use crate::support::{Run, run, udp_lab};

const TEXTS: [&str; 9] = [
    "नमस्ते",
    "สวัสดี",
    "❤\u{fe0f}",
    "re\u{301}sume\u{301}",
    "می\u{200c}خواهم",
    "👩\u{200d}👧",
    "👩\u{200d}👩\u{200d}👧 👍🏽",
    "שָׁלוֹם",
    "\u{1112}\u{1161}\u{11ab}",
];

#[test]
fn what_a_person_would_read_is_printed_in_every_format() {
    for text in TEXTS {
        for format in ["table", "plain", "markdown", "json", "csv"] {
            let run = run(["boundaries", "--no-picture", "--width", "120", "--format", format, text]);
            assert_eq!(run.status, 0, "{}", run.err);
            assert!(run.out.contains(text), "{text:?} in {format}: {}", run.out);
            assert!(!run.out.contains("\\u{"), "{text:?} in {format}: {}", run.out);
        }
    }
}

/// A picture has fewer characters than a page: what it shows of a text is a beginning of it, and ends with a whole
/// letter.
#[test]
fn what_a_person_would_read_is_in_the_picture() {
    let calls = |out: &str| out.lines().filter(|line| line.contains("sendto")).map(str::to_owned).collect::<Vec<_>>();
    for text in TEXTS {
        for format in ["table", "plain", "markdown"] {
            let run = run(["boundaries", "--color", "never", "--width", "120", "--format", format, text]);
            let calls = calls(&run.out);
            assert!(calls.iter().any(|call| call.contains(&format!("\"{text}\""))), "{text:?} in {format}: {calls:?}");
        }
    }
    // The accent is the 17th character.
    let long = "abcdefghijklmnoe\u{301}";
    for format in ["table", "plain"] {
        let calls = calls(&run(["boundaries", "--color", "never", "--width", "120", "--format", format, long]).out);
        assert!(calls.iter().any(|call| call.contains("\"abcdefghijklmno…\"")), "{format}: {calls:?}");
    }
}

#[test]
fn what_nobody_would_see_is_escaped() {
    for (text, shown) in [
        ("\u{301}a", "\\u{301}a"),
        ("a\u{202e}b", "a\\u{202e}b"),
        ("\u{3164}", "\\u{3164}"),
        ("a\u{fe0f}\u{fe0f}", "a\u{fe0f}\\u{fe0f}"),
        ("a\u{a0}b", "a\\u{a0}b"),
    ] {
        let run = run(["boundaries", "--no-picture", "--width", "120", "--format", "plain", text]);
        assert!(run.out.contains(&format!("\"{shown}\"")), "{text:?}: {}", run.out);
    }
}

/// In what clap says, in what the program says itself, on either stream.
#[test]
fn nothing_of_the_command_line_acts_on_the_terminal() {
    let acting = "\u{1b}[2J\r\u{202e}\u{9b}";
    let colour = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
    for args in [
        vec!["boundaries".to_owned(), format!("--no-picture{acting}")],
        // Like no option, and like one; with a value; long; where a word is a command's name.
        vec!["boundaries".to_owned(), format!("--zzz{acting}")],
        vec!["client".to_owned(), "9".to_owned(), format!("-{acting}")],
        vec!["boundaries".to_owned(), format!("--zzz{acting}=a{acting}")],
        vec!["boundaries".to_owned(), format!("--zzz{}", acting.repeat(40))],
        vec!["boundaries".to_owned(), format!("--scene=1{acting}")],
        vec![format!("--{acting}"), "boundaries".to_owned()],
        vec![format!("boundaries{acting}")],
        vec!["boundaries".to_owned(), format!("--predict={acting}")],
        vec!["boundaries".to_owned(), "--export".to_owned(), format!("no-such-folder/{acting}.csv")],
        vec!["boundaries".to_owned(), "--export".to_owned(), format!("{acting}.no-format")],
        vec!["truncation".to_owned(), format!("--buffer={acting}")],
        vec!["client".to_owned(), format!("{acting}:8888")],
        vec!["client".to_owned(), format!("no..host{acting}:8888"), "--timeout".to_owned(), acting.to_owned()],
        vec!["server".to_owned(), "--reply".to_owned(), "x".to_owned(), "--format".to_owned(), acting.to_owned()],
        vec!["relay".to_owned(), "0".to_owned(), "9".to_owned(), "--lose".to_owned(), acting.to_owned()],
        vec!["client".to_owned(), "9".to_owned(), "--file".to_owned(), acting.to_owned()],
        vec!["explain".to_owned(), acting.to_owned()],
        vec!["completions".to_owned(), acting.to_owned()],
    ] {
        // Colours are forced: else a stream would take the sequences away, and the test could not fail.
        let Run { status, out, err } = udp_lab().env("CLICOLOR_FORCE", "1").args(&args).output().unwrap().into();
        assert!([2, 3].contains(&status), "{args:?}: {status}");
        let text = colour.replace_all(&(out + &err), "").into_owned();
        let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.chars().any(acts), "{args:?}: {text:?}");
    }
}
