//! Pictures, as the binary draws them: whether they tell the truth, and fit. And the one in the README: a lesson in the
//! terminal, on white and on black, as the binary prints it today.
//!
//! `UPDATE_PAGES=1 cargo test --test main picture::` draws that one anew.

use std::fs;
use std::path::Path;

#[cfg(target_os = "linux")]
use crate::support::in_world;
use crate::support::{folder, run, udp_lab};
use anstyle::{Color, RgbColor};
use anstyle_lossy::palette::Palette;
use anstyle_svg::Term;
use regex::Regex;
use serde_json::Value;
use udp_lab::lessons::LESSONS;

const fn rgb(hex: u32) -> RgbColor {
    RgbColor((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// Black, red, green, yellow, blue, magenta, cyan, white; the bright ones are not used.
const fn palette(colours: [u32; 8]) -> Palette {
    let mut all = [rgb(0); 16];
    let mut place = 0;
    while place < 16 {
        all[place] = rgb(colours[place % 8]);
        place += 1;
    }
    Palette(all)
}

fn term(text: u32, ground: u32, colours: [u32; 8]) -> Term {
    Term::new().fg_color(Color::Rgb(rgb(text))).bg_color(Color::Rgb(rgb(ground))).palette(palette(colours))
}

fn light() -> Term {
    let colours = [0x1f2328, 0xa40e26, 0x116329, 0x7d4e00, 0x0550ae, 0x6639ba, 0x1b7c83, 0xffffff];
    term(0x1f2328, 0xffffff, colours)
}

fn dark() -> Term {
    let colours = [0x0d1117, 0xff7b72, 0x3fb950, 0xd29922, 0x58a6ff, 0xbc8cff, 0x39c5cf, 0xe6edf3];
    term(0xe6edf3, 0x0d1117, colours)
}

/// Columns of the picture: no kernel's release changes where its lines break.
const COLUMNS: &str = "79";

fn screen() -> String {
    let mut lesson = udp_lab();
    lesson.args(["truncation", "--width", COLUMNS, "--color", "always"]);
    let output = String::from_utf8(lesson.output().unwrap().stdout).unwrap();
    format!("$ udp-lab truncation\n{output}")
}

/// The picture without the times, which are others in each run, and without the system's release.
fn lasting(svg: &str) -> String {
    let times = Regex::new(r" *\d+(\.\d+)?  +").unwrap();
    let system = Regex::new(r"Linux \d+(\.\d+)?").unwrap();
    let svg = svg.replace("\r\n", "\n");
    system.replace_all(&times.replace_all(&svg, "TIME "), "SYSTEM").into_owned()
}

#[test]
fn the_picture_in_the_readme_is_what_the_program_prints() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let screen = screen();
    for (name, term) in [("docs/truncation-light.svg", light()), ("docs/truncation-dark.svg", dark())] {
        let today = term.render_svg(&screen);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let shown = fs::read_to_string(&path).unwrap_or_default();
        let current = lasting(&shown) == lasting(&today);
        if !current && std::env::var_os("UPDATE_PAGES").is_some() {
            fs::write(&path, &today).unwrap();
        } else {
            assert!(current, "{name} is not current: UPDATE_PAGES=1 cargo test --test main picture::");
        }
        assert!(readme.contains(name), "the README shows {name}");
    }
}

/// The rows of all ladders in a terminal's output, without their headers.
fn ladder_rows(out: &str) -> Vec<&str> {
    let row = Regex::new(r"^( *\d+\.\d+|       )  [│├|+]").unwrap();
    out.lines().filter(|line| row.is_match(line)).collect()
}

/// How many steps of `lines` say `word`; what is left out counts with its number.
fn said(lines: &[&str], word: &str) -> usize {
    let count = Regex::new(&format!(r"\(?(?:\d+ more: .*)?\b(\d+)(?: more)? {word}\b")).unwrap();
    let step = Regex::new(&format!(r"\b{word}\b")).unwrap();
    let steps = lines.iter().filter(|line| step.is_match(line));
    steps.map(|line| count.captures(line).map_or(1, |found| found[1].parse().unwrap())).sum()
}

/// The steps of the pictures in a document of this format.
fn steps<'o>(out: &'o str, format: &str) -> Vec<&'o str> {
    match format {
        "table" => ladder_rows(out),
        "plain" => out.lines().filter_map(|line| line.strip_prefix("step: ")).collect(),
        _ => out.lines().filter(|line| line.starts_with("    lane") || line.starts_with("    Note over")).collect(),
    }
}

#[test]
fn what_is_special_is_shown_or_counted_by_its_name() {
    let words: Vec<String> = (0..40).map(|number| format!("word {number}")).collect();
    for count in [1, 3, 4, 5, 12, 13, 40] {
        let words: Vec<&str> = words[..count].iter().map(String::as_str).collect();
        for (lesson, buffer) in [("boundaries", "2"), ("truncation", "1"), ("boundaries", "0")] {
            for format in ["table", "plain", "markdown"] {
                for more in [&[][..], &["--width", "60", "--ascii"], &["--full"]] {
                    let arguments = [lesson, "--scene", "1", "--buffer", buffer, "--format", format];
                    let out = run([&arguments, more, &words].concat()).out;
                    let truncated = said(&steps(&out, format), "truncated");
                    assert_eq!(truncated, count, "{lesson} --buffer {buffer} --format {format} {more:?}: {out}");
                }
            }
        }
    }
}

#[test]
fn what_is_lost_or_failed_is_counted_as_the_log_has_it() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("picture-{}.json", std::process::id()));
    let name = file.to_str().unwrap();
    for messages in ["100", "1000"] {
        let shown = ["delivery", "--messages", messages, "--scene", "1", "--export", name, "--force"];
        let out = run(shown).out;
        let document: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let row = |id: &str| {
            let rows = document["reports"][0]["rows"].as_array().unwrap();
            rows.iter().find(|row| row["id"] == id).unwrap()["observed_value"].as_u64().unwrap()
        };
        assert_eq!(said(&ladder_rows(&out), "lost") as u64, row("sent") - row("kept"), "{out}");
    }
    fs::remove_file(&file).unwrap();
    let out = run(["connectionless", "--scene", "2"]).out;
    assert_eq!(said(&ladder_rows(&out), "EOPNOTSUPP"), 2, "{out}");
}

#[test]
fn a_drawn_picture_shows_or_counts_what_is_special() {
    let file = folder("special").join("r.html");
    for (arguments, word, count) in [
        (&["truncation", "one", "two", "three"][..], "truncated", 3),
        (&["boundaries", "--buffer", "1", "aa", "bb", "cc", "dd", "ee", "ff", "gg"], "truncated", 7),
        (&["connectionless"], "lost", 3),
    ] {
        let export = ["--scene", "1", "--export", file.to_str().unwrap(), "--force"];
        assert_eq!(run([arguments, &export].concat()).status, 0);
        let page = fs::read_to_string(&file).unwrap();
        // The first picture shows what is sent, and the second what became of it.
        let drawn = page.split("<svg").nth(2).unwrap().split("</svg>").next().unwrap();
        let texts: Vec<&str> = drawn.lines().filter(|line| line.starts_with("<text class=\"bad\"")).collect();
        assert_eq!(said(&texts, word), count, "{arguments:?}: {drawn}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_goes_wrong_among_many_is_shown() {
    let words: Vec<String> = (0..30).map(|number| format!("word {number}")).collect();
    for (fault, word) in [("lose", "lost"), ("third-send-fails", "✗ sendto"), ("clip", "truncated")] {
        for more in [&["--full"][..], &["--scene", "1"], &["--scene", "1", "--width", "60"]] {
            let mut lesson = in_world(fault);
            lesson.arg("boundaries").args(more).args(&words);
            let out = String::from_utf8(lesson.output().unwrap().stdout).unwrap();
            let first = out.split("\ntcp: ").next().unwrap();
            assert!(ladder_rows(first).iter().any(|row| row.contains(word)), "{fault} {more:?}: {first}");
        }
    }
    // A copy of an empty datagram is no part of the next one.
    let mut lesson = in_world("twice");
    lesson.args(["boundaries", "", "next", "--scene", "1"]);
    let out = String::from_utf8(lesson.output().unwrap().stdout).unwrap();
    let rows = ladder_rows(&out);
    assert!(rows.iter().all(|row| !row.contains("truncated") && !row.contains("lost")), "{out}");
    assert_eq!(rows.iter().filter(|row| row.contains(r#"recvfrom: "next""#)).count(), 2, "{out}");
}

#[test]
fn calls_have_their_posix_names() {
    let name = "(?:sendto|send|sendmsg|write|recvfrom|recv|recvmsg|read|connect|listen|accept|shutdown|close|bind|setsockopt|getsockopt|getsockname|getpeername|fcntl|poll|ioctl|dup|pthread_kill|epoll_create1|epoll_ctl|epoll_wait)";
    let plain = Regex::new(&format!(r"^\d+\.\d+ ms, [\w ]+: (?:TCP )?{name}(?:\([A-Z_|]+\))?(?:[: ]|$)")).unwrap();
    let more = Regex::new(r"^[\w ]+: \(\d+ more.*\)$").unwrap();
    for lesson in LESSONS {
        let out = run([lesson.name, "--full", "--format", "plain"]).out;
        let steps = steps(&out, "plain");
        assert!(!steps.is_empty(), "{}: a lesson makes calls, and a picture shows them: {out}", lesson.name);
        for step in steps {
            assert!(plain.is_match(step) || more.is_match(step), "{}: {step}", lesson.name);
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn steps_say_what_a_call_returned() {
    let out = run(["all", "--full", "--format", "plain"]).out;
    for said in [
        r#": sendmsg "hello" to server"#,
        r#": recvfrom(MSG_PEEK): "hello""#,
        r#": recvfrom(MSG_PEEK|MSG_TRUNC): "h" (returned 5)"#,
        r#": recvmsg: "h", truncated (MSG_TRUNC)"#,
        r#": recvfrom: "h", truncated (1 of 5 bytes)"#,
        ": recvfrom: nothing queued",
        ": recvfrom: end marker",
        ": setsockopt SO_RCVBUF 16384",
        ": sendto \"\" (0 bytes) to server",
        ": recv: end of file",
    ] {
        assert!(out.contains(said), "{said} is not in {out}");
    }
}

#[test]
fn a_refused_tcp_connect_says_that_it_is_tcp() {
    let out = run(["connectionless", "--scene", "1", "--trace"]).out;
    let refused = ladder_rows(&out).into_iter().filter(|row| row.contains("connect: ")).collect::<Vec<_>>();
    assert!(refused.len() == 1 && refused[0].contains("TCP connect: "), "{refused:?}");
    // The last owner of a descriptor before each of the two calls.
    let before = out.split("\nconnect(").take(2);
    let owners: Vec<&str> = before.map(|part| part.lines().rfind(|line| line.starts_with("# ")).unwrap()).collect();
    assert!(owners[0].ends_with(" is connected client, UDP") && owners[1].ends_with(" is client, TCP"), "{owners:?}");
    let markdown = run(["connectionless", "--format", "markdown"]).out;
    assert!(markdown.contains("TCP connect#58; ECONNREFUSED") || !cfg!(target_os = "linux"), "{markdown}");

    let json: Value = serde_json::from_str(&run(["connectionless", "--format", "json"]).out).unwrap();
    let events = json["reports"][0]["events"].as_array().unwrap();
    let connects = events.iter().filter(|event| event["scene"] == 1 && event["call"] == "connect");
    let protocols: Vec<_> =
        connects.map(|event| (event["protocol"].as_str().unwrap(), event["result"] == "done")).collect();
    assert_eq!(protocols, [("udp", true), ("tcp", false)]);
}

#[test]
fn a_scene_of_tcp_says_so_in_its_lanes() {
    let out = run(["boundaries", "--scene", "2"]).out;
    assert!(out.lines().any(|line| line.contains("TCP client ") && line.contains(" TCP server")), "{out}");
}

#[test]
fn a_ladder_beside_its_answer_is_short_and_fits() {
    for lesson in LESSONS {
        for width in ["60", "80", "120"] {
            for more in [&["--ascii"][..], &[]] {
                let out = run([&[lesson.name, "--width", width], more].concat()).out;
                let rows = ladder_rows(&out);
                assert!(rows.len() <= 11, "{} at {width}: {out}", lesson.name);
                assert!(rows.iter().all(|row| row.chars().count() <= width.parse().unwrap()), "{out}");
                assert!(!out.contains("end marker"), "{out}");
            }
        }
    }
}

#[test]
fn the_important_word_has_room_on_a_projector() {
    let out = run(["truncation", "a long message of many words", "--buffer", "12", "--width", "60"]).out;
    assert!(ladder_rows(&out)[1].ends_with(", truncated"), "{out}");
    let out = run(["connectionless", "--width", "60"]).out;
    assert_eq!(said(&ladder_rows(&out), "lost"), 3, "{out}");
    assert_eq!(said(&ladder_rows(&out), "ECONNREFUSED"), usize::from(!cfg!(windows)), "{out}");
}

#[test]
fn what_is_special_is_red_where_colours_are_wanted() {
    let of = |lesson: &str, colour: &str| run([lesson, "--color", colour]).out;
    let red = |out: &str| -> Vec<String> {
        let red = Regex::new("\u{1b}\\[31m([^\u{1b}]*)\u{1b}\\[0m").unwrap();
        red.captures_iter(out).map(|found| found[1].to_owned()).collect()
    };
    let truncated = red(&of("truncation", "always"));
    assert!(truncated.len() == 2 && truncated.iter().all(|text| text.contains(", truncated (")), "{truncated:?}");
    let lost = red(&of("delivery", "always"));
    assert!(lost.iter().any(|text| text == "lost") && lost.iter().any(|text| text.contains(" more lost)")), "{lost:?}");
    for lesson in ["truncation", "delivery"] {
        let never = of(lesson, "never");
        assert!(!never.contains('\u{1b}') && ["truncated", "lost"].iter().any(|word| never.contains(word)), "{never}");
    }
}

#[test]
fn every_scene_has_its_picture_in_every_document() {
    for lesson in LESSONS {
        let json: Value = serde_json::from_str(&run([lesson.name, "--format", "json"]).out).unwrap();
        let report = &json["reports"][0];
        let is_failed = |event: &Value| event["result"].get("error").is_some();
        let has_calls = |scene: &&Value| {
            let mut events = report["events"].as_array().unwrap().iter();
            events.any(|event| event["scene"] == scene["scene"] && (event["call"] != "bind" || is_failed(event)))
        };
        let scenes = report["scenes"].as_array().unwrap().iter().filter(has_calls).count();
        let markdown = run([lesson.name, "--format", "markdown"]).out;
        let tables = markdown.matches("\n| Served |").count();
        assert_eq!(markdown.matches("\nsequenceDiagram\n").count() + tables, scenes, "{}", lesson.name);
        let plain = run([lesson.name, "--format", "plain"]).out;
        assert_eq!(plain.matches("\npicture: ").count(), scenes, "{}", lesson.name);
        for text in [&markdown, &plain] {
            assert!(!text.contains("end marker"), "{text}");
        }
    }
    assert!(run(["boundaries", "--format", "markdown", "--full"]).out.contains("recvfrom#58; end marker"));
}

/// Two servers follow each other there, and two clients that send the same.
#[test]
#[cfg(target_os = "linux")]
fn sockets_of_one_name_are_told_apart() {
    let kept = |out: &str, row: &str| -> usize {
        let line = out.lines().find(|line| line.contains(row)).unwrap_or_else(|| panic!("{out}"));
        line.split('┆').nth(2).unwrap().trim().parse().unwrap()
    };
    let out = run(["delivery", "--scene", "larger-buffer", "--width", "100"]).out;
    let rows = ladder_rows(&out);
    let second =
        rows.iter().position(|row| row.contains("setsockopt SO_RCVBUF 65536")).unwrap_or_else(|| panic!("{out}"));
    for (rows, row) in [(&rows[..second], "that fit into 4096"), (&rows[second..], "that fit into 65536")] {
        let kept = kept(&out, row);
        // They are numbered, and the first ones fit.
        let lost = rows.iter().position(|row| row.contains("lost")).unwrap_or_else(|| panic!("{out}"));
        assert!(rows[lost - 1].contains(&format!("sendto \"{} ", kept - 1)), "{kept} fitted:\n{out}");
    }
}
