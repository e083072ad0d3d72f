//! What a run left, in every format, printed and in files: the same everywhere, and nothing of it lost.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{self, Run, missing, run, udp_lab};
use regex::Regex;
use serde_json::Value;
use udp_lab::cli::export::{Export, Target};
use udp_lab::lessons::LESSONS;
use udp_lab::render::{Invocation, RenderOptions, Results};

/// Fields of a row in CSV, after the lesson's name, as JSON calls them.
const FIELDS: [&str; 9] =
    ["scene", "id", "property", "expected", "observed", "verdict", "strength", "source", "reason"];

/// An empty folder of the test's own.
fn folder(name: &str) -> PathBuf {
    support::folder(&format!("formats-{name}"))
}

/// Runs the binary in `folder`.
fn run_in(folder: &Path, args: &[&str]) -> Run {
    udp_lab().current_dir(folder).args(args).output().unwrap().into()
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The rows of a JSON document, each with its lesson in front, as CSV has them.
fn rows(json: &str) -> Vec<Vec<String>> {
    let document: Value = serde_json::from_str(json).unwrap();
    let reports = document["reports"].as_array().unwrap().iter();
    let rows = reports.flat_map(|report| report["rows"].as_array().unwrap().iter().map(move |row| (report, row)));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    rows.map(|(report, row)| {
        [text(&report["lesson"])].into_iter().chain(FIELDS.map(|field| text(&row[field]))).collect()
    })
    .collect()
}

/// RFC 4180, read by the letter.
fn parsed_csv(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            c => field.push(c),
        }
    }
    assert!(!quoted && field.is_empty() && record.is_empty(), "it ends with a whole line: {text}");
    records
}

/// The cells of the rows of all tables, as a reader of Markdown sees them.
fn parsed_markdown(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().filter(|line| line.starts_with('|'));
    lines
        .map(|line| {
            let (mut cells, mut cell) = (Vec::new(), String::new());
            let mut rest = line[1..].chars();
            while let Some(c) = rest.next() {
                match c {
                    '\\' => cell.extend(rest.next()),
                    '|' => cells.push(std::mem::take(&mut cell).trim().to_owned()),
                    '<' | '&' | '`' | '~' | '[' | '#' => panic!("{c} would not be taken for text: {line}"),
                    c => cell.push(c),
                }
            }
            cells
        })
        .collect()
}

/// Runs a command once, and holds what all formats say of that run against its JSON.
fn same_in_every_format(name: &str, args: &[&str]) -> Vec<Vec<String>> {
    let folder = folder(name);
    let exports = ["md", "json", "csv", "txt", "pcapng"].map(|ending| format!("--export=r.{ending}"));
    let exports: Vec<&str> = exports.iter().map(String::as_str).collect();
    let run = run_in(&folder, &[args, &["--format", "plain"], &exports].concat());
    assert_eq!((run.status, run.err.as_str()), (0, ""), "{args:?}");
    assert_eq!(files(&folder), ["r.csv", "r.json", "r.md", "r.pcapng", "r.txt"]);
    let rows = rows(&read(&folder, "r.json"));
    assert!(!rows.is_empty());

    let mut csv = parsed_csv(&read(&folder, "r.csv"));
    assert_eq!(csv.remove(0).join(" "), format!("lesson {}", FIELDS.join(" ")));
    assert_eq!(csv, rows, "{args:?}");

    let capture = std::fs::read(folder.join("r.pcapng")).unwrap();
    let lessons: HashSet<_> = rows.iter().map(|row| &row[0]).collect();
    let section = |bytes: &&[u8]| *bytes == b"\x0a\x0d\x0d\x0a";
    assert_eq!(capture.windows(4).filter(section).count(), lessons.len(), "a section for each lesson");

    let key = Regex::new("^$|^[a-z]+:( |$)").unwrap();
    assert!(run.out.lines().all(|line| key.is_match(line)), "{}", run.out);
    let markdown = parsed_markdown(&read(&folder, "r.md"));
    for row in &rows {
        let [_, scene, id, property, expected, observed, verdict, strength, source, reason] = row.as_slice() else {
            panic!("{row:?}")
        };
        let explained = if reason.is_empty() { String::new() } else { format!("reason: {reason}\n") };
        let group = format!(
            "property: {property}\nexpected: {expected}\nobserved: {observed}\nverdict: {verdict}\n{explained}\
             strength: {strength}\nsource: {source}\nid: {id}\n"
        );
        assert!(run.out.contains(&group), "{group} in {}", run.out);
        assert!(run.out.contains(&format!("\nscene: {scene}\n")), "{scene}");

        let mark = if strength == "typical" && verdict != "info" { "~ " } else { "" };
        let said = if reason.is_empty() { verdict.clone() } else { format!("{verdict}: {reason}") };
        let cells = [&format!("{mark}{property}"), expected, observed, &said, source];
        let is_it = |row: &Vec<String>| {
            row[1..].iter().eq(cells[1..].iter().copied())
                && (row[0] == *cells[0] || row[0] == format!("**{}**", cells[0]))
        };
        assert!(markdown.iter().any(is_it), "{cells:?} in {markdown:#?}");
        assert!(markdown.iter().any(|row| row[0] == format!("**{scene}**")), "{scene}");
    }

    let text = read(&folder, "r.txt");
    assert!(text.contains("│ Property ") && !text.contains('\x1b'), "{text}");
    assert_eq!(text.matches(" as expected on ").count(), run.out.matches("\nsummary: ").count());
    rows
}

#[test]
fn every_lesson_says_the_same_in_every_format() {
    for lesson in LESSONS {
        same_in_every_format(lesson.name, &[lesson.name]);
    }
    same_in_every_format("all", &["all"]);
}

/// Who cannot see the screen has the answer and the rows on which it rests, too.
#[test]
fn the_answer_and_its_rows_are_in_plain_and_in_markdown() {
    for lesson in LESSONS {
        let folder = folder("answer");
        let run = run_in(&folder, &[lesson.name, "--format", "plain", "--export", "r.md", "--export", "r.json"]);
        let json: Value = serde_json::from_str(&read(&folder, "r.json")).unwrap();
        let answer = json["reports"][0]["answer"].as_str().unwrap();
        // Behind it may stand what was not observed here.
        assert!(run.out.contains(&format!("\nquestion: {}\nanswer: {answer}", lesson.question)), "{}", run.out);
        let markdown = read(&folder, "r.md");
        let bold: Vec<&str> = markdown.lines().filter(|line| line.starts_with("**")).collect();
        let said = bold[0].replace('\\', "");
        assert!(said.starts_with(&format!("**{answer}").replace('\\', "")) && said.ends_with("**"), "{said}");
        for key in lesson.keys {
            assert!(run.out.contains(&format!("\nid: {key}\nkey: yes\n")), "{key}: {}", run.out);
        }
        assert_eq!(run.out.matches("\nkey: yes\n").count(), lesson.keys.len());
        let in_bold = |row: &&Vec<String>| row[0].starts_with("**") && !row[1].is_empty();
        assert_eq!(parsed_markdown(&markdown).iter().filter(in_bold).count(), lesson.keys.len(), "{markdown}");
    }
}

/// Payloads with what has a meaning in some format; the last two together are too long for a TCP row, which gives a
/// reason.
fn awkward() -> Vec<String> {
    let short =
        ["a|b", "say \"hi\"", "line\r\nbreak", "<script>alert(1)</script>", "1,2", "你好", "%%{init}%%", "`x` *y* ~z~"];
    let more = ["&lt;#35;;", "[a](b) $c$", "=1+1", "back\\slash\\", "\u{1b}[31m", "end"];
    // Windows takes command lines of 32767 characters; these are longer in bytes.
    let long = ["六".repeat(13_400), "七".repeat(13_400)];
    short.iter().chain(&more).map(|text| (*text).to_owned()).chain(long).collect()
}

#[test]
fn awkward_payloads_survive_in_every_format() {
    let payloads = awkward();
    let messages: Vec<&str> = payloads.iter().map(String::as_str).collect();
    let rows = same_in_every_format("awkward", &[&["boundaries"], messages.as_slice()].concat());
    assert!(rows.iter().any(|row| row[5] == "\"<script>alert(1)</script>\""), "{rows:?}");
    assert!(rows.iter().any(|row| !row[9].is_empty()), "one row gives a reason");
}

#[test]
fn what_mermaid_would_not_take_for_text_is_given_by_number() {
    let number = Regex::new("#[0-9]+;").unwrap();
    let arrow = Regex::new("^    lane0(->>|-x)lane1: ").unwrap();
    let short: Vec<String> = awkward().into_iter().filter(|text| text.len() < 100).collect();
    let mut seen = 0;
    for payload in &short {
        let page = run(["boundaries", payload, "--format", "markdown"]).out;
        let diagram = page.split("```").nth(1).unwrap();
        assert!(diagram.starts_with("mermaid\nsequenceDiagram\n"), "{diagram}");
        for line in diagram.lines().filter(|line| line.contains('"')) {
            seen += 1;
            let text = line.split_once(": ").unwrap().1;
            let rest = number.replace_all(text, "");
            assert!(!rest.contains(['#', ';', '<', '>', '&', '%', '{', '}', '`', '|', '\\', ':', '$']), "{line}");
            assert!(arrow.is_match(line) || line.starts_with("    Note over lane1: "), "{line}");
        }
    }
    assert_eq!(seen, 2 * short.len(), "each is sent and received once");
}

#[test]
fn csv_is_what_python_takes_for_csv() {
    const READ: &str =
        "import csv, json, sys\nprint(json.dumps(list(csv.reader(open(sys.argv[1], encoding='utf-8', newline='')))))";
    let folder = folder("python");
    let payloads = awkward();
    let messages: Vec<&str> = payloads.iter().map(String::as_str).collect();
    let exports = ["--export", "r.csv", "--export", "r.json"];
    assert_eq!(run_in(&folder, &[&["boundaries"], messages.as_slice(), &exports].concat()).status, 0);
    let python = Command::new("python3").args(["-c", READ]).arg(folder.join("r.csv")).stdin(Stdio::null()).output();
    match python {
        Ok(output) if output.status.success() => {
            let seen: Vec<Vec<String>> = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(seen[1..], rows(&read(&folder, "r.json")));
        }
        Ok(output) if !cfg!(windows) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        // Windows has a `python3` that only says where to buy one.
        Ok(_) | Err(_) => missing("python3, to read CSV"),
    }
}

#[test]
fn a_file_holds_what_is_printed() {
    let folder = folder("printed");
    for (format, file) in [("table", "r.txt"), ("markdown", "r.md"), ("json", "r.json"), ("csv", "r.csv")] {
        for command in ["truncation", "concurrency", "all"] {
            let run =
                run_in(&folder, &[command, "--full", "--format", format, "--export", file, "--force", "--width", "72"]);
            assert_eq!(run.status, 0, "{}", run.err);
            assert_eq!(run.out, read(&folder, file), "{command} --format {format}");
        }
    }
}

#[test]
fn colour_is_not_for_files() {
    let folder = folder("colour");
    let run = run_in(&folder, &["truncation", "--color", "always", "--export", "r.txt", "--export", "r.md"]);
    assert!(run.out.contains('\x1b'));
    for file in ["r.txt", "r.md"] {
        assert!(!read(&folder, file).contains('\x1b'), "{file}");
    }
}

#[test]
fn all_that_is_printed_and_written_comes_from_one_run() {
    let folder = folder("one-run");
    let run = run_in(&folder, &["boundaries", "--full", "--format", "plain", "--export", "r.md", "--export", "r.txt"]);
    let times = |text: &str, pattern: &str| -> Vec<String> {
        let pattern = Regex::new(pattern).unwrap();
        pattern.captures_iter(text).map(|found| found[1].to_owned()).collect()
    };
    let printed = times(&run.out, r"(?m)^step: (\d+\.\d+) ms, ");
    assert!(printed.len() >= 6, "{}", run.out);
    assert_eq!(printed, times(&read(&folder, "r.md"), r"(?m)^    (?:lane|Note).*\((\d+\.\d+) ms\)$"));
    assert_eq!(printed, times(&read(&folder, "r.txt"), r"(?m)^ +(\d+\.\d+)  "));
}

#[test]
fn without_the_picture_no_format_has_it() {
    for (format, picture) in [("plain", "step: "), ("markdown", "```mermaid")] {
        assert!(run(["truncation", "--format", format]).out.contains(picture));
        assert!(!run(["truncation", "--format", format, "--no-picture"]).out.contains(picture));
    }
    for (format, picture) in [("plain", "\nserved: client 1, "), ("markdown", "\n| client 1 | ")] {
        assert!(run(["concurrency", "--format", format]).out.contains(picture));
        assert!(!run(["concurrency", "--format", format, "--no-picture"]).out.contains(picture));
    }
}

#[test]
fn ascii_is_for_people_and_programs_get_utf8() {
    for (format, ascii) in [("plain", true), ("markdown", true), ("json", false), ("csv", false)] {
        let run = run(["boundaries", "你好", "--ascii", "--format", format]);
        assert_eq!(run.out.is_ascii(), ascii, "{format}: {}", run.out);
    }
}

#[test]
fn a_file_that_is_there_is_replaced_only_by_force() {
    let folder = folder("there");
    fs::write(folder.join("r.md"), "mine").unwrap();
    let refused = run_in(&folder, &["truncation", "--export", "new.csv", "--export", "r.md"]);
    assert_eq!((refused.status, refused.out.as_str()), (3, ""));
    assert_eq!(refused.err, "udp-lab: cannot write r.md: it is there already; --force replaces it\n");
    assert_eq!((read(&folder, "r.md").as_str(), files(&folder)), ("mine", vec!["r.md".to_owned()]));

    let forced = run_in(&folder, &["truncation", "--export", "r.md", "--force"]);
    assert_eq!(forced.status, 0, "{}", forced.err);
    assert!(read(&folder, "r.md").starts_with("# truncation: "));
    assert_eq!(files(&folder), ["r.md"]);
}

/// Results that were not for everybody are not made public by the next run; new files are as public as the user's
/// others.
#[test]
#[cfg(unix)]
fn a_file_that_is_replaced_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder("mode");
    let mode = |name: &str| fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777;
    fs::write(folder.join("r.md"), "mine").unwrap();
    fs::set_permissions(folder.join("r.md"), PermissionsExt::from_mode(0o600)).unwrap();
    let script = "umask 027; exec \"$0\" truncation --export r.md --export r.csv --force";
    let mut shell = Command::new("sh");
    shell.current_dir(&folder).args(["-c", script, env!("CARGO_BIN_EXE_udp-lab")]).env("LC_ALL", "C.UTF-8");
    let run = Run::from(shell.output().unwrap());
    assert_eq!(run.status, 0, "{}", run.err);
    assert!(read(&folder, "r.md").starts_with("# truncation: "));
    assert_eq!((mode("r.md"), mode("r.csv")), (0o600, 0o640));
    assert_eq!(files(&folder), ["r.csv", "r.md"]);
}

/// A container is given single files so: nothing can be renamed over them.
#[cfg(target_os = "linux")]
#[test]
fn force_writes_into_a_file_that_cannot_be_renamed_over() {
    let folder = folder("mounted");
    let script = "mount --bind host.csv results.csv && exec \"$0\" truncation --export results.csv --force";
    let isolated = |script: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_udp-lab")]);
        unshare.current_dir(&folder).env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).output().unwrap()
    };
    for file in ["host.csv", "results.csv"] {
        fs::write(folder.join(file), "longer than what will be written? ".repeat(10_000)).unwrap();
    }
    if !isolated("mount --bind host.csv results.csv").status.success() {
        return missing("a mount namespace");
    }
    let run = Run::from(isolated(script));
    assert_eq!((run.status, run.err.as_str()), (0, ""), "{}", run.out);
    let written = fs::read_to_string(folder.join("host.csv")).unwrap();
    assert!(written.starts_with("lesson,") && written.ends_with('\n'), "{written}");
    assert_eq!(files(&folder), ["host.csv", "results.csv"]);
}

#[test]
fn no_force_replaces_what_is_not_a_plain_file() {
    let folder = folder("not-plain");
    fs::create_dir(folder.join("r.md")).unwrap();
    let run = run_in(&folder, &["truncation", "--export", "r.md", "--force"]);
    assert_eq!((run.status, run.out.as_str()), (3, ""));
    assert!(run.err.contains("cannot write r.md: something is there that is not a plain file"), "{}", run.err);
    assert_eq!(files(&folder), ["r.md"]);
}

#[test]
fn a_file_that_appears_during_the_run_is_kept_and_a_run_that_is_killed_leaves_none() {
    let folder = folder("race");
    let host = udp_lab::kernel::host();
    let options = RenderOptions::everything(80);
    let targets = ["r.json", "r.csv"].map(|name| Target::new(folder.join(name)).unwrap());
    let export = Export::open(targets.to_vec(), false).unwrap();
    assert!(files(&folder).is_empty(), "between the trial and the end of the run nothing lies about");
    fs::write(folder.join("r.csv"), "mine").unwrap();
    let refused = export
        .write(&Results {
            reports: &[],
            host: &host,
            options,
            invocation: &Invocation::default(),
            arguments: &[],
            trace: false,
        })
        .unwrap_err();
    assert!(refused.contains("r.csv: it is there already; --force replaces it"), "{refused}");
    assert_eq!(read(&folder, "r.csv"), "mine");
    assert_eq!(files(&folder), ["r.csv", "r.json"], "the other file is whole, and no draft is left");
    assert!(serde_json::from_str::<Value>(&read(&folder, "r.json")).is_ok());
}

#[test]
fn an_ending_that_names_no_format_is_wrong_use() {
    let folder = folder("ending");
    for file in ["r.pdf", "r", ".md", "md", "r.md.bak"] {
        let run = run_in(&folder, &["truncation", "--export", file]);
        assert_eq!((run.status, run.out.as_str()), (2, ""), "{file}");
        assert!(run.err.contains("the ending names the format: .md .json .csv .html .txt .pcapng"), "{}", run.err);
    }
    assert_eq!(run_in(&folder, &["truncation", "--export", "R.MD"]).status, 0, "endings have no case");
    assert_eq!(files(&folder), ["R.MD"]);
}

#[test]
fn a_file_is_named_once() {
    let folder = folder("twice");
    for again in ["r.md", "./r.md", "../formats-twice/r.md"] {
        let run = run_in(&folder, &["truncation", "--export", "r.md", "--export", again]);
        assert_eq!((run.status, run.out.as_str()), (2, ""), "{again}");
        assert!(run.err.contains("it is named twice"), "{}", run.err);
    }
    assert!(files(&folder).is_empty());
}

/// Whether names differ by their case is a matter of the folder: it is asked for a file of its own.
#[test]
fn names_that_differ_in_case_are_one_where_the_folder_says_so() {
    let folder = folder("case");
    fs::write(folder.join("probe"), "").unwrap();
    let one_name = folder.join("PROBE").exists();
    let run = run_in(&folder, &["truncation", "--export", "r.md", "--export", "R.MD"]);
    if one_name {
        assert_eq!((run.status, run.out.as_str()), (2, ""), "{}", run.err);
        assert!(run.err.contains("cannot write R.MD: it is named twice"), "{}", run.err);
        assert_eq!(files(&folder), ["probe"]);
    } else {
        assert_eq!(run.status, 0, "{}", run.err);
        assert_eq!(files(&folder), ["R.MD", "probe", "r.md"]);
    }
}

#[test]
fn csv_begins_with_a_byte_order_mark_where_it_is_asked_for_and_nothing_else_does() {
    const MARK: char = '\u{feff}';
    for args in [&["list"][..], &["expect", "truncation"], &["truncation"]] {
        let of = |format: &str, more: &[&str]| run([args, &["--format", format], more].concat()).out;
        assert!(of("csv", &["--bom"]).starts_with(MARK) && !of("csv", &[]).contains(MARK), "{args:?}");
        assert!(!of("json", &["--bom"]).contains(MARK), "{args:?}");
    }
    let folder = folder("mark");
    run_in(&folder, &["truncation", "--bom", "--export", "r.csv", "--export", "r.json"]);
    let csv = read(&folder, "r.csv");
    assert!(csv.starts_with(MARK) && csv.matches(MARK).count() == 1, "{csv}");
    assert!(!read(&folder, "r.json").contains(MARK));
}

#[test]
fn where_no_file_can_be_created_nothing_is_run() {
    let folder = folder("nowhere");
    fs::write(folder.join("file"), "").unwrap();
    let too_long = format!("{}.md", "x".repeat(300));
    let mut places = vec![
        ("missing/r.md".to_owned(), "Its folder is not there: make it first."),
        ("file/r.md".to_owned(), "A part of the path is a file, and no folder."),
    ];
    if !udp_lab::kernel::under_wine() {
        // Wine says of a name that is too long only that there is no such file.
        places.push((too_long, "Choose another name, or a shorter one."));
    }
    if cfg!(target_os = "linux") {
        // Nobody may create files there, not even root.
        places.push(("/sys/r.md".to_owned(), "This user may not write there: choose another folder."));
    }
    for (place, advice) in places {
        let run = run_in(&folder, &["truncation", "--export", "r.csv", "--export", &place]);
        assert_eq!((run.status, run.out.as_str()), (3, ""), "{place}");
        assert!(run.err.starts_with(&format!("udp-lab: cannot write {place}: ")), "{}", run.err);
        // Windows tells these apart in other ways.
        assert!(cfg!(windows) || run.err.trim_end().ends_with(advice), "{}", run.err);
        assert_eq!(files(&folder), ["file"], "{place}");
    }
    // A name that no file has anywhere is wrong use.
    let run = run_in(&folder, &["truncation", "--export", "r.csv", "--export", "r.md/"]);
    assert_eq!((run.status, run.out.as_str()), (2, ""), "{}", run.err);
    assert!(run.err.contains("cannot write r.md/: it ends as a folder does"), "{}", run.err);
    assert_eq!(files(&folder), ["file"]);
}

#[test]
#[cfg(target_os = "linux")]
fn files_are_tried_before_any_socket_is_opened() {
    let isolated = |args: &[&str]| {
        Command::new("unshare").args(["--map-root-user", "--net"]).args(args).stdin(Stdio::null()).output()
    };
    match isolated(&["true"]) {
        Ok(output) if output.status.success() => {}
        _ => return missing("a network namespace"),
    }
    let binary = env!("CARGO_BIN_EXE_udp-lab");
    for command in ["truncation", "all"] {
        let run = Run::from(isolated(&[binary, command, "--export", "/sys/r.md"]).unwrap());
        assert!(run.err.contains("cannot write /sys/r.md"), "{}", run.err);
        assert!(!run.err.contains("ENETUNREACH"), "{}", run.err);
    }
}

/// A limit of no bytes to a file fails every write as a full disk does.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_leaves_no_file() {
    let folder = folder("full");
    let script = "ulimit -f 0; exec \"$0\" truncation --export r.md --export r.csv";
    let mut shell = Command::new("sh");
    shell.current_dir(&folder).args(["-c", script, env!("CARGO_BIN_EXE_udp-lab")]).env("LC_ALL", "C.UTF-8");
    let run = Run::from(shell.output().unwrap());
    assert_eq!(run.status, 3, "{}", run.err);
    assert!(run.err.starts_with("udp-lab: cannot write r.md: "), "{}", run.err);
    assert!(run.out.contains(" as expected on "), "what was seen is printed all the same: {}", run.out);
    assert!(files(&folder).is_empty(), "{:?}", files(&folder));
}

#[test]
#[cfg(target_os = "linux")]
fn a_scene_that_cannot_run_is_skipped_and_everything_is_printed_and_exported() {
    let folder = folder("stopped");
    let script = "ulimit -n 12; exec \"$0\" all --format csv --export r.csv";
    let mut shell = Command::new("sh");
    shell.current_dir(&folder).args(["-c", script, env!("CARGO_BIN_EXE_udp-lab")]).env("LC_ALL", "C.UTF-8");
    let run = Run::from(shell.output().unwrap());
    assert_eq!(run.status, 3, "{}", run.err);
    assert!(run.err.contains("EMFILE 24"), "{}", run.err);
    let rows = parsed_csv(&run.out);
    let lessons: Vec<&String> = rows.iter().skip(1).map(|row| &row[0]).collect();
    assert!(LESSONS.iter().all(|lesson| lessons.contains(&&lesson.name.to_owned())), "{}", run.out);
    let skipped = rows.iter().filter(|row| row[6] == "skipped" && row[9].contains("EMFILE 24")).count();
    assert!(skipped > 0 && rows.iter().any(|row| row[6] == "match"), "{}", run.out);
    assert_eq!(fs::read_to_string(folder.join("r.csv")).unwrap(), run.out);
}

/// A reader who has seen enough must not cost the file.
#[test]
fn a_closed_pipe_does_not_keep_the_file_from_being_written() {
    let folder = folder("pipe");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let args = ["truncation", "--export", "r.md"];
    let status = udp_lab().current_dir(&folder).args(args).stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(0));
    let next = format!("**Next:** `udp-lab {}`\n", support::lesson("truncation").next());
    assert!(read(&folder, "r.md").ends_with(&next));
}

#[test]
fn conversations_are_lines_of_text_or_json() {
    for command in [
        &["server", "192.0.2.1:0", "--count", "1"][..],
        &["client", "127.0.0.1:9", "hello"],
        &["relay", "192.0.2.1:0", "9"],
    ] {
        for format in ["plain", "markdown", "csv"] {
            let run = run([command, &["--format", format]].concat());
            assert_eq!((run.status, run.out.as_str()), (2, ""), "{command:?} {format}");
            let sentence =
                format!("{} writes a line as things happen: --format table or json, not {format}", command[0]);
            assert!(run.err.contains(&sentence), "{}", run.err);
        }
    }
}

#[test]
fn commands_say_which_formats_they_have() {
    let explained = run(["explain", "truncation", "--format", "markdown"]);
    assert_eq!((explained.status, explained.out.starts_with("# ")), (0, true), "{}", explained.out);
    for (command, format) in [
        (&["explain", "truncation"][..], "csv"),
        (&["doctor"], "csv"),
        (&["doctor"], "plain"),
        (&["find", "bind"], "plain"),
    ] {
        let run = run([command, &["--format", format]].concat());
        assert_eq!((run.status, run.out.as_str()), (2, ""), "{command:?} {format}");
        assert!(run.err.contains(&format!("{} writes --format table", command[0])), "{}", run.err);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_check_does_not_ask_for_the_files_again() {
    let folder = folder("check");
    let files = ["--export", "r.txt", "--export=r.md", "--force"];
    let run = run_in(&folder, &[&["boundaries", "--full", "one"], &files[..], &["--", "--export"]].concat());
    let check = run.out.lines().find(|line| line.starts_with("Check: ")).unwrap();
    assert!(check.ends_with(" udp-lab boundaries --full one -- --export"), "{check}");
    assert_eq!(run.out, read(&folder, "r.txt"));
}

#[test]
fn a_file_of_text_has_the_calls_where_they_are_asked_for() {
    let folder = folder("trace");
    let run = run_in(&folder, &["truncation", "--full", "--trace", "--export", "r.txt"]);
    assert!(run.out.contains("\n# trace: "), "{}", run.out);
    assert_eq!(run.out, read(&folder, "r.txt"));
}

/// The prediction is the conversation's; what is kept is the run.
#[test]
fn a_predicted_run_is_exported_as_any_other() {
    let folder = folder("predicted");
    for command in ["truncation", "all"] {
        let run = run_in(&folder, &[command, "--predict=a", "--export", "r.txt", "--force"]);
        assert!(run.out.contains("You said a)"), "{}", run.out);
        let file = read(&folder, "r.txt");
        assert!(file.contains("\nWhy: ") && !file.contains("You said"), "{file}");
    }
}

#[test]
fn only_runs_are_exported() {
    let folder = folder("not-runs");
    for command in
        [&["list"][..], &["expect", "truncation"], &["server"], &["client", "127.0.0.1:9"], &["relay", "0", "9"]]
    {
        assert_eq!(run_in(&folder, &[command, &["--export", "r.md"]].concat()).status, 2, "{command:?}");
    }
    assert_eq!(run_in(&folder, &["truncation", "--force"]).status, 2, "nothing to replace");
    assert!(files(&folder).is_empty());
}

#[test]
fn the_list_is_there_in_every_format() {
    let lessons: Vec<Vec<&str>> =
        LESSONS.iter().map(|lesson| vec![lesson.name, lesson.title, lesson.question]).collect();
    let list = |format| run(["list", "--format", format]).out;
    assert_eq!(parsed_csv(&list("csv"))[1..], lessons);
    assert_eq!(parsed_markdown(&list("markdown"))[2..], lessons);
    let plain = lessons.iter().map(|lesson| match lesson.as_slice() {
        [name, title, question] => format!("lesson: {name}\ntitle: {title}\nquestion: {question}\n"),
        other => panic!("{other:?}"),
    });
    assert_eq!(list("plain"), plain.collect::<Vec<_>>().join("\n"));
}

#[test]
fn expectations_are_the_same_in_every_format() {
    for lesson in LESSONS {
        let expect = |format| run(["expect", lesson.name, "--format", format]).out;
        let json: Value = serde_json::from_str(&expect("json")).unwrap();
        let (csv, plain, markdown) =
            (parsed_csv(&expect("csv")), expect("plain"), parsed_markdown(&expect("markdown")));
        assert_eq!(csv[0].join(","), "lesson,scene,id,property,strength,linux,macos,windows,source,observed");
        let claims = json["claims"].as_array().unwrap();
        assert_eq!(csv.len(), 1 + claims.len());
        for (claim, row) in claims.iter().zip(&csv[1..]) {
            let text = |field: &str| claim[field].as_str().unwrap();
            let values = ["linux", "macos", "windows"].map(|os| {
                let expected = &claim["expected"][os];
                let text = expected["text"].as_str().unwrap();
                let mark = if expected["judged"] == false && text != "any" { " ?" } else { "" };
                expected["reason"].as_str().map_or(format!("{text}{mark}"), |reason| format!("absent: {reason}"))
            });
            let [linux, macos, windows] = values.each_ref().map(String::as_str);
            let (scene, id, property) = (text("scene"), text("id"), text("property"));
            let (strength, source) = (text("strength"), text("source"));
            let observed = [("linux", "Linux"), ("macos", "macOS"), ("windows", "Windows")]
                .into_iter()
                .filter(|(os, _)| claim["expected"][os]["observed"] == true)
                .map(|(_, name)| name);
            let observed = observed.collect::<Vec<_>>().join(" ");
            assert_eq!(*row, [lesson.name, scene, id, property, strength, linux, macos, windows, source, &observed]);
            let observed = format!("observed on: {observed}");
            let group = format!(
                "property: {property}\nexpected on Linux: {linux}\nexpected on macOS: {macos}\n\
                 expected on Windows: {windows}\n{}\nstrength: {strength}\nsource: {source}\nid: {id}\n",
                observed.trim_end()
            );
            assert!(plain.contains(&group), "{group} in {plain}");
            let cell = |row: &Vec<String>| row[0].trim_start_matches("~ ") == property && row[4] == source;
            assert!(markdown.iter().any(cell), "{property} in {markdown:?}");
        }
    }
}

#[test]
fn a_blank_sheet_is_blank_in_every_format_and_may_be_of_one_system() {
    let expect = |format| run(["expect", "truncation", "--os", "windows", "--blank", "--format", format]).out;
    let csv = parsed_csv(&expect("csv"));
    assert_eq!(csv[0].join(","), "lesson,scene,id,property,strength,windows,source,observed");
    assert!(csv[1..].iter().all(|row| row[5].is_empty()), "{csv:?}");
    let plain = expect("plain");
    assert!(plain.contains("\nexpected on Windows:\n") && !plain.contains("Linux:"), "{plain}");
    assert!(!plain.contains("expected on Windows: "), "{plain}");
    let markdown = parsed_markdown(&expect("markdown"));
    assert_eq!(markdown[0], ["Property", "Windows", "Source"]);
    assert!(markdown[2..].iter().all(|row| row[1].is_empty()), "{markdown:?}");
}
