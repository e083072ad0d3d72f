//! The binary where it is used: narrow terminals, pipes, full disks, no colour, no network.

#[cfg(target_os = "linux")]
use std::process::Stdio;

use crate::support::{Run, run, udp_lab};

fn widest_line(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

#[test]
fn every_command_fits_the_width_it_is_given() {
    for width in ["60", "80", "120"] {
        for args in [&["all"][..], &["list"], &["expect", "connectionless"], &["expect", "delivery", "--os", "windows"]]
        {
            let run = run([args, &["--width", width]].concat());
            assert!(widest_line(&run.out) <= width.parse().unwrap(), "{args:?} at {width}:\n{}", run.out);
        }
    }
}

#[test]
fn the_width_comes_from_columns_where_there_is_no_terminal() {
    let run = Run::from(udp_lab().arg("list").env("COLUMNS", "64").output().unwrap());
    assert_eq!(widest_line(&run.out), 64);
}

#[test]
fn words_of_the_verdict_stay_whole_at_a_projector() {
    let run = run(["connectionless", "--width", "60"]);
    for word in ["Expected", "Observed", "Verdict", "match"] {
        assert!(run.out.contains(word), "{word}:\n{}", run.out);
    }
    #[cfg(target_os = "linux")]
    assert!(run.out.contains("ECONNREFUSED"), "{}", run.out);
}

#[test]
fn ascii_is_ascii_and_comes_by_itself_without_a_utf8_locale() {
    let asked = run(["boundaries", "--ascii", "fünf", "你好"]);
    assert!(asked.out.is_ascii(), "{}", asked.out);
    assert!(asked.out.contains("\\u{4f60}"), "{}", asked.out);
    // On Windows as well, where a shell of Unix sets it.
    let by_itself = Run::from(udp_lab().arg("all").env("LC_ALL", "C").output().unwrap());
    assert!(by_itself.out.is_ascii(), "{}", by_itself.out);
}

#[test]
fn colour_is_for_those_who_ask() {
    let coloured = |args: &[&str], no_color: &str| {
        let output = udp_lab().args(args).env("NO_COLOR", no_color).output().unwrap();
        // ESC [ 32 m or 38;5;10 m: green, as the library writes it.
        output.stdout.windows(2).any(|pair| pair == b"\x1b[")
    };
    assert!(!coloured(&["boundaries"], ""), "a pipe gets none");
    assert!(coloured(&["boundaries", "--color", "always"], ""));
    assert!(coloured(&["boundaries", "--color", "always"], "1"), "the option is stronger than NO_COLOR");
    assert!(!coloured(&["boundaries", "--color", "never"], ""));
}

#[test]
fn colour_changes_nothing_but_colour() {
    let plain = run(["truncation", "--no-ladder", "--width", "120", "--color", "never"]).out;
    let coloured = run(["truncation", "--no-ladder", "--width", "120", "--color", "always"]).out;
    let escape = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
    // The line to check with repeats the arguments.
    assert_eq!(escape.replace_all(&coloured, "").replace("--color always", "--color never"), plain);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    for args in [&["all"][..], &["list"], &["--help"], &["boundaries", "--format", "json"]] {
        let full = std::fs::File::create("/dev/full").unwrap();
        let run = Run::from(udp_lab().args(args).stdout(full).stderr(Stdio::piped()).output().unwrap());
        assert_eq!(run.status, 3, "{args:?}");
        assert!(run.err.contains("cannot write the output"), "{args:?}: {}", run.err);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn without_a_network_there_is_a_sentence() {
    let isolated = |args: &[&str]| {
        let mut unshare = std::process::Command::new("unshare");
        unshare.args(["--map-root-user", "--net"]).args(args).env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).output()
    };
    match isolated(&["true"]) {
        Ok(output) if output.status.success() => {}
        _ => return crate::support::missing("a network namespace"),
    }
    for lesson in udp_lab::lessons::LESSONS.iter().map(|lesson| lesson.name).chain(["all"]) {
        let run = Run::from(isolated(&[env!("CARGO_BIN_EXE_udp-lab"), lesson]).unwrap());
        assert_eq!(run.status, 3, "{lesson}: {}", run.out);
        assert!(!run.out.contains("differs"), "{lesson}: {}", run.out);
        assert!(run.err.contains("ENETUNREACH 101"), "{}", run.err);
        assert!(run.err.contains("`ip link set lo up` starts it"), "{}", run.err);
    }
}

/// Nothing can be said of UDP where not even an end marker arrives: that is no fault of the system.
#[test]
#[cfg(target_os = "linux")]
fn where_loopback_is_filtered_there_is_a_sentence_and_nobody_is_accused() {
    let filtered = |arguments: &str| {
        let filter = "ip link set lo up && nft add table inet t \
                      && nft add chain inet t c '{ type filter hook input priority 0; }' \
                      && nft add rule inet t c meta l4proto udp drop";
        let script = format!("{filter} && exec \"$0\" {arguments}");
        let mut unshare = std::process::Command::new("unshare");
        unshare.args(["--map-root-user", "--net", "sh", "-c", &script, env!("CARGO_BIN_EXE_udp-lab")]);
        unshare.env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).output()
    };
    let nft = std::process::Command::new("nft").arg("--version").output();
    match filtered("list") {
        Ok(output) if output.status.success() && nft.is_ok() => {}
        _ => return crate::support::missing("a network namespace, and nft to filter in it"),
    }
    for arguments in ["boundaries", "delivery", "doctor"] {
        let run = Run::from(filtered(arguments).unwrap());
        assert_eq!(run.status, 3, "{arguments}: {}{}", run.out, run.err);
        assert!(!run.out.contains("differs"), "{arguments}: {}", run.out);
        let said = run.err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            said.contains("UDP does not pass on loopback here: ") && said.contains("Does a firewall drop it?"),
            "{said}"
        );
    }
}

#[test]
#[cfg(target_os = "linux")]
fn with_too_few_descriptors_there_is_a_sentence() {
    let mut shell = std::process::Command::new("sh");
    let script = "ulimit -n 64 && exec \"$0\" concurrency --clients 200 --work 0ms";
    let run = Run::from(shell.args(["-c", script, env!("CARGO_BIN_EXE_udp-lab")]).output().unwrap());
    assert_eq!(run.status, 3, "{}", run.out);
    assert!(run.err.contains("EMFILE 24") && run.err.contains("ulimit -n"), "{}", run.err);
}

/// 262 MB are sent: the log keeps the beginnings.
#[test]
#[cfg(target_os = "linux")]
fn memory_is_bounded_whatever_is_sent() {
    for args in ["all", "delivery --messages 4000 --size 65507 --no-ladder"] {
        let mut shell = std::process::Command::new("sh");
        let script = format!("ulimit -v 100000 && exec \"$0\" {args}");
        let run = Run::from(shell.args(["-c", &script, env!("CARGO_BIN_EXE_udp-lab")]).output().unwrap());
        assert_eq!(run.status, 0, "{args}: {}{}", run.out, run.err);
    }
}

#[test]
fn help_of_every_command_is_worth_reading() {
    let lessons = udp_lab::lessons::LESSONS.iter().map(|lesson| lesson.name);
    for command in lessons.chain(["all", "list", "expect", "server", "client", "relay"]) {
        let run = run([command, "--help"]);
        assert_eq!(run.status, 0);
        assert!(run.out.contains(&format!("Example: udp-lab {command}")), "{}", run.out);
        assert!(run.out.contains("Exit status: 0"), "{}", run.out);
    }
}

#[test]
fn json_has_the_fields_of_schema_1() {
    let run = run(["all", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(document["schema"], 1);
    for field in ["os", "release", "arch"] {
        assert!(document["host"][field].is_string(), "{field}");
    }
    let reports = document["reports"].as_array().unwrap();
    assert_eq!(reports.len(), udp_lab::lessons::LESSONS.len());
    for report in reports {
        for field in ["lesson", "title", "question"] {
            assert!(report[field].is_string(), "{field}");
        }
        for row in report["rows"].as_array().unwrap() {
            for field in ["id", "property", "expected", "observed", "verdict", "strength", "source"] {
                assert!(row[field].is_string(), "{field} of {row}");
            }
            assert!(row.get("reason").is_some(), "{row}");
        }
        for event in report["events"].as_array().unwrap() {
            assert!(event["scene"].is_u64() && event["returned_us"].is_u64() && event["who"].is_string(), "{event}");
            for field in ["call", "with", "payload", "result"] {
                assert!(event.get(field).is_some(), "{field} of {event}");
            }
        }
    }
    assert_eq!(reports[0]["rows"][1]["expected_value"], 3);
}

#[test]
fn all_sums_the_lessons_up() {
    let text = run(["all", "--full"]).out;
    let json: serde_json::Value = serde_json::from_str(&run(["all", "--format", "json"]).out).unwrap();
    for report in json["reports"].as_array().unwrap() {
        let rows = report["rows"].as_array().unwrap().len();
        let line = text.lines().rfind(|line| line.contains(report["lesson"].as_str().unwrap())).unwrap();
        assert_eq!(line.split(['│', '┆']).nth(2).unwrap().trim(), rows.to_string(), "{line}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_is_expected_is_known_without_a_network() {
    let mut unshare = std::process::Command::new("unshare");
    let binary = env!("CARGO_BIN_EXE_udp-lab");
    match unshare.args(["--map-root-user", "--net", binary, "expect", "boundaries"]).output() {
        Ok(output) if output.status.success() => assert_eq!(output.stderr, b""),
        Ok(output) if output.stderr.starts_with(b"unshare") => {
            crate::support::missing("a network namespace");
        }
        other => panic!("{other:?}"),
    }
}
