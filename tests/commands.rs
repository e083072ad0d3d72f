//! The commands that run no lesson: the teacher's pages, the doctor, completions, the manual page.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

#[cfg(target_os = "linux")]
use crate::support::concurrently;
#[cfg(unix)]
use crate::support::udp_lab;
use crate::support::{Run, missing, run, say};
use serde_json::Value;
use udp_lab::lessons::LESSONS;

fn page_of(lesson: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("demos/{lesson}.md"));
    std::fs::read_to_string(path).unwrap()
}

fn document(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}{}", run.out, run.err))
}

#[test]
fn every_page_is_compiled_in_unchanged() {
    for lesson in LESSONS {
        let shown = document(&run(["explain", lesson.name, "--format", "json"]));
        assert_eq!(shown["lesson"], lesson.name);
        assert_eq!(shown["markdown"].as_str().unwrap(), page_of(lesson.name), "{}", lesson.name);
    }
}

#[test]
fn prose_fits_the_width_and_transcripts_are_left_alone() {
    for lesson in LESSONS {
        for width in [60, 80, 120] {
            let run = run(["explain", lesson.name, "--width", &width.to_string()]);
            assert_eq!((run.status, run.err.as_str()), (0, ""), "{}", lesson.name);
            // Where there is room for it, quotes and transcripts are the only lines that are indented by four.
            for line in run.out.lines().filter(|line| !line.starts_with("    ") || line.contains("| ")) {
                assert!(line.chars().count() <= width, "{} at {width}: {line}", lesson.name);
            }
            let page = page_of(lesson.name);
            for code in page.split("```").skip(1).step_by(2) {
                let lines: Vec<&str> = code.lines().skip(1).collect();
                let widest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
                let indent = if widest <= width { (width - widest).min(4) } else { 4 };
                for line in lines {
                    let indented = format!("{:indent$}{line}", "");
                    assert!(run.out.lines().any(|shown| shown == indented.trim_end()), "{}: {line}", lesson.name);
                }
            }
        }
    }
}

#[test]
fn a_page_has_its_headings_and_words_and_only_the_marks_of_code() {
    for lesson in LESSONS {
        let shown = run(["explain", lesson.name]).out;
        let mut code = false;
        for line in page_of(lesson.name).lines() {
            code ^= line.starts_with("```");
            if let Some(heading) = line.strip_prefix('#').filter(|_| !code) {
                let heading = heading.trim_start_matches('#').trim();
                assert!(shown.lines().any(|line| line == heading), "{}: {heading}", lesson.name);
            }
        }
        for mark in ["**", "](", "\n#", "\n>"] {
            let prose = shown.lines().filter(|line| !line.starts_with("    ")).collect::<Vec<_>>().join("\n");
            assert!(!prose.contains(mark), "{} has {mark}:\n{prose}", lesson.name);
        }
    }
}

#[test]
fn a_page_can_be_had_in_ascii_and_in_bold() {
    let escape = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
    for lesson in LESSONS {
        let plain = run(["explain", lesson.name]).out;
        let ascii = run(["explain", lesson.name, "--ascii"]).out;
        assert!(ascii.is_ascii() && !ascii.contains("\\u{2"), "{}:\n{ascii}", lesson.name);
        let bold = run(["explain", lesson.name, "--color", "always"]).out;
        assert!(bold.contains("\x1b[1mAsk first\x1b[0m"), "{}", lesson.name);
        assert_eq!(escape.replace_all(&bold, ""), plain);
    }
}

#[test]
fn what_does_not_exist_is_wrong_use() {
    for args in [&["explain", "nothing"][..], &["explain"], &["completions", "tcsh"], &["completions"], &["man", "ls"]]
    {
        let run = run(args);
        assert_eq!((run.status, run.out.as_str()), (2, ""), "{args:?}");
        assert!(!run.err.is_empty(), "{args:?}");
    }
    assert!(run(["explain", "nothing"]).err.contains(LESSONS[0].name), "the lessons are named");
}

#[test]
fn help_has_an_example_and_the_exit_statuses() {
    for command in ["find", "explain", "systems", "record", "doctor", "completions", "man"] {
        let run = run([command, "--help"]);
        assert_eq!(run.status, 0);
        assert!(run.out.contains(&format!("Example: udp-lab {command}")), "{}", run.out);
        assert!(run.out.contains("Exit status: 0"), "{}", run.out);
    }
}

/// `lesson row: reason` of everything that the doctor announces.
fn announced(checkup: &Value) -> HashSet<String> {
    let groups = checkup["skipped"].as_array().unwrap().iter();
    let of_group = |group: &Value| {
        let (lesson, reason) = (group["lesson"].as_str().unwrap(), group["reason"].as_str().unwrap());
        let rows = group["rows"].as_array().unwrap().iter();
        rows.map(|row| format!("{lesson} {}: {reason}", row.as_str().unwrap())).collect::<Vec<_>>()
    };
    groups.flat_map(of_group).collect()
}

/// The same of what a run of all lessons skipped.
fn skipped(run: &Value) -> HashSet<String> {
    let reports = run["reports"].as_array().unwrap().iter();
    let of_report = |report: &Value| {
        let rows = report["rows"].as_array().unwrap().iter().filter(|row| row["verdict"] == "skipped");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        rows.map(|row| format!("{} {}: {}", text(&report["lesson"]), text(&row["id"]), text(&row["reason"])))
            .collect::<Vec<_>>()
    };
    reports.flat_map(of_report).collect()
}

#[test]
fn the_doctor_says_what_it_found() {
    let run = run(["doctor", "--format", "json"]);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    let checkup = document(&run);
    assert_eq!(checkup["schema"], 1);
    assert!(checkup["host"]["os"].is_string() && checkup["host"]["release"].is_string());
    let findings = checkup["findings"].as_array().unwrap();
    let value = |id: &str| {
        let finding = findings.iter().find(|finding| finding["id"] == id).unwrap_or_else(|| panic!("no {id}"));
        assert!(finding["name"].is_string() && finding["text"].is_string(), "{finding}");
        &finding["value"]
    };
    for id in ["version", "system", "architecture", "width", "terminal", "color", "locale", "utf8"] {
        assert!(value(id).is_string(), "{id}");
    }
    for id in ["loopback", "ipv6", "second-loopback", "drops", "namespaces", "descriptor-list", "proc-net-udp", "wine"]
    {
        assert!(value(id).is_boolean(), "{id}");
    }
    assert!(value("tcp").is_boolean() && (value("icmp").is_boolean() || value("icmp").is_null()));
    assert_eq!(value("loopback"), true);
    for id in ["buffer-default", "buffer-granted"] {
        assert!(value(id).as_u64().unwrap() > 0, "{id}");
    }
    for id in ["buffer-maximum", "descriptors"] {
        assert!(value(id).is_u64() || value(id).is_null(), "{id}");
    }
    #[cfg(target_os = "linux")]
    for (id, path) in [("buffer-default", "rmem_default"), ("buffer-maximum", "rmem_max")] {
        let set = std::fs::read_to_string(format!("/proc/sys/net/core/{path}")).unwrap_or_default();
        match set.trim().parse::<u64>() {
            Ok(set) => assert_eq!(value(id), set, "{id}"),
            Err(_) => say(&format!("{id} not compared here: the system does not show net.core.{path}")),
        }
    }
    assert!(checkup["skipped"].is_array());
}

#[test]
fn the_doctor_announces_every_row_that_is_then_skipped() {
    let checkup = document(&run(["doctor", "--format", "json"]));
    let all = document(&run(["all", "--format", "json"]));
    let skipped = skipped(&all);
    if skipped.is_empty() {
        say("hardly tested here: this system skips no row, see the test of a bare machine");
    }
    assert_eq!(skipped.difference(&announced(&checkup)).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
#[cfg(target_os = "linux")]
fn the_doctor_announces_what_a_bare_machine_skips() {
    let bare = |args: &[&str]| Run::from(crate::support::in_world("bare").args(args).output().unwrap());
    let checkup = document(&bare(&["doctor", "--format", "json"]));
    let skipped = skipped(&document(&bare(&["all", "--format", "json"])));
    assert_eq!(skipped, announced(&checkup));
    for row in [
        "compare udp-answers-from: this machine has no second loopback address 127.0.0.2",
        "compare udp-missing: this kernel has no SO_MEMINFO",
        "connectionless descriptors: list the open file descriptors: permission denied (EACCES 13)",
    ] {
        assert!(skipped.contains(row), "{row} is not in {skipped:?}");
    }
    let shown = bare(&["doctor"]).out;
    assert!(shown.contains("no second loopback address") && shown.contains("compare"), "{shown}");
}

#[test]
#[cfg(target_os = "linux")]
fn the_doctor_announces_what_few_descriptors_leave_out() {
    let with = |limit: u32, arguments: &str| {
        let script = format!("ulimit -n {limit} && exec \"$0\" {arguments}");
        Run::from(Command::new("sh").args(["-c", &script, env!("CARGO_BIN_EXE_udp-lab")]).output().unwrap())
    };
    let doctor = |limit: u32| document(&with(limit, "doctor --format json"));
    let announced_rows = rows(&announced(&doctor(40)));
    assert!(announced_rows.contains("ports different"), "{announced_rows:?}");
    let skipped = rows(&skipped(&document(&with(40, "all --format json"))));
    assert_eq!(skipped.difference(&announced_rows).collect::<Vec<_>>(), Vec::<&String>::new());
    // Fewer than most scenes have.
    for limit in [6, 12] {
        let findings = doctor(limit)["findings"].to_string();
        assert!(findings.contains("too few, so that more is skipped than is listed here"), "{limit}: {findings}");
    }
}

/// The rows alone: the ports in the reasons differ from run to run.
#[cfg(target_os = "linux")]
fn rows(entries: &HashSet<String>) -> HashSet<String> {
    entries.iter().map(|entry| entry.split(": ").next().unwrap().to_owned()).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn the_doctor_announces_what_filters_on_loopback_leave_out() {
    const RULE: &str = "nft add table inet t && nft add chain inet t c '{ type filter hook input priority 0; }' && \
                        nft add rule inet t c meta l4proto";
    let with = |machine: &str, arguments: &str| {
        let script = format!("ip link set lo up && {machine} && exec \"$0\" {arguments} --format json");
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--net", "sh", "-c", &script, env!("CARGO_BIN_EXE_udp-lab")]);
        Run::from(unshare.stdin(Stdio::null()).output().unwrap())
    };
    let icmp = format!("{RULE} '{{ icmp, ipv6-icmp }}' drop");
    let tcp_rejected = format!("{RULE} tcp reject with icmpx type admin-prohibited");
    let tcp_dropped = format!("{RULE} tcp drop");
    if [&icmp, &tcp_rejected].iter().any(|machine| with(machine, "list").status != 0) {
        return missing("a network namespace with filters");
    }
    let doctor = |machine: &str, finding: &str, said: &str| {
        let checkup = document(&with(machine, "doctor"));
        let findings = checkup["findings"].as_array().unwrap();
        let found = findings.iter().find(|found| found["id"] == finding).unwrap();
        assert_eq!(found["value"], false, "{machine}: {found}");
        assert!(found["text"].as_str().unwrap().contains(said), "{machine}: {found}");
        let announced = announced(&checkup);
        assert!(announced.iter().any(|row| row.contains(said)), "{machine}: {announced:?}");
        rows(&announced)
    };
    let machines = [
        (icmp.as_str(), "icmp", ", where nobody listens, was not answered with ICMP"),
        (
            tcp_rejected.as_str(),
            "tcp",
            ": no route to host (EHOSTUNREACH 113). The last network has no such host, or a",
        ),
        ("ip address del ::1/128 dev lo", "ipv6", "this machine has no loopback address of IPv6, ::1"),
    ];
    concurrently(machines, |(machine, finding, said)| {
        let skipped = skipped(&document(&with(machine, "all")));
        assert_eq!(doctor(machine, finding, said), rows(&skipped), "{machine}");
        assert!(skipped.iter().any(|row| row.contains(said)), "{machine}: {skipped:?}");
    });
    // A run of every lesson takes long: each waits for a connection.
    let rejected = doctor(&tcp_rejected, "tcp", "");
    let mut dropped = doctor(&tcp_dropped, "tcp", " was not made within 2.5 s. Does a firewall drop it?");
    assert_eq!(dropped, rejected);
    dropped.retain(|row| row.starts_with("compare "));
    assert_eq!(dropped, rows(&skipped(&document(&with(&tcp_dropped, "compare")))));
}

/// The runs in these worlds, in other files, say something only if the buffers are what they should be.
#[test]
#[cfg(target_os = "linux")]
fn the_doctor_sees_small_and_large_receive_buffers() {
    let told = |fault: &str| {
        let checkup = Run::from(crate::support::in_world(fault).args(["doctor", "--format", "json"]).output().unwrap());
        let checkup = document(&checkup);
        let findings = checkup["findings"].as_array().unwrap().clone();
        let bytes = |id: &str| findings.iter().find(|finding| finding["id"] == id).unwrap()["value"].as_u64().unwrap();
        (bytes("buffer-default"), bytes("buffer-granted"), bytes("buffer-maximum"), announced(&checkup))
    };
    let (default, granted, _, skipped) = told("small-buffers");
    assert_eq!((default, granted), (2304, 4608));
    let row = "delivery buffer-granted: the datagrams need a receive buffer of up to 8192 bytes, and the system grants 4608 \
               (net.core.rmem_max limits it)";
    assert!(skipped.contains(row), "{skipped:?}");
    let run =
        Run::from(crate::support::in_world("small-buffers").args(["delivery", "--format", "csv"]).output().unwrap());
    assert!(run.out.contains(",net.core.rmem_max limits the receive buffer here\n"), "{}", run.out);
    let (default, _, maximum, _) = told("large-buffers");
    assert_eq!(default, 2 * maximum);
}

#[test]
fn the_doctor_fits_the_width() {
    for width in [60, 80, 120] {
        let shown = run(["doctor", "--width", &width.to_string()]).out;
        assert!(shown.lines().all(|line| line.chars().count() <= width), "{width}:\n{shown}");
        assert!(shown.contains(&format!("{width} columns")) && shown.contains("hat will be skipped"), "{shown}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn without_loopback_the_doctor_says_so() {
    let isolated = |args: &[&str]| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--net"]).args(args).env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).output()
    };
    match isolated(&["true"]) {
        Ok(output) if output.status.success() => {}
        _ => return missing("a network namespace"),
    }
    let run = Run::from(isolated(&[env!("CARGO_BIN_EXE_udp-lab"), "doctor"]).unwrap());
    assert_eq!(run.status, 3, "{}{}", run.out, run.err);
    assert!(run.err.contains("ENETUNREACH 101") && run.err.contains("`ip link set lo up` starts it"), "{}", run.err);
    assert!(run.out.contains("No lesson can run: loopback does not work."), "{}", run.out);
}

#[test]
fn completions_are_there_for_five_shells() {
    for shell in ["bash", "zsh", "fish", "powershell", "PowerShell", "elvish"] {
        let run = run(["completions", shell]);
        assert_eq!((run.status, run.err.as_str()), (0, ""), "{shell}");
        for word in ["boundaries", "explain", "ascii", "threads"] {
            assert!(run.out.contains(word), "{shell} completes {word}");
        }
    }
}

/// Runs `program` on `input`; says so and returns nothing where this machine does not have it.
fn checked_by(program: &str, args: &[&str], input: &str) -> Option<std::process::Output> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        missing(program);
        return None;
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Some(child.wait_with_output().unwrap())
}

/// What Windows calls `bash` starts another system, where there is one.
#[test]
#[cfg(unix)]
fn bash_completes_lessons_and_options() {
    let script = run(["completions", "bash"]).out;
    let Some(checked) = checked_by("bash", &["-n"], &script) else { return };
    assert_eq!((checked.status.code(), checked.stderr.as_slice()), (Some(0), &b""[..]));
    // What bash does at the tab key: it calls the function that was announced, with the words so far.
    let tab = r#"
        function=$(complete -p udp-lab | sed 's/.*-F \([^ ]*\).*/\1/')
        tab() {
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
            $function udp-lab "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"; echo "${COMPREPLY[@]}"
        }
        tab udp-lab expl
        tab udp-lab explain bo
        tab udp-lab boundaries --buf
        cd /
        tab udp-lab boundaries --scene et
        tab udp-lab boundaries --export et
    "#;
    let Some(answer) = checked_by("bash", &["--norc", "-s"], &(script + tab)) else { return };
    assert_eq!(String::from_utf8_lossy(&answer.stdout), "explain\nboundaries\n--buffer\net\netc\n");
}

#[test]
#[cfg(unix)]
fn fish_completes_lessons_shells_and_commands_and_no_files() {
    let script = run(["completions", "fish"]).out;
    let tab = "
        cd /; set PATH
        for line in 'explain ' 'completions ' 'help ' 'expect '
            echo (complete -C \"udp-lab $line\" | string split -f 1 \\t)
        end
        for line in 'boundaries --scene ' 'find ' 'client ' 'truncation --buffer ' 'relay 0 9 --lose ' 'boundaries x '
            echo none (complete -C \"udp-lab $line\" | string split -f 1 \\t | string match -v -- '-*')
        end
        for line in 'client 9 --file ' 'boundaries --export '
            echo (complete -C \"udp-lab $line\" | string match 'etc/')
        end
    ";
    // At the place of the program's name fish wants to see a command.
    let input = format!("function udp-lab; end\n{script}{tab}");
    let Some(answer) = checked_by("fish", &["--no-config"], &input) else { return };
    let text = String::from_utf8(answer.stdout).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').collect()).collect();
    let sorted = |names: &mut dyn Iterator<Item = &'static str>| {
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names
    };
    let lessons = || udp_lab::lessons::LESSONS.iter().map(|lesson| lesson.name);
    let own = [
        "all",
        "client",
        "completions",
        "doctor",
        "expect",
        "explain",
        "find",
        "help",
        "list",
        "man",
        "record",
        "relay",
        "server",
        "systems",
    ];
    let mut shells = ["bash", "elvish", "fish", "powershell", "zsh"].into_iter();
    let wanted = [
        sorted(&mut lessons().chain(["glossary", "two-machines"])),
        sorted(&mut shells),
        sorted(&mut lessons().chain(own)),
        sorted(&mut lessons()),
    ];
    let wanted: Vec<_> = wanted.into_iter().chain(vec![vec!["none"]; 6]).chain(vec![vec!["etc/"]; 2]).collect();
    assert_eq!(lines, wanted, "{}", String::from_utf8_lossy(&answer.stderr));
}

#[test]
fn the_manual_page_is_roff_without_faults() {
    let page = run(["man"]).out;
    for section in [".TH UDP-LAB 1", ".SH NAME", ".SH SYNOPSIS", ".SH COMMANDS"] {
        assert!(page.contains(section), "{section}");
    }
    let mut command = udp_lab::cli::command();
    command.build();
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        let name = command.get_name();
        let (_, section) = page.split_once(&format!(".SS \"udp-lab {name}\"\n")).unwrap_or_else(|| panic!("{name}"));
        let section = section.split(".SS").next().unwrap();
        let options = command.get_arguments().filter(|arg| name == "expect" || !arg.is_global_set());
        for option in options.filter_map(|arg| arg.get_long()).filter(|option| *option != "help") {
            let own = section.contains(&format!("\\fB\\-\\-{}\\fR", option.replace('-', "\\-")));
            let common = ["format", "width", "ascii", "bom", "no-picture", "color"].contains(&option);
            assert_ne!(own, common, "{name} --{option}");
        }
    }
    let Some(checked) = checked_by("groff", &["-man", "-Tutf8", "-ww", "-z"], &page) else { return };
    assert_eq!((checked.status.code(), String::from_utf8_lossy(&checked.stderr).as_ref()), (Some(0), ""));
    let Some(drawn) = checked_by("groff", &["-man", "-Tascii", "-P-c"], &page) else { return };
    let drawn = String::from_utf8_lossy(&drawn.stdout).into_owned();
    assert!(drawn.contains("udp-lab completions bash >"), "{drawn}");
}

/// Where this word stands for the last time in a text.
fn last_word(word: &str, text: &str) -> Option<usize> {
    let is_end = |place: usize| !text[place..].starts_with(|next: char| next.is_alphanumeric());
    text.rmatch_indices(word).map(|(place, _)| place).find(|place| is_end(place + word.len()))
}

#[test]
fn the_program_alone_shows_where_to_start() {
    for width in [60, 80] {
        let start = run(["--width", &width.to_string()]);
        assert_eq!((start.status, start.err.as_str()), (0, ""));
        assert!(start.out.is_ascii() && !start.out.contains('\x1b'), "{}", start.out);
        assert!(start.out.lines().all(|line| line.len() <= width), "{}", start.out);
        let (lessons, _) = start.out.split_once("\n\nThe first ten minutes").unwrap();
        let names = LESSONS.iter().map(|lesson| lesson.name).chain(["server", "client", "relay"]);
        let places: Vec<_> = names.map(|name| last_word(name, lessons).expect(name)).collect();
        assert!(places.is_sorted(), "{}", start.out);
        assert!(start.out.lines().count() <= 23, "a terminal of 24 shows all of it: {}", start.out);
        assert!(start.out.contains("\n  udp-lab truncation --predict\n"), "{}", start.out);
        assert!(start.out.contains("\n  udp-lab find packets lost  "), "{}", start.out);
    }
    assert_eq!(run(["--format", "json"]).status, 2);
}

/// By another path, and by the name of a link that a shell finds.
#[test]
#[cfg(unix)]
fn printed_commands_call_the_program_as_it_was_called() {
    use std::os::unix::process::CommandExt;
    for called in ["./x/udp-lab", "lab"] {
        for (arguments, command) in [
            ("boundaries", "Next: CALLED truncation"),
            ("boundaries --format plain", "next: CALLED truncation"),
            ("expect boundaries", "Now run it: CALLED boundaries"),
            ("systems", "A lesson row by row: CALLED systems LESSON"),
            ("systems boundaries", "what else differs: CALLED systems"),
            ("find xyzzy", "All lessons: CALLED list"),
            ("boundary", "All lessons: CALLED list. All commands: CALLED --help"),
        ] {
            let mut program = udp_lab();
            program.arg0(called).env("PATH", "").env_remove("CARGO_PKG_NAME");
            let Run { out, err, .. } = program.args(arguments.split(' ')).output().unwrap().into();
            let command = command.replace("CALLED", called);
            assert!((out.clone() + &err).contains(&command), "{command} is not in\n{out}{err}");
        }
    }
}

#[test]
fn a_mistyped_command_gets_a_suggestion_and_the_way_to_all_commands() {
    for (typed, meant) in [
        ("boundary", "boundaries"),
        ("trunc", "truncation"),
        ("sever", "server"),
        ("cleint", "client"),
        ("realy", "relay"),
        ("concurency", "concurrency"),
    ] {
        let refused = run([typed]);
        assert_eq!(refused.status, 2);
        assert!(refused.err.contains(&format!("{meant}? All lessons: udp-lab list.")), "{}", refused.err);
        assert!(refused.err.ends_with("All commands: udp-lab --help\n"), "{}", refused.err);
    }
}

#[test]
fn the_pages_of_no_lesson_are_compiled_in() {
    for (page, part) in [("glossary", "ephemeral port"), ("two-machines", "Guest Wi-Fi")] {
        let shown = run(["explain", page, "--width", "60"]);
        assert_eq!((shown.status, shown.err.as_str()), (0, ""));
        assert!(shown.out.contains(part), "{}", shown.out);
        assert!(page != "glossary" || shown.out.lines().all(|line| line.len() <= 60), "{}", shown.out);
    }
}
