//! What the lab says of its calls, held against what others see of them: strace from outside, tcpdump and tshark in the
//! capture.

#[cfg(target_os = "linux")]
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

#[cfg(target_os = "linux")]
use crate::support::Run;
use crate::support::{lesson, missing, run};
use regex::Regex;
use serde_json::Value;
use udp_lab::lessons::LESSONS;
use udp_lab::render::pcapng;
use udp_lab::vocabulary::{Event, Outcome, Protocol, Report, SendForm, Syscall};

/// The lines below the heading of the trace.
fn trace(out: &str) -> Vec<&str> {
    let lines = out.lines().skip_while(|line| !line.starts_with("# trace: "));
    lines.skip(1).filter(|line| !line.is_empty()).collect()
}

fn calls(out: &str) -> Vec<String> {
    trace(out).into_iter().filter(|line| !line.starts_with('#')).map(one_blank).collect()
}

/// Before the result stand as many blanks as its column asks for, which a pointer's width changes.
fn one_blank(call: &str) -> String {
    static RESULT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\) += (-?\d)").unwrap());
    RESULT.replace(call, ") = $1").into_owned()
}

#[test]
fn all_prints_a_trace_behind_each_table() {
    let out = run(["all", "--no-picture", "--full", "--trace"]).out;
    assert_eq!(out.matches("\n# trace: ").count(), LESSONS.len());
    assert!(out.contains("\n# server: serve\n") && out.contains("\n# server: begin client 1\n"), "{out}");
    let out = run(["all", "--no-picture", "--full"]).out;
    assert_eq!((out.matches("# ").count(), out.matches("\nCheck: ").count()), (0, LESSONS.len()));
}

#[test]
fn the_trace_has_every_scene_and_only_calls_and_comments() {
    let form = Regex::new(r"^([a-z0-9_]+\((\[\{fd=)?(\d+|EPOLL_CLOEXEC).*\) += (\d+|0 \(Timeout\)|1 \(\[\{fd=\d+, revents=POLL[A-Z|]+\}\]\)|-1 \w+ \(.+\))|# .+)$").unwrap();
    let file = temporary("scenes.json");
    for lesson in LESSONS {
        let out = run([lesson.name, "--trace", "--export", file.to_str().unwrap(), "--force"]).out;
        for line in trace(&out) {
            assert!(form.is_match(line), "{}: {line}", lesson.name);
        }
        let document: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let observed =
            document["reports"][0]["rows"].as_array().unwrap().iter().filter(|row| row["verdict"] != "skipped");
        for scene in observed.map(|row| row["scene"].as_str().unwrap()) {
            let heading = |line: &&str| line.starts_with("# scene ") && line.contains(scene);
            assert!(trace(&out).iter().any(heading), "{}: no scene {scene} in\n{out}", lesson.name);
        }
    }
    fs::remove_file(&file).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn flags_parts_and_errors_are_those_of_the_call() {
    let address = r#"\{sa_family=AF_INET, sin_port=htons\(\d+\), sin_addr=inet_addr\("127\.0\.0\.1"\)\}"#;
    let name = format!("msg_name={address}");
    for (lesson, wanted) in [
        ("truncation", format!(r#"recvfrom\(\d+, "h", 1, 0, {address}, \[128 => 16\]\) = 1"#)),
        ("truncation", format!(r#"recvfrom\(\d+, "h", 1, MSG_PEEK\|MSG_TRUNC, {address}, \[128 => 16\]\) = 5"#)),
        (
            "truncation",
            format!(
                r#"recvmsg\(\d+, \{{{name}, msg_namelen=128 => 16, msg_iov=\[\{{iov_base="h", iov_len=1\}}\], msg_iovlen=1, msg_controllen=0, msg_flags=MSG_TRUNC\}}, 0\) = 1"#
            ),
        ),
        ("boundaries", format!(r#"recvfrom\(\d+, "ab", 4, MSG_WAITALL, {address}, \[128 => 16\]\) = 2"#)),
        (
            "boundaries",
            format!(
                r#"sendmsg\(\d+, \{{{name}, msg_namelen=16, msg_iov=\[\{{iov_base="he", iov_len=2\}}, \{{iov_base="l", iov_len=1\}}, \{{iov_base="lo", iov_len=2\}}\], msg_iovlen=3, msg_controllen=0, msg_flags=0\}}, 0\) = 5"#
            ),
        ),
        ("boundaries", r"shutdown\(\d+, SHUT_WR\) = 0".to_owned()),
        (
            "connectionless",
            r"accept4\(\d+, ..., \[128\], SOCK_CLOEXEC\) +=  ?-1 EOPNOTSUPP \(.*\)".replace("=  ?", "= "),
        ),
        (
            "connectionless",
            r"recvfrom\(\d+, \.\.\., 1024, 0, \.\.\., \[128\]\) = -1 ECONNREFUSED \(Connection refused\)".to_owned(),
        ),
        ("compare", r#"bind\(\d+, \{sa_family=AF_INET, sin_port=htons\(0\), .*\}, 16\) = 0"#.to_owned()),
        ("compare", r"sendto\(\d+, .*, 0, NULL, 0\) = -1 EPIPE \(Broken pipe\)".to_owned()),
    ] {
        let calls = calls(&run([lesson, "--trace"]).out);
        let wanted = Regex::new(&format!("^{wanted}$")).unwrap();
        assert!(calls.iter().any(|call| wanted.is_match(call)), "{lesson}: {wanted}\n{}", calls.join("\n"));
    }
}

#[test]
fn a_trace_leaves_out_what_repeats_and_nothing_special() {
    let file = temporary("folded.json");
    let left_out = Regex::new(r"(?m)^# \.\.\. (\d+) more like (?:it|them)$").unwrap();
    let moment = Regex::new("^# [^:]+: (serve|begin|end)").unwrap();
    for lesson in LESSONS {
        let arguments = [lesson.name, "--trace", "--export", file.to_str().unwrap(), "--force"];
        let out = run(arguments).out;
        let document: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let events = document["reports"][0]["events"].as_array().unwrap();
        let is = |event: &&Value| event["result"] == "nothing" || !event["result"]["error"].is_null();
        let special = calls(&out).iter().filter(|call| call.contains(") = -1 ")).count();
        assert_eq!(special, events.iter().filter(is).count(), "{}: {out}", lesson.name);
        assert_eq!(
            out.matches("msg_flags=MSG_TRUNC").count(),
            events.iter().filter(|event| event["cut"] == true).count()
        );
        let is_moment = |line: &&&str| moment.is_match(line) && !line.starts_with("# scene ");
        let moments = trace(&out).iter().filter(is_moment).count();
        let missing: usize = left_out.captures_iter(&out).map(|found| found[1].parse::<usize>().unwrap()).sum();
        assert_eq!(calls(&out).len() + moments + missing, events.len(), "{}: {out}", lesson.name);
        assert!(trace(&out).len() < 450, "{}: {}", lesson.name, trace(&out).len());
    }
    fs::remove_file(&file).unwrap();
    let out = run(["delivery", "--trace", "--full"]).out;
    assert!(!left_out.is_match(&out) && trace(&out).len() > 2_000, "{}", trace(&out).len());
}

#[test]
fn three_truncated_datagrams_stay_in_a_trace() {
    let messages: Vec<String> = (0..20).map(|number| format!("message {number}")).collect();
    let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
    let out = run([&["boundaries", "--buffer", "7", "--scene", "1", "--trace"], &messages[..]].concat()).out;
    assert_eq!(calls(&out).iter().filter(|call| call.contains(r#""message", 7, 0, "#)).count(), 20, "{out}");
    assert!(out.contains("\n# ... 18 more like it\n"), "the sends are alike: {out}");
}

#[test]
fn a_payload_cannot_forge_a_line_of_the_trace() {
    let out = run(["boundaries", "a\nclose(3) = 0", "\u{1b}[31m", "--no-picture", "--trace"]).out;
    assert!(calls(&out).iter().any(|call| call.contains(r#""a\nclose(3) = 0", 14"#)), "{out}");
    assert!(calls(&out).iter().any(|call| call.contains(r#""\33[31m""#)) && !out.contains('\u{1b}'), "{out}");
}

#[test]
fn json_is_not_disturbed_by_the_trace_and_has_what_it_shows() {
    let out = run(["boundaries", "--trace", "--format", "json"]).out;
    let document: Value = serde_json::from_str(&out).unwrap();
    let events = document["reports"][0]["events"].as_array().unwrap();
    let event = |call: &str| events.iter().find(|event| event["call"] == call).unwrap();
    assert_eq!(event("bind")["asked"], "127.0.0.1:0");
    assert_eq!(event("sendmsg")["parts"], serde_json::json!([2, 1, 2]));
    assert_eq!(event("listen")["backlog"], 128);
    assert!(event("accept")["returned"].is_u64());
    // What a call does not have is not there.
    assert!(event("send_to").get("asked").is_none() && event("send_to").get("parts").is_none());
    assert!(document["reports"][0]["began_unix_us"].as_u64().unwrap() > 1_700_000_000_000_000);
}

#[test]
#[cfg(target_os = "linux")]
fn the_address_that_was_asked_and_the_one_to_answer_from_are_told() {
    let scene = ["addresses", "--scene", "pktinfo"];
    let document: Value = serde_json::from_str(&run([&scene[..], &["--format", "json"]].concat()).out).unwrap();
    let events = document["reports"][0]["events"].as_array().unwrap();
    let told =
        |call: &str, field: &str| events.iter().any(|event| event["call"] == call && event[field] == "127.0.0.2");
    assert!(told("recvmsg", "destination") && told("sendmsg", "source"), "{events:#?}");
    assert!(events.iter().filter(|event| event.get("destination").is_some()).all(|event| event["call"] == "recvmsg"));
    let ladder = run([&scene[..], &["--width", "120"]].concat()).out;
    for step in [r#"recvmsg: "hello" to 127.0.0.2"#, r#"sendmsg "Thanks" from 127.0.0.2"#] {
        assert!(ladder.contains(step), "{step} is not in\n{ladder}");
    }
}

// From outside: strace.

/// Where strace can be used; says so where not.
#[cfg(target_os = "linux")]
fn strace_works() -> bool {
    static WORKS: LazyLock<bool> = LazyLock::new(|| {
        let tried = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
        match tried {
            Ok(output) if output.status.success() => return true,
            Ok(_) => crate::support::say("NOT TESTED: strace may not trace here; nothing was compared with it"),
            Err(_) => missing("strace, to compare the log with"),
        }
        false
    });
    *WORKS
}

/// The calls that strace saw, each in one line, and from how many threads those on sockets came.
#[cfg(target_os = "linux")]
fn seen(strace: &str) -> (Vec<String>, usize) {
    let line = Regex::new(r"^(?:\[pid +)?(\d+)?\]? *(<\.\.\. \w+ resumed>)?(.*?)( <unfinished \.\.\.>)?$").unwrap();
    // The trace shows control messages as it shows pointers.
    let pointer = Regex::new(
        r"0x[0-9a-f]+|\[\{cmsg_len=\d+, cmsg_level=SOL_(?:SOCKET|IPV6|IP, cmsg_type=IP_RECVERR).*?\}\], msg_controllen=\d+",
    )
    .unwrap();
    // Said in the middle of a line, where it happens there.
    let attached = Regex::new(r"strace: Process \d+ attached\n").unwrap();
    let strace = attached.replace_all(strace, "");
    // Where a signal ends a call that may be restarted, strace shows what the kernel made of it before it told the
    // program.
    let interrupted = "= ? ERESTARTSYS (To be restarted if SA_RESTART is set)";
    let strace = strace.replace(interrupted, "= -1 EINTR (Interrupted system call)");
    let mut begun: HashMap<String, String> = HashMap::new();
    let mut calls = Vec::new();
    let mut threads: Vec<String> = Vec::new();
    for found in strace.lines().filter_map(|text| line.captures(text)) {
        let part = |number: usize| found.get(number).map_or("", |part| part.as_str());
        let (thread, text) = (part(1).to_owned(), part(3));
        let text = if part(2).is_empty() { text.to_owned() } else { begun.remove(&thread).unwrap_or_default() + text };
        if !part(4).is_empty() {
            begun.insert(thread, text);
        } else if text.contains(" = ") {
            calls.push(one_blank(&pointer.replace_all(&text, "...")));
            // The thread that starts the program has files and a terminal, and makes no call on a socket.
            let is_of_files = |name: &&str| text.starts_with(name);
            let of_files = ["read(", "write(", "close(", "poll(", "fcntl(", "ioctl("];
            if !of_files.iter().any(is_of_files) && !threads.contains(&thread) {
                threads.push(thread);
            }
        }
    }
    (calls, threads.len())
}

/// The sends and receives among `calls`.
#[cfg(target_os = "linux")]
fn moves(calls: &[String]) -> Vec<String> {
    // The lab does not log its polls of TCP streams, which peek.
    let moves = |call: &&String| {
        ["sendto(", "sendmsg(", "recvfrom(", "recvmsg("].iter().any(|name| call.starts_with(name))
            && !call.contains("MSG_PEEK, NULL, NULL")
            // Nor its looks at what was refused.
            && !call.contains("MSG_ERRQUEUE")
            // Nor what `ip` asks the kernel, which prepares a host.
            && !call.contains("AF_NETLINK")
            && !call.contains("nlmsg_len")
    };
    calls.iter().filter(moves).cloned().collect()
}

/// The options that are set and read among `calls`. The lab sets others as well, to prepare.
#[cfg(target_os = "linux")]
fn options(calls: &[String]) -> Vec<String> {
    let option = |call: &&String| call.starts_with("setsockopt(") || call.starts_with("getsockopt(");
    calls.iter().filter(option).cloned().collect()
}

/// The command that a report names, without its line breaks.
fn check_line(out: &str) -> String {
    let start = out.find("Check: ").expect("there is a line to check with");
    let line = out[start..].split("\nNext: ").next().unwrap();
    line.strip_prefix("Check: ").unwrap().to_owned()
}

/// Runs `command` in a shell that finds this `udp-lab`.
#[cfg(target_os = "linux")]
fn in_a_shell(command: &str) -> std::process::Output {
    let folder = Path::new(env!("CARGO_BIN_EXE_udp-lab")).parent().unwrap().to_owned();
    let path =
        std::env::join_paths([folder].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())))
            .unwrap();
    let mut shell = Command::new("bash");
    shell.env("PATH", path).env("LC_ALL", "C.UTF-8").env("COLUMNS", "80").args(["-c", command]);
    shell.output().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn the_line_to_check_with_shows_the_same_sends_and_receives() {
    if !strace_works() {
        return;
    }
    for lesson in LESSONS {
        let command = check_line(&run([lesson.name, "--no-picture", "--full", "--trace"]).out);
        let wanted = format!("strace -f -e trace=network udp-lab {} --no-picture --full --trace", lesson.name);
        assert_eq!(command.replace(" \\\n    ", " "), wanted);
        let output = in_a_shell(&command);
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        let (all, threads) = seen(&err);
        let (mut logged, mut seen) = (moves(&calls(&out)), moves(&all));
        // The lab does not log how it takes away an end marker that a peek has found.
        seen.retain(|call| !call.contains(", \"\", 0, 0, {") || logged.contains(call));
        if threads > 1 {
            // Of two calls at the same time nobody can say which one was first.
            logged.sort();
            seen.sort();
        }
        let options = options(&calls(&out));
        let mut rest = all.iter();
        for option in &options {
            assert!(rest.any(|seen| seen == option), "{}: strace did not see, at its place: {option}", lesson.name);
        }
        assert!(!options.is_empty() || lesson.name != "delivery");
        assert!(!seen.is_empty(), "{}: strace saw no send and no receive: {err}", lesson.name);
        let first = logged.iter().zip(&seen).find(|(logged, seen)| logged != seen);
        assert_eq!(first, None, "{}: logged, and seen by strace\n{err}", lesson.name);
        assert_eq!(logged.len(), seen.len(), "{}", lesson.name);
    }
}

/// Calls on epoll as one version of strace and one kind of machine write them: the data of an event has other forms,
/// and where there is no epoll_wait, epoll_pwait is called.
#[cfg(target_os = "linux")]
fn any_strace(calls: Vec<String>) -> Vec<String> {
    let data = Regex::new(r"data=(?:\{[^}]*\}|\.\.\.)").unwrap();
    let signals = Regex::new(r"^epoll_pwait(\(.*), NULL, 8\)").unwrap();
    let plain = |call: &String| match call.starts_with("epoll_") {
        true => signals.replace(&data.replace_all(call, "data=..."), "epoll_wait$1)").into_owned(),
        false => call.clone(),
    };
    calls.iter().map(plain).collect()
}

/// Runs a lesson under strace: the calls of its trace, those that strace saw, and from how many threads.
#[cfg(target_os = "linux")]
fn logged_and_seen(lesson: &[&str]) -> (Vec<String>, Vec<String>, usize) {
    let file = temporary(&format!("{}.strace", lesson.join(" ")));
    let mut strace = Command::new("strace");
    strace.args(["-f", "-o"]).arg(&file);
    strace.args(["-e", "trace=network,read,write,close,poll,fcntl,ioctl,tgkill,/^epoll_"]);
    let output = strace.arg(env!("CARGO_BIN_EXE_udp-lab")).args(lesson).args(["--full", "--trace"]).output().unwrap();
    let (seen, threads) = seen(&fs::read_to_string(&file).unwrap());
    fs::remove_file(&file).unwrap();
    (any_strace(calls(&String::from_utf8(output.stdout).unwrap())), any_strace(seen), threads)
}

#[test]
#[cfg(target_os = "linux")]
fn every_logged_call_is_one_that_strace_saw_in_that_order() {
    if !strace_works() {
        return;
    }
    for lesson in LESSONS.iter().map(|lesson| lesson.name) {
        // Of two calls at the same time nobody can say which one was first. These lessons make one after another.
        let in_order = ["boundaries", "truncation", "connectionless", "compare"].contains(&lesson);
        // Its rows are the same with a smaller buffer, and its calls are fewer.
        let more = if lesson == "buffers" { &["--receive-buffer", "65536"][..] } else { &[] };
        let (logged, seen, threads) = logged_and_seen(&[&[lesson], more].concat());
        assert!(!logged.is_empty(), "{lesson}");
        assert!(threads == 1 || !in_order, "{lesson} has become one of several threads");
        if threads == 1 {
            let mut rest = seen.iter();
            for call in logged {
                assert!(rest.any(|seen| *seen == call), "{lesson}: strace did not see, at its place: {call}");
            }
            continue;
        }
        let mut left: HashMap<String, usize> = HashMap::new();
        seen.into_iter().for_each(|call| *left.entry(call).or_default() += 1);
        for call in logged {
            let times = left.get_mut(&call).filter(|times| **times > 0);
            *times.unwrap_or_else(|| panic!("{lesson}: strace did not see, or not so often: {call}")) -= 1;
        }
    }
}

/// Each call of these scenes fails once for want of memory, as on a machine that is short of it.
#[test]
#[cfg(target_os = "linux")]
fn a_call_for_which_there_is_no_memory_turns_no_row() {
    const FIRST_CALLS: usize = 12;
    if !strace_works() {
        return;
    }
    let scenes = [
        ("connect --scene undo", ["getsockname", "connect"]),
        ("addresses --scene both", ["getsockname", "recvfrom"]),
        ("ports --scene to-port-0", ["getsockname", "sendto"]),
        ("buffers --scene ceiling", ["setsockopt", "getsockopt"]),
        ("sizes --scene ipv4", ["getsockname", "recvfrom"]),
        ("truncation --scene one-more", ["recvfrom", "setsockopt"]),
        ("connectionless --scene one-socket", ["recvfrom", "sendto"]),
        ("unreachable --scene poll", ["recvfrom", "connect"]),
    ];
    let runs = scenes.iter().flat_map(|(scene, calls)| calls.iter().map(move |call| (scene, call)));
    crate::support::concurrently(runs, |(scene, call)| {
        // Some systems say ENOBUFS of the receiver's buffer.
        let errors = if ["sendto", "recvfrom"].contains(call) { &["ENOMEM"][..] } else { &["ENOMEM", "ENOBUFS"] };
        for (number, error) in (1..=FIRST_CALLS).flat_map(|number| errors.iter().map(move |error| (number, error))) {
            let fault = format!("inject={call}:error={error}:when={number}");
            let mut strace = Command::new("strace");
            strace.args(["-f", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &fault]);
            strace.arg(env!("CARGO_BIN_EXE_udp-lab")).args(scene.split(' ')).args(["--format", "csv"]);
            let run = Run::from(strace.env("LC_ALL", "C.UTF-8").output().unwrap());
            assert!([0, 3].contains(&run.status), "{scene}: {fault}: {}{}", run.out, run.err);
            assert!(!run.out.contains(",differs,"), "{scene}: {fault}: {}", run.out);
        }
    });
}

#[test]
#[cfg(target_os = "linux")]
fn what_epoll_is_asked_and_reports_is_what_strace_saw_in_that_order() {
    if !strace_works() {
        return;
    }
    let (logged, seen, _) = logged_and_seen(&["waiting", "--scene", "epoll"]);
    let logged: Vec<String> = logged.into_iter().filter(|call| call.starts_with("epoll_")).collect();
    assert!(logged.len() > 8, "{logged:#?}");
    // The lab has epoll instances of its own, to prepare.
    let mut rest = seen.iter();
    for call in &logged {
        assert!(rest.any(|seen| seen == call), "strace did not see, at its place: {call}\n{seen:#?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_line_to_check_with_can_be_pasted_whatever_the_arguments() {
    if !strace_works() {
        return;
    }
    let messages =
        ["two words", "it's", "$HOME `x` \\", "tab\there", "", "六", "and many more words", "to fill", "lines"];
    for more in [&["--no-picture", "--full"][..], &["--no-picture", "--full", "--ascii"]] {
        let out = run([&["boundaries"], &messages[..], more].concat()).out;
        let command = check_line(&out);
        assert!(command.contains(" \\\n"), "{command}");
        let seen = String::from_utf8(in_a_shell(&command).stderr).unwrap();
        for message in ["two words", "it's", "$HOME `x` \\\\", r"tab\there", "", r"\345\205\255", "lines"] {
            assert!(seen.contains(&format!("\"{message}\", ")), "{message} of {command} is not in\n{seen}");
        }
    }
}

#[test]
fn an_endless_argument_does_not_make_an_endless_line() {
    let out = run(["boundaries", "--full", &"x".repeat(5000), "--no-picture"]).out;
    assert!(check_line(&out).len() < 120, "{out}");
}

// The capture.

fn temporary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("evidence-{}-{name}", std::process::id()))
}

fn report(name: &str) -> Report {
    let lesson = lesson(name);
    lesson.run(lesson.default_scenes().unwrap(), None).unwrap()
}

/// The payloads that the log says were sent as datagrams.
fn sent(report: &Report) -> Vec<Vec<u8>> {
    let udp = report.events().filter(|event| event.protocol == Protocol::Udp);
    let sent = udp.filter(|event| matches!(event.call(), Some((Syscall::Send { .. }, Outcome::Sent(_)))));
    sent.map(|event| event.payload().unwrap().to_vec()).collect()
}

/// The first datagram that was sent with its destination.
fn first_sent(report: &Report) -> &Event {
    let sends = |event: &&Event| matches!(event.call(), Some((Syscall::Send { form: SendForm::To(_), .. }, _)));
    report.events().find(sends).unwrap()
}

/// What `program` prints; nothing where it is not here.
fn read_by(program: &str, args: &[&str], file: &Path) -> Option<String> {
    let output = match Command::new(program).args(args).arg(file).output() {
        Ok(output) => output,
        Err(_) => {
            missing(&format!("{program}, to read the capture"));
            return None;
        }
    };
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program}: {out}{err}");
    Some(out.into_owned())
}

#[test]
fn the_capture_is_made_of_whole_blocks_and_says_where_it_comes_from() {
    let report = report("boundaries");
    let file = pcapng::capture(&report);
    let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    let (mut at, mut kinds) = (0, Vec::new());
    while at < file.len() {
        let length = number(at + 4) as usize;
        assert_eq!(number(at + length - 4) as usize, length, "a block ends with its length");
        assert_eq!(length % 4, 0);
        kinds.push(number(at));
        at += length;
    }
    assert_eq!(kinds[..2], [0x0a0d_0d0a, 1]);
    assert_eq!(kinds[2..], vec![6; sent(&report).len()]);
    let text = String::from_utf8_lossy(&file);
    assert!(text.contains("Written by udp-lab from the log of the lesson boundaries, not captured"));
    assert!(text.contains(r#"scene 1 "one send, one receive": client -> server"#));
}

#[test]
fn tcpdump_reads_every_datagram_and_finds_the_checksums_right() {
    let report = report("truncation");
    let file = temporary("tcpdump.pcapng");
    fs::write(&file, pcapng::capture(&report)).unwrap();
    let Some(out) = read_by("tcpdump", &["-nn", "-vv", "-r"], &file) else { return };
    assert_eq!(out.matches("[udp sum ok]").count(), sent(&report).len(), "{out}");
    assert!(!out.contains("bad") && !out.contains("wrong"), "{out}");
    let first = first_sent(&report);
    let (from, to) = (first.local.unwrap(), first.peer.as_ref().unwrap().address);
    let ends = format!("127.0.0.1.{} > 127.0.0.1.{}: [udp sum ok]", from.port(), to.port());
    assert!(out.contains(&ends), "{ends} is not in\n{out}");
}

#[test]
fn tshark_reads_payloads_comments_and_times() {
    // Two lessons in one file, as `all` would write it.
    let reports = [report("boundaries"), report("connectionless")];
    let file = temporary("tshark.pcapng");
    fs::write(&file, reports.iter().flat_map(pcapng::capture).collect::<Vec<u8>>()).unwrap();
    let fields = ["udp.payload", "frame.comment", "udp.checksum.status", "ip.checksum.status", "frame.time_epoch"];
    let mut args = vec!["-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-T", "fields"];
    args.extend(fields.iter().flat_map(|field| ["-e", field]));
    let Some(out) = read_by("tshark", &[&args[..], &["-r"]].concat(), &file) else { return };
    let rows: Vec<Vec<&str>> = out.lines().map(|line| line.split('\t').collect()).collect();

    let hexadecimal = |bytes: &Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let payloads: Vec<String> = reports.iter().flat_map(sent).map(|bytes| hexadecimal(&bytes)).collect();
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), payloads);
    for row in &rows {
        assert!(row[1].starts_with("scene ") && row[1].contains(" -> "), "{row:?}");
        assert_eq!(row[2..4], ["1", "1"], "the checksums are good: {row:?}");
    }
    assert_eq!(rows[0][1], r#"scene 1 "one send, one receive": client -> server"#);
    let first = first_sent(&reports[0]);
    let sent = (reports[0].began + first.returned).duration_since(std::time::UNIX_EPOCH).unwrap();
    let (whole, micros) = (sent.as_secs(), sent.subsec_micros());
    assert!(rows[0][4].starts_with(&format!("{whole}.{micros:06}")), "{} is not {sent:?}", rows[0][4]);
}
